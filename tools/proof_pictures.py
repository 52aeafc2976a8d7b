"""The pictures of tools/prove_shards, tools/test_ray and tools/test_spark."""

import struct
import zlib


def png(shade, side=48):
    """A small picture that no other shade has."""
    rows = b"".join(b"\0" + bytes((x * shade + y * c * 7) % 256 for x in range(side) for c in range(3))
                    for y in range(side))

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def broken(kind):
    """Eleven files that are no picture."""
    whole = png(kind + 1)
    return [b"", b"x", b"no picture at all", whole[:20], whole[:60], whole[:-40], b"\xff\xd8\xff", b"GIF89a" + bytes(9),
            b"BM" + bytes(20), b"RIFF\0\0\0\0WEBP", whole[:50] + b"\0" * 30 + whole[80:]][kind]


def make_pictures(folder, count):
    for i in range(count):
        path = folder / f"{i % 10}" / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(broken(i // 50 % 11) if i % 50 == 49 else png(i + 1))
