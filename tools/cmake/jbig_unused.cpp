// libjbig.so.0 for packages that carry libtiff: libtiff wants JBIG's library, which is under the GPL and so is not carried.
// The module refuses JBIG's files before libtiff decodes them. Whoever calls one of these ends the process.
#include <cstdlib>

#define FOVEA_UNUSED(name) \
  extern "C" void name() { \
    std::abort();          \
  }
FOVEA_UNUSED(jbg_dec_free)
FOVEA_UNUSED(jbg_dec_getimage)
FOVEA_UNUSED(jbg_dec_getsize)
FOVEA_UNUSED(jbg_dec_in)
FOVEA_UNUSED(jbg_dec_init)
FOVEA_UNUSED(jbg_enc_free)
FOVEA_UNUSED(jbg_enc_init)
FOVEA_UNUSED(jbg_enc_out)
FOVEA_UNUSED(jbg_newlen)
FOVEA_UNUSED(jbg_strerror)
