// Reads the zip archives that npz and pth files are: members stored or deflated, zip64, used in place in the mapped
// file (PKWARE's APPNOTE.TXT 6.3.10).
//
// Sizes and offsets come from the central directory and are checked against the file, each other and the local headers.
// The CRC-32 of inflated members is checked. Stored members are used in place without reading them first and are not
// checked, as in PyTorch, which can also write files without checksums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

struct ZipMember {
  std::string name;
  std::span<const std::byte> content;  // the member's bytes, or the raw DEFLATE stream that they inflate from
  std::size_t size = 0;                // size of the inflated member, in bytes
  std::uint32_t crc32 = 0;             // checksum of the inflated member
  bool deflated = false;
  std::string where;  // "model.npz: member 'cls.npy'", for messages
};

/// Decides by the first bytes alone.
[[nodiscard]] bool is_zip(std::span<const std::byte> file) noexcept;
/// The name of the first member in the file; empty if there is none.
[[nodiscard]] std::string_view first_member_name(std::span<const std::byte> file) noexcept;

/// All members, sorted by name. Folders (names that end in '/') are left out.
/// @param path    for messages only.
/// @throws Error  kCheckpoint if the archive is damaged, encrypted, split or compressed otherwise than by DEFLATE, if
/// members
///                overlap, or if one claims to inflate to more than DEFLATE allows.
[[nodiscard]] std::vector<ZipMember> read_zip_directory(std::span<const std::byte> file, const std::string& path);

/// The member of this name, or nullptr.
[[nodiscard]] const ZipMember* find_member(std::span<const ZipMember> members, std::string_view name) noexcept;

/// The whole member, inflated (copied, if it is stored).
/// @throws Error  kCheckpoint if the member does not inflate to exactly `size` bytes with this CRC-32.
[[nodiscard]] std::vector<std::byte> read_member(const ZipMember& member);

/// The first `count` bytes of the member, or all if it has fewer. The checksum is not checked.
/// @throws Error  kCheckpoint if the member cannot be inflated that far.
[[nodiscard]] std::vector<std::byte> read_beginning(const ZipMember& member, std::size_t count);

}  // namespace fovea
