// Descriptors 0, 1 and 2 are there.
#pragma once

#include <fcntl.h>
#include <unistd.h>

namespace fovea::cli {

/// Opens each of them on /dev/null that is closed. The next file that is opened would get its number, and what is meant
/// for standard output would be written into that file. To be called before anything else is opened.
/// @return  whether all three are open
inline bool open_standard_streams() {
  int opened = 0;
  do {
    opened = ::open("/dev/null", O_RDWR);
  } while (opened >= 0 && opened <= STDERR_FILENO);
  if (opened >= 0) ::close(opened);
  return opened >= 0;
}

}  // namespace fovea::cli
