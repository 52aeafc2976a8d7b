// Zip archives as npz and pth files are: members stored or deflated, zip64, read where they lie in the mapped file
// (PKWARE's APPNOTE.TXT 6.3.10).
//
// Sizes and places are those of the central directory, checked against the file, against each other and against the
// members' local headers. The CRC-32 is checked of what is inflated. Members that are stored are used in place without
// reading them, as PyTorch does, which can also write files without checksums.
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
  std::span<const std::byte> content;  // the member itself, or the raw DEFLATE stream that it is made of
  std::size_t size = 0;                // of the member itself, in bytes
  std::uint32_t crc32 = 0;             // of the member itself
  bool deflated = false;
  std::string where;  // "model.npz: member 'cls.npy'", for messages
};

/// Looks at the first bytes only.
[[nodiscard]] bool is_zip(std::span<const std::byte> file) noexcept;
/// Of the member that lies first in the file; empty if there is none.
[[nodiscard]] std::string_view first_member_name(std::span<const std::byte> file) noexcept;

/// All members, sorted by name. Folders (names that end in '/') are left out.
/// @param path    for messages.
/// @throws Error  kCheckpoint if the archive is damaged, or anything but stored and deflated: encrypted, split, members
///                that overlap, or that claim to inflate to more than DEFLATE can make of them.
[[nodiscard]] std::vector<ZipMember> read_zip_directory(std::span<const std::byte> file, const std::string& path);

/// nullptr if there is none of this name.
[[nodiscard]] const ZipMember* find_member(std::span<const ZipMember> members, std::string_view name) noexcept;

/// The whole member, inflated (copied, if it is stored).
/// @throws Error  kCheckpoint if it does not inflate to exactly `size` bytes of this CRC-32.
[[nodiscard]] std::vector<std::byte> read_member(const ZipMember& member);

/// The first `count` bytes of the member, or all if it has fewer; no checksum is looked at.
/// @throws Error  kCheckpoint if it cannot be inflated so far.
[[nodiscard]] std::vector<std::byte> read_beginning(const ZipMember& member, std::size_t count);

}  // namespace fovea
