// Pictures in tar archives, as data sets for training are stored (WebDataset): members with the same name up to the
// first dot belong together.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/folder/inputs.hpp"

namespace fovea {

/// Whether its extension, in any case, is a tar archive's, which may be compressed.
[[nodiscard]] bool looks_like_tar(std::string_view name);

/// "shard-{000..127}.tar" to its 128 names, as bash spells them, and "{a,b}.tar" to two; any other argument to itself,
/// and so is a name that a file has.
/// @throws Error  kUsage for more than a million names.
[[nodiscard]] std::vector<std::string> expand_archive_names(const std::string& argument);

/// The members that are called like pictures, in the archive's order; hidden ones are skipped. A picture has the label
/// that the member KEY.cls holds, or KEY.json under `label_key`. What keeps a member or the rest of the archive from
/// being read is a failure.
/// @param name       how the archive is called below its argument: the members are NAME/MEMBER
/// @param label_key  empty: KEY.cls
/// @param unpacked   unpacks the archive where it is compressed, now and when its pictures are read
/// @return           empty for an archive without pictures
[[nodiscard]] std::vector<Input> list_archive(const std::string& path, const std::string& name,
                                              const std::string& label_key,
                                              const std::shared_ptr<UnpackedArchives>& unpacked);

/// "shards/0.tar#a/1.jpg" → "shards/0.tar"; empty for what is no archive's member.
[[nodiscard]] std::string archive_of(const std::string& path);

/// The bytes of an input's file, or of the archive's member that the input is.
/// @throws Error  as read_file() and UnpackedArchives::open(); kUnreadable where the archive has become shorter.
[[nodiscard]] std::vector<std::byte> read_input_file(const Input& input);

}  // namespace fovea
