#!/usr/bin/env python3
"""Writes tests/golden/pictures: small pictures of every kind that Pillow tells apart, and what Pillow makes of them.

    tools/make_golden_pictures.py        (Pillow 13.0.0, imagecodecs 2026.3.6, pillow-heif 1.8.1; Debian 12's libheif-examples,
     libavif-bin and libjxl-tools)

expected.json: for each file the width, the height and the CRC-32 of `exif_transpose(Image.open(f)).convert("RGB")`, or,
where fovea refuses what Pillow reads or both refuse, a part of the sentence that says why. HEIC, AVIF and JPEG XL are
read by their libraries' own heif-convert and djxl instead.
"""
import io
import itertools
import json
import pathlib
import random
import struct
import subprocess
import tempfile
import warnings
import zlib

import imagecodecs
import numpy
import pillow_heif
from PIL import Image, ImageOps

WIDTH, HEIGHT = 13, 7  # odd, so that rows end within bytes and tiles stick out
rng = random.Random(17)
files = {}  # name -> bytes
refused = {}  # name -> a part of fovea's sentence; of all others the pixels are compared


def add(name, content, refusal=None):
    assert name not in files, name
    files[name] = content
    if refusal:
        refused[name] = refusal


def noise(count):
    return bytes(rng.randrange(256) for _ in range(count))


def picture(mode="RGB", size=(WIDTH, HEIGHT)):
    rgb = Image.frombytes("RGB", size, noise(size[0] * size[1] * 3))
    if mode in ("I;16", "I", "F"):
        # Half of the values lie below 256, where clipping does not level them.
        values = numpy.array([[rng.choice((rng.randrange(256), rng.randrange(65536))) for _ in range(size[0])] for _ in range(size[1])])
        return Image.fromarray(values.astype({"I;16": "uint16", "I": "int32", "F": "float32"}[mode]))
    if mode == "P":
        return rgb.quantize(16)
    if mode in ("RGBA", "LA", "PA"):
        rgb.putalpha(Image.frombytes("L", size, noise(size[0] * size[1])))
        return rgb.convert(mode)
    return rgb.convert(mode)


def saved(image, format, **options):
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


# ---- PNM -------------------------------------------------------------------------------------------------------------


def pnm():
    for maxval in (1, 2, 3, 15, 100, 127, 254, 255, 256, 300, 1023, 4095, 16383, 65534, 65535):
        width = 1 if maxval < 256 else 2
        for kind, samples in (("5", 1), ("6", 3)):
            values = [rng.randint(0, maxval) for _ in range(WIDTH * HEIGHT * samples)]
            header = f"P{kind}\n# made by hand\n{WIDTH} {HEIGHT}\n{maxval}\n".encode()
            name = f"p{kind}_{maxval}.pnm"
            add(name, header + b"".join(v.to_bytes(width, "big") for v in values))
            if maxval in (1, 15, 100, 255, 1023, 65535):
                text = header.replace(b"P" + kind.encode(), b"P" + str(int(kind) - 3).encode(), 1)
                add(f"text_{name}", text + " ".join(map(str, values)).encode())  # no last newline
    above = f"P5 {WIDTH} {HEIGHT} 100\n".encode() + noise(WIDTH * HEIGHT)
    add("p5_above_maxval.pnm", above)
    add("p4.pbm", f"P4\n{WIDTH} {HEIGHT}\n".encode() + noise((WIDTH + 7) // 8 * HEIGHT))
    bits = "".join(rng.choice("01") for _ in range(WIDTH * HEIGHT))
    add("text_p1.pbm", f"P1\n{WIDTH} {HEIGHT}\n{bits}".encode())
    add("text_p1_spaced.pbm", f"P1\n{WIDTH} {HEIGHT}\n{' '.join(bits)}\n# end".encode())
    add("text_comment_within.pgm", b"P2 3 1 #w\n 255\n 1#2\n3 # x\n 4 5")
    floats = struct.pack(f"{WIDTH * HEIGHT}f", *(rng.uniform(-50, 400) for _ in range(WIDTH * HEIGHT)))
    add("little.pfm", f"Pf\n{WIDTH} {HEIGHT}\n-1.0\n".encode() + floats)
    swapped = struct.pack(f">{WIDTH * HEIGHT}f", *struct.unpack(f"<{WIDTH * HEIGHT}f", floats))
    add("big.pfm", f"Pf\n{WIDTH} {HEIGHT}\n+2.5e1\n".encode() + swapped)
    add("special.pfm", b"Pf\n4 1\n-1\n" + struct.pack("<4f", float("nan"), float("inf"), -float("inf"), 254.999))
    add("colour.pfm", b"PF\n1 1\n-1\n" + bytes(12), "a PFM file in colour")
    add("pam.pam", b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n\0", "PAM")
    add("cut.pgm", b"P5 3 3 255\n" + bytes(8), "the file ends too early")
    add("cut_text.pgm", b"P2 3 1 255\n1 2  ", "its numbers end too early")
    add("above_maxval_text.pgm", b"P2 2 1 15\n1 16\n", "a value is 16, its maxval 15")
    add("maxval_0.pgm", b"P5 1 1 0\n\0", "its maxval is 0")
    add("maxval_65536.pgm", b"P5 1 1 65536\n\0\0", "its maxval is 65536")


# ---- BMP -------------------------------------------------------------------------------------------------------------


def bmp_file(bits, body, *, header=40, compression=0, masks=(), palette=b"", height=HEIGHT, colors=0, width=WIDTH, offset=None):
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, len(body), 2835, 2835, colors, 0)
        mask_bytes = b"".join(struct.pack("<I", m) for m in masks)
        info += mask_bytes if header == 40 else (mask_bytes + bytes(header))[: header - 40]
    start = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start if offset is None else offset) + info + palette + body


def stride(bits, width=WIDTH):
    return (width * bits + 31) // 32 * 4


def bmp():
    palette = lambda count, entry=4: b"".join(noise(3) + bytes(entry - 3) for _ in range(count))
    for bits in (1, 4, 8):
        body = noise(stride(bits) * HEIGHT)
        add(f"bmp_{bits}.bmp", bmp_file(bits, body, palette=palette(1 << bits)))
        add(f"bmp_{bits}_os2.bmp", bmp_file(bits, body, header=12, palette=palette(1 << bits, 3)))
        add(f"bmp_{bits}_top_down.bmp", bmp_file(bits, body, height=-HEIGHT, palette=palette(1 << bits)))
        few = 1 if bits == 1 else 3
        add(f"bmp_{bits}_few_colors.bmp", bmp_file(bits, body, palette=palette(few), colors=few))
        add(f"bmp_{bits}_offset_forgets_palette.bmp", bmp_file(bits, body, palette=palette(1 << bits), offset=54))
        add(f"bmp_{bits}_offset_0.bmp", bmp_file(bits, body, palette=palette(1 << bits), offset=0))
    grays = b"".join(bytes([i, i, i, 0]) for i in range(256))
    add("bmp_8_gray.bmp", bmp_file(8, noise(stride(8) * HEIGHT), palette=grays))
    add("bmp_8_gray_few.bmp", bmp_file(8, noise(stride(8) * HEIGHT), palette=grays[:80], colors=20))
    add("bmp_1_black_white.bmp", bmp_file(1, noise(stride(1) * HEIGHT), palette=grays[:4] + b"\xff\xff\xff\0"))
    add("bmp_1_white_black.bmp", bmp_file(1, noise(stride(1) * HEIGHT), palette=b"\xff\xff\xff\0" + grays[:4]))
    add("bmp_8_black_white.bmp", bmp_file(8, noise(stride(8) * HEIGHT), palette=grays[:4] + b"\xff\xff\xff\0", colors=2), "8 bits for black and white")
    for bits in (16, 24, 32):
        body = noise(stride(bits) * HEIGHT)
        add(f"bmp_{bits}.bmp", bmp_file(bits, body))
        add(f"bmp_{bits}_last_padding_missing.bmp", bmp_file(bits, body[: len(body) - stride(bits) + (WIDTH * bits + 7) // 8]))
    masks32 = {
        "bgrx": (0xFF0000, 0xFF00, 0xFF, 0), "xbgr": (0xFF000000, 0xFF0000, 0xFF00, 0), "bgxr": (0xFF000000, 0xFF00, 0xFF, 0),
        "abgr": (0xFF000000, 0xFF0000, 0xFF00, 0xFF), "rgba": (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
        "bgra": (0xFF0000, 0xFF00, 0xFF, 0xFF000000), "bgar": (0xFF000000, 0xFF00, 0xFF, 0xFF0000), "zero": (0, 0, 0, 0),
    }
    body = noise(stride(32) * HEIGHT)
    for (name, masks), header in itertools.product(masks32.items(), (40, 52, 56, 64, 108, 124)):
        if header in (52, 64, 124) and name not in ("xbgr", "rgba"):
            continue
        written = masks if header >= 56 else masks[:3]  # shorter headers have no mask of alpha
        refusal = "channel masks" if name == "rgba" and header < 56 else None
        add(f"bmp_32_{name}_{header}.bmp", bmp_file(32, body, header=header, compression=3, masks=written), refusal)
    body = noise(stride(16) * HEIGHT)
    for name, masks in {"565": (0xF800, 0x7E0, 0x1F), "555": (0x7C00, 0x3E0, 0x1F)}.items():
        for header in (40, 108):
            add(f"bmp_16_{name}_{header}.bmp", bmp_file(16, body, header=header, compression=3, masks=masks))
    add("bmp_16_444.bmp", bmp_file(16, body, compression=3, masks=(0xF00, 0xF0, 0xF)), "the channel masks 0xf00, 0xf0, 0xf")
    add("bmp_32_101010.bmp", bmp_file(32, noise(stride(32) * HEIGHT), compression=3, masks=(0x3FF00000, 0xFFC00, 0x3FF)), "the channel masks")
    add("bmp_24_fields.bmp", bmp_file(24, noise(stride(24) * HEIGHT), compression=3, masks=(0xFF0000, 0xFF00, 0xFF)))
    # Run lengths: encoded, literal, end of row, a move, runs past the row's end.
    rle8 = bytes([5, 1, 0, 3, 7, 8, 9, 0, 0, 0, 20, 3, 0, 2, 4, 2, 6, 5, 0, 4, 1, 2, 3, 4, 0, 0, 200, 9, 0, 0, 13, 6, 0, 0, 1, 7, 0, 0, 2, 2, 0, 0, 0, 1])
    add("bmp_rle8.bmp", bmp_file(8, rle8, compression=1, palette=palette(256), height=HEIGHT + 1))
    full8 = b"".join(bytes([5, y, 0, 3, 7, 8, 9, 0, 200, y + 20, 0, 0]) for y in range(HEIGHT))
    add("bmp_rle8_full.bmp", bmp_file(8, full8 + b"\0\1", compression=1, palette=palette(256)))
    add("bmp_rle8_top_down.bmp", bmp_file(8, full8, compression=1, palette=palette(256), height=-HEIGHT))
    move = bytes([3, 1, 0, 2, 4, 2, 6, 5, 0, 0]) + b"".join(bytes([13, y]) for y in range(HEIGHT)) * 2
    add("bmp_rle8_move.bmp", bmp_file(8, move, compression=1, palette=palette(256)), "its run lengths end")
    spill = bytes([10, 1, 0, 5, 1, 2, 3, 4, 5, 0, 4, 9, 0, 0]) + b"".join(bytes([13, y, 0, 0]) for y in range(HEIGHT))
    add("bmp_rle8_literal_past_row.bmp", bmp_file(8, spill, compression=1, palette=palette(256)))
    full4 = b"".join(bytes([5, 0x12 + y, 0, 5, 0x34, 0x56, 0x70, 0, 200, y * 3 + 1, 0, 0]) for y in range(HEIGHT))
    add("bmp_rle4.bmp", bmp_file(4, full4, compression=2, palette=palette(16)))
    add("bmp_rle8_gray.bmp", bmp_file(8, full8, compression=1, palette=grays))
    add("bmp_jpeg.bmp", bmp_file(24, b"", compression=4), "compression 4")
    add("bmp_2_bits.bmp", bmp_file(2, noise(4 * HEIGHT), palette=palette(4)), "2 bits a pixel")
    add("bmp_header_16.bmp", b"BM" + bytes(12) + struct.pack("<I", 16) + bytes(64), "a header of 16 bytes")
    add("bmp_cut.bmp", bmp_file(24, noise(stride(24) * HEIGHT))[:-9], "the file ends too early")


# ---- Sun raster ------------------------------------------------------------------------------------------------------


def sun_file(bits, type, body, colors=b""):
    return struct.pack(">8I", 0x59A66A95, WIDTH, HEIGHT, bits, len(body), type, 1 if colors else 0, len(colors)) + colors + body


def sun():
    for bits in (1, 4, 8, 24, 32):
        body = noise((WIDTH * bits + 15) // 16 * 2 * HEIGHT)
        for type in (0, 1, 3):
            add(f"sun_{bits}_{type}.ras", sun_file(bits, type, body))
        row = (WIDTH * bits + 7) // 8
        packed = b"".join(b"\x80" + bytes([row // 2, y * 9]) + b"\x80\0" + bytes([y]) * max(0, row - row // 2 - 2) for y in range(HEIGHT)) + b"\x80\xff\1" * 2
        add(f"sun_{bits}_rle.ras", sun_file(bits, 2, packed))
    add("sun_8_colors.ras", sun_file(8, 1, noise(14 * HEIGHT), noise(768)))
    add("sun_4_colors.ras", sun_file(4, 1, noise(8 * HEIGHT), noise(48)))
    add("sun_type_9.ras", sun_file(8, 9, noise(14 * HEIGHT)), "type 9")
    add("sun_cut.ras", sun_file(8, 1, noise(14 * HEIGHT - 2)), "the file ends too early")


# ---- GIF -------------------------------------------------------------------------------------------------------------


def lzw(indices, bits):
    """Without any string: a clear code before the width would grow."""
    codes, clear = [], 1 << bits
    for i, index in enumerate(indices):
        if i % max(1, clear - 2) == 0:
            codes.append(clear)
        codes.append(index)
    codes.append(clear + 1)
    number = sum(code << (i * (bits + 1)) for i, code in enumerate(codes))
    data = number.to_bytes((len(codes) * (bits + 1) + 7) // 8, "little")
    return bytes([bits]) + b"".join(bytes([len(data[i : i + 255])]) + data[i : i + 255] for i in range(0, len(data), 255)) + b"\0"


def gif_file(screen, place, bits, *, colors=b"", local=b"", control=None, interlaced=False, before=b"", indices=None):
    table = lambda c: 0x80 | ((len(c) // 3).bit_length() - 2) if c else 0
    left, top, width, height = place
    indices = indices or [rng.randrange(1 << bits) for _ in range(width * height)]
    out = b"GIF89a" + struct.pack("<HHBBB", *screen, table(colors), 2, 0) + colors + before
    if control:
        out += b"!\xf9\4" + struct.pack("<BHB", *control) + b"\0"
    out += b"," + struct.pack("<HHHHB", left, top, width, height, table(local) | (0x40 if interlaced else 0)) + local
    return out + lzw(indices, bits) + b";"


def gif():
    colors, other = noise(48), noise(48)
    ramp = bytes(i for i in range(16) for _ in range(3))
    screen, whole = (WIDTH, HEIGHT), (0, 0, WIDTH, HEIGHT)
    add("gif_plain.gif", gif_file(screen, whole, 4, colors=colors))
    for height in (1, 2, 3, 5, 7, 8, 9, 17):
        add(f"gif_interlaced_{height}.gif", gif_file((4, height), (0, 0, 4, height), 4, colors=colors, interlaced=True))
    add("gif_no_palette.gif", gif_file(screen, whole, 8))
    add("gif_ramp.gif", gif_file(screen, whole, 8, colors=bytes(i for i in range(256) for _ in range(3))))
    add("gif_short_ramp.gif", gif_file(screen, whole, 5, colors=ramp))
    add("gif_short_palette.gif", gif_file(screen, whole, 5, colors=colors))
    add("gif_local.gif", gif_file(screen, whole, 4, local=colors))
    add("gif_local_and_global.gif", gif_file(screen, whole, 4, colors=colors, local=other))
    add("gif_local_ramp_and_global.gif", gif_file(screen, whole, 4, colors=colors, local=ramp))
    add("gif_offset.gif", gif_file((20, 12), (3, 2, 7, 5), 4, colors=colors))
    add("gif_offset_no_palette.gif", gif_file((20, 12), (3, 2, 7, 5), 4))
    add("gif_larger_than_screen.gif", gif_file((5, 4), whole, 4, colors=colors))
    add("gif_wider_than_screen.gif", gif_file((5, 20), (2, 3, WIDTH, HEIGHT), 4, colors=colors, control=(1, 0, 6)))
    add("gif_outside_screen.gif", gif_file((5, 4), (6, 6, 3, 2), 4, colors=colors, local=other, control=(1, 0, 3)))
    for disposal in (0, 1, 2, 3):
        add(f"gif_transparent_{disposal}.gif", gif_file((20, 12), (3, 2, 7, 5), 4, colors=colors, control=(disposal << 2 | 1, 5, 9)))
    add("gif_transparent_no_palette.gif", gif_file((20, 12), (3, 2, 7, 5), 4, control=(1, 5, 9)))
    add("gif_transparent_beyond.gif", gif_file((20, 12), (3, 2, 7, 5), 4, colors=colors, control=(1, 5, 200)))
    add("gif_two_controls.gif", gif_file((20, 12), (3, 2, 7, 5), 4, colors=colors, before=b"!\xf9\4\1\0\0\5\0!\xfe\3abc\0", control=(0, 5, 9)))
    add("gif_stray_bytes.gif", gif_file(screen, whole, 4, colors=colors, before=b"\0\7\0"))
    add("gif_strings.gif", saved(picture("P", (40, 40)), "GIF"))
    add("gif_full_table.gif", saved(picture("P", (120, 60)), "GIF"))
    add("gif_solid.gif", saved(Image.new("P", (90, 90), 3), "GIF"))
    frames = [picture("P") for _ in range(3)]
    add("gif_animated.gif", saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    for mode in ("1", "L", "LA", "RGBA"):
        add(f"gif_saved_{mode}.gif", saved(picture(mode), "GIF"))
    add("gif_cut.gif", files["gif_plain.gif"][:-30], "the file ends before its first frame does")
    add("gif_no_frame.gif", files["gif_plain.gif"][:61] + b";", "it holds no frame")


# ---- TIFF ------------------------------------------------------------------------------------------------------------


def packed(values, bits, order):
    """Numbers of `bits` each, in rows that end at bytes."""
    if bits in (8, 16, 32):
        return struct.pack(f"{order}{len(values)}{ {8: 'B', 16: 'H', 32: 'I'}[bits]}", *values)
    row = "".join(f"{v:0{bits}b}" for v in values)
    row += "0" * (-len(row) % 8)
    return int(row, 2).to_bytes(len(row) // 8, "big")


def tiff_file(photometric, bits, samples=1, *, order="<", format=1, extra=(), planar=False, tile=None, rows=3, compression=1, fill=1,
              palette=None, more=(), big=False, values=None, one_bits=False):
    size = (WIDTH, HEIGHT)
    values = values or [[[rng.choice((rng.randrange(1 << bits), rng.randrange(min(256, 1 << bits)))) for _ in range(samples)] for _ in range(size[0])] for _ in range(size[1])]
    planes = [[[[v[s]] for v in row] for row in values] for s in range(samples)] if planar else [values]
    wide, high = tile or (size[0], rows)
    pieces = []
    for plane in planes:
        for top in range(0, size[1], high):
            for left in range(0, size[0], wide):
                lines = high if tile else min(high, size[1] - top)
                piece = b""
                for y in range(top, top + lines):
                    row = [plane[min(y, size[1] - 1)][min(x, size[0] - 1)] for x in range(left, left + wide)]
                    piece += packed([v for pixel in row for v in pixel], bits, order)
                piece = {1: bytes, 8: zlib.compress, 32773: imagecodecs.packbits_encode, 5: imagecodecs.lzw_encode}[compression](piece)
                pieces.append(bytes(int(f"{b:08b}"[::-1], 2) for b in piece) if fill == 2 else piece)
    tags = {256: (4, [size[0]]), 257: (4, [size[1]]), 258: (3, [bits] if one_bits else [bits] * samples), 259: (3, [compression]), 262: (3, [photometric]), 277: (3, [samples]), 284: (3, [2 if planar else 1])}
    if fill != 1:
        tags[266] = (3, [fill])
    if format != 1:
        tags[339] = (3, [format] * samples)
    if extra:
        tags[338] = (3, list(extra))
    if palette:
        tags[320] = (3, palette)
    if tile:
        tags.update({322: (3, [wide]), 323: (3, [high]), 324: (4, None), 325: (4, [len(p) for p in pieces])})
    else:
        tags.update({278: (3, [high]), 273: (4, None), 279: (4, [len(p) for p in pieces])})
    tags.update(dict(more))
    offsets, body = [], b""
    start = 16 if big else 8
    for piece in pieces:
        offsets.append(start + len(body))
        body += piece + bytes(len(piece) % 2)
    tags[324 if tile else 273] = (4, offsets)
    letters = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 6: "b", 7: "B", 8: "h", 9: "i", 11: "f", 12: "d"}
    inline = 8 if big else 4
    directory_at = start + len(body)
    entry = 20 if big else 12
    data_at = directory_at + (8 if big else 2) + entry * len(tags) + inline
    directory, data = b"", b""
    for tag in sorted(tags):
        kind, numbers = tags[tag]
        content = struct.pack(f"{order}{len(numbers)}{letters[kind]}", *numbers)
        directory += struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, len(numbers) // (2 if kind == 5 else 1))
        if len(content) <= inline:
            directory += content.ljust(inline, b"\0")
        else:
            directory += struct.pack(order + ("Q" if big else "I"), data_at + len(data))
            data += content + bytes(len(content) % 2)
    mark = b"II" if order == "<" else b"MM"
    head = mark + (struct.pack(order + "HHHQ", 43, 8, 0, directory_at) if big else struct.pack(order + "HI", 42, directory_at))
    return head + body + struct.pack(order + ("Q" if big else "H"), len(tags)) + directory + bytes(inline) + data


def tiff():
    palette = lambda bits: [rng.randrange(65536) for _ in range(3 << bits)]
    kinds = {}
    for bits in (1, 2, 4, 8):
        kinds[f"white0_{bits}"] = (0, bits)
        kinds[f"black0_{bits}"] = (1, bits)
        kinds[f"palette_{bits}"] = (3, bits, 1, {"palette": palette(bits)})
    kinds.update({
        "gray_16": (1, 16), "white0_16": (0, 16), "gray_32": (1, 32), "gray_12": (1, 12),
        "gray_s8": (1, 8, 1, {"format": 2}), "gray_s16": (1, 16, 1, {"format": 2}), "gray_s32": (1, 32, 1, {"format": 2}),
        "rgb_8": (2, 8, 3), "rgb_16": (2, 16, 3), "cmyk_8": (5, 8, 4), "cmyk_16": (5, 16, 4),
        "gray_x": (1, 8, 2, {"extra": (0,)}), "gray_alpha": (1, 8, 2, {"extra": (2,)}),
        "palette_x": (3, 8, 2, {"extra": (0,), "palette": palette(8)}), "palette_alpha": (3, 8, 2, {"extra": (2,), "palette": palette(8)}),
        "rgba_untold": (2, 8, 4), "rgba16_untold": (2, 16, 4),
        "cmyk_x": (5, 8, 5, {"extra": (0,)}), "cmyk_xx": (5, 8, 6, {"extra": (0, 0)}),
        "ycbcr_gray": (6, 8, 1), "ycbcr": (6, 8, 3, {"more": ((530, (3, [1, 1])),)}),
        "rgb_one_bits": (2, 8, 3, {"one_bits": True}),
    })
    for bits, extra in itertools.product((8, 16), ((0,), (1,), (2,))):
        kinds[f"rgb{bits}_extra_{extra[0]}"] = (2, bits, 4, {"extra": extra})
    for extra in ((0, 0), (0, 0, 0), (1, 0), (1, 0, 0), (2, 0), (2, 0, 0)):
        kinds[f"rgb8_extra_{''.join(map(str, extra))}"] = (2, 8, 3 + len(extra), {"extra": extra})
    floats = [[[struct.unpack("<I", struct.pack("<f", rng.uniform(-60, 400)))[0]] for _ in range(WIDTH)] for _ in range(HEIGHT)]
    kinds["gray_f32"] = (1, 32, 1, {"format": 3, "values": floats})
    kinds["white0_f32"] = (0, 32, 1, {"format": 3, "values": floats})
    layouts = {
        "strips": {}, "one_strip": {"rows": HEIGHT}, "rows_above_height": {"rows": 100}, "tiles": {"tile": (16, 16)}, "small_tiles": {"tile": (16, 16), "compression": 8},
        "big_endian": {"order": ">"}, "deflate": {"compression": 8}, "big_endian_deflate": {"order": ">", "compression": 8}, "bigtiff": {"big": True},
        "planar": {"planar": True}, "planar_deflate": {"planar": True, "compression": 8}, "planar_tiles": {"planar": True, "tile": (16, 16)},
        "packbits": {"compression": 32773}, "lzw": {"compression": 5}, "fill2": {"fill": 2}, "fill2_deflate": {"fill": 2, "compression": 8},
    }
    for (kind, (photometric, bits, *rest)), (layout, options) in itertools.product(kinds.items(), layouts.items()):
        samples = rest[0] if rest else 1
        if layout.startswith("planar") and samples == 1:
            continue
        if layout in ("packbits", "lzw", "bigtiff", "rows_above_height", "small_tiles") and kind not in ("rgb_8", "gray_16", "black0_1", "palette_4", "rgb8_extra_1", "gray_f32"):
            continue
        if layout in ("big_endian_deflate", "tiles") and kind.startswith(("rgb8_extra_", "cmyk_x", "palette_x", "palette_a")):
            continue
        if layout == "one_strip" and kind not in ("black0_1", "gray_16", "palette_4", "rgb_8"):
            continue
        if layout == "fill2_deflate" and kind not in ("black0_1", "black0_8", "palette_4", "rgb_8"):
            continue
        if layout in ("big_endian", "deflate", "planar") and kind.startswith(("palette_x", "palette_a")):
            continue
        if layout in ("tiles", "planar_tiles") and bits == 16 and kind not in ("gray_16", "rgb_16"):
            continue
        planar, deflate, big_endian = (word in layout for word in ("planar", "deflate", "big_endian"))
        refusal = None
        if planar and bits == 16 and not deflate:
            refusal = "planes of 16 bits that are not compressed, which Pillow misreads"
        elif planar and kind in ("rgba_untold", "rgba16_untold", "rgb8_extra_0", "rgb16_extra_0"):
            refusal = "a fourth plane of unknown meaning"
        elif big_endian and deflate and kind in ("gray_s16", "gray_s32", "gray_f32", "white0_f32"):
            refusal = "big-endian and compressed, which Pillow misreads"
        elif kind == "ycbcr_gray" and layout != "tiles":
            refusal = "Invalid td_samplesperpixel value"
        add(f"tiff_{kind}_{layout}.tif", tiff_file(photometric, bits, samples, **{**(rest[1] if len(rest) > 1 else {}), **options}), refusal)
    # The strip holds one row more than the picture.
    whole = tiff_file(1, 8, compression=8, rows=HEIGHT)
    add("tiff_long_last_strip.tif", whole.replace(struct.pack("<HHII", 257, 4, 1, HEIGHT), struct.pack("<HHII", 257, 4, 1, HEIGHT - 1)))
    for orientation in range(1, 9):
        add(f"tiff_orientation_{orientation}.tif", tiff_file(2, 8, 3, more=((274, (3, [orientation])),)))
    for compression in ("group3", "group4", "tiff_ccitt"):
        add(f"tiff_saved_{compression}.tif", saved(picture("1", (40, 30)), "TIFF", compression=compression))
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "lzma", "zstd", "packbits"):
        for mode in ("1", "L", "LA", "P", "PA", "I;16", "I", "F", "RGB", "RGBX", "RGBA", "CMYK"):
            if mode in ("L", "RGB", "I;16") or compression == "tiff_lzw":
                add(f"tiff_saved_{compression}_{mode.replace(';', '')}.tif", saved(picture(mode), "TIFF", compression=compression))
    add("tiff_saved_predictor.tif", saved(picture("RGB"), "TIFF", compression="tiff_lzw", tiffinfo={317: 2}))
    for mode in ("L", "RGB", "CMYK", "YCbCr"):
        add(f"tiff_saved_jpeg_{mode}.tif", saved(picture(mode, (20, 18)), "TIFF", compression="jpeg"))
    add("tiff_saved_lab.tif", saved(Image.frombytes("LAB", (WIDTH, HEIGHT), noise(3 * WIDTH * HEIGHT)), "TIFF"), "L*a*b* colours")
    add("tiff_ycbcr_deflate_subsampled.tif", tiff_ycbcr_subsampled(8))
    add("tiff_ycbcr_subsampled.tif", tiff_ycbcr_subsampled(1), "YCbCr that is subsampled but not compressed")
    frames = [picture("RGB"), picture("RGB")]
    add("tiff_two_pages.tif", saved(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    for bits in (10, 14, 24):
        add(f"tiff_gray_{bits}.tif", tiff_file(1, bits), f"{bits}-bit samples")
    add("tiff_rgb_32.tif", tiff_file(2, 32, 3), "32-bit samples in colour")
    add("tiff_gray_associated.tif", tiff_file(1, 8, 2, extra=(1,)), "grey with associated alpha")
    add("tiff_cut.tif", tiff_file(2, 8, 3).replace(struct.pack("<HHII", 257, 4, 1, HEIGHT), struct.pack("<HHII", 257, 4, 1, HEIGHT * 9)), "is damaged")


def tiff_ycbcr_subsampled(compression):
    """2 x 2 pixels share their colour: blocks of four lights, blue and red."""
    blocks = ((WIDTH + 1) // 2) * ((HEIGHT + 1) // 2)
    data = noise(6 * blocks)
    body = zlib.compress(data) if compression == 8 else data
    plain = tiff_file(6, 8, 3, more=((530, (3, [2, 2])),), rows=HEIGHT)
    # The one strip's bytes are replaced, and with them its offset and length.
    start = len(plain)
    out = plain + body
    out = out.replace(struct.pack("<HHII", 273, 4, 1, 8), struct.pack("<HHII", 273, 4, 1, start))
    out = out.replace(struct.pack("<HHII", 279, 4, 1, 3 * WIDTH * HEIGHT), struct.pack("<HHII", 279, 4, 1, len(body)))
    return out.replace(struct.pack("<HHIHH", 259, 3, 1, 1, 0), struct.pack("<HHIHH", 259, 3, 1, compression, 0))


# ---- JPEG 2000 -------------------------------------------------------------------------------------------------------


def jpeg2000():
    for mode in ("L", "LA", "RGB", "RGBA", "I;16", "CMYK"):
        name = mode.replace(";", "")
        add(f"j2_{name}.jp2", saved(picture(mode), "JPEG2000"))
        if mode != "CMYK":
            add(f"j2_{name}.j2k", saved(picture(mode), "JPEG2000", no_jp2=True))
    add("j2_signed.jp2", saved(picture("RGB"), "JPEG2000", signed=True))
    add("j2_signed_gray.jp2", saved(picture("L"), "JPEG2000", signed=True))
    add("j2_tiles.jp2", saved(picture("RGB", (24, 20)), "JPEG2000", tile_size=(16, 16)))
    add("j2_tiles_offset.jp2", saved(picture("RGB", (24, 20)), "JPEG2000", tile_size=(16, 16), tile_offset=(3, 5), offset=(4, 7)))
    add("j2_colour_transform.jp2", saved(picture("RGB"), "JPEG2000", mct=1))
    for bits, samples in itertools.product((1, 4, 7, 9, 10, 12, 16), (1, 3)):
        kind = numpy.uint8 if bits <= 8 else numpy.uint16
        values = numpy.array([rng.choice((rng.randrange(1 << bits), rng.randrange(min(256, 1 << bits)))) for _ in range(WIDTH * HEIGHT * samples)], kind)
        values = values.reshape((HEIGHT, WIDTH, 3) if samples == 3 else (HEIGHT, WIDTH))
        values[0, 0] = (1 << bits) - 1
        for format in ("jp2", "j2k"):
            add(f"j2_{samples}x{bits}.{format}", imagecodecs.jpeg2k_encode(values, level=0, codecformat=format, bitspersample=bits, colorspace="SRGB" if samples == 3 else "GRAY"))
    add("j2_cut.jp2", files["j2_RGB.jp2"][:-60], "JPEG 2000 is damaged")


# ---- orientation -----------------------------------------------------------------------------------------------------


def exif_block(entries, order="<"):
    out = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(entries))
    data_at = 8 + 2 + 12 * len(entries) + 4
    data = b""
    for tag, kind, count, content in entries:
        out += struct.pack(order + "HHI", tag, kind, count)
        if len(content) <= 4:
            out += content.ljust(4, b"\0")
        else:
            out += struct.pack(order + "I", data_at + len(data))
            data += content
    return out + bytes(4) + data


def orientation_block(value, kind=3, count=1, order="<"):
    letter = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 6: "b", 7: "B", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d", 13: "I"}[kind]
    values = (value, 1) if kind in (5, 10) else (value,) * max(1, count)
    return exif_block([(0x112, kind, count, struct.pack(order + letter * len(values), *values))], order)


def xmp_packet(value, element=False):
    return (f"<x><tiff:Orientation>{value}</tiff:Orientation></x>" if element else f'<x tiff:Orientation="{value}"/>').encode()


def segments(*blocks):
    jpeg = saved(ORIENTED, "JPEG", quality=95)
    return jpeg[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(b) + 2) + b for b in blocks) + jpeg[2:]


def png_file(*chunks, after=(), end=True):
    plain = saved(ORIENTED, "PNG")
    head, body = plain[:33], plain[33:-12]
    return head + b"".join(chunks) + body + b"".join(after) + (plain[-12:] if end else b"")


def chunk(kind, content, wrong=0):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content) ^ wrong)


ORIENTED = picture("RGB", (6, 4))


def orientations():
    exif = lambda *a, **k: b"Exif\0\0" + orientation_block(*a, **k)
    xmp = lambda *a, **k: b"http://ns.adobe.com/xap/1.0/\0" + xmp_packet(*a, **k)
    empty = b"Exif\0\0" + exif_block([(0x100, 3, 1, b"\1\0")])
    for kind in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13):
        add(f"exif_type_{kind}.jpg", segments(exif(6, kind)))
        add(f"exif_type_{kind}_xmp_8.jpg", segments(exif(6, kind), xmp(8)))
        add(f"tiff_orientation_type_{kind}.tif", tiff_file(2, 8, 3, more=((274, (kind, [6, 1] if kind in (5,) else [6])),)) if kind in (1, 2, 3, 4, 6, 7, 8, 9, 11, 12) else tiff_file(2, 8, 3))
    cases = {
        "exif_1_xmp_6": (exif(1), xmp(6)), "exif_6_xmp_1": (exif(6), xmp(1)), "exif_9_xmp_6": (exif(9), xmp(6)), "exif_0_xmp_6": (exif(0), xmp(6)),
        "exif_none_xmp_6": (empty, xmp(6)), "xmp_6": (xmp(6),), "xmp_8_element": (xmp(8, True),), "xmp_two": (xmp(3), xmp(6)), "xmp_before_exif": (xmp(6), exif(1)),
        "exif_big": (exif(6, order=">"),), "exif_two_values": (exif(6, count=2),), "exif_twice": (exif(6), exif(3)), "exif_prefix_twice": (b"Exif\0\0" + exif(6),),
        "exif_count_0": (exif(6, count=0), xmp(8)),
        "exif_two_entries": (b"Exif\0\0" + exif_block([(0x112, 3, 1, b"\6\0"), (0x112, 3, 1, b"\3\0")]),),
    }
    for name, blocks in cases.items():
        add(name + ".jpg", segments(*blocks))
    long = b"Exif\0\0" + exif_block([(0x10F, 2, 300, b"m" * 300)])[:-1] + b"\0"
    far = exif_block([(0x10F, 2, 300, b"m" * 300), (0x112, 5, 1, struct.pack("<II", 6, 1))])
    add("exif_split.jpg", segments(b"Exif\0\0" + far[:200], b"Exif\0\0" + far[200:]))
    add("exif_long.jpg", segments(long))
    raw = lambda block: f"\nexif\n{len(block):8}\n".encode() + "\n".join(block.hex()[i : i + 72] for i in range(0, 2 * len(block), 72)).encode() + b"\n"
    profile = raw(b"Exif\0\0" + orientation_block(6))
    text = lambda key, content: chunk(b"tEXt", key + b"\0" + content)
    ztext = lambda key, content: chunk(b"zTXt", key + b"\0\0" + zlib.compress(content))
    itext = lambda key, content: chunk(b"iTXt", key + b"\0\0\0\0\0" + content)
    exif6, xmp8 = chunk(b"eXIf", orientation_block(6)), itext(b"XML:com.adobe.xmp", xmp_packet(8))
    exif1 = chunk(b"eXIf", orientation_block(1))
    cases = {
        "profile": (text(b"Raw profile type exif", profile),), "profile_packed": (ztext(b"Raw profile type exif", profile),),
        "profile_beside_exif_1": (exif1, text(b"Raw profile type exif", profile)), "exif_6": (exif6,), "exif_6_xmp_8": (exif6, xmp8),
        "exif_1_xmp_8": (exif1, xmp8), "xmp_8": (xmp8,), "profile_xmp_8": (text(b"Raw profile type exif", profile), xmp8),
        "xmp_8_as_text": (text(b"XML:com.adobe.xmp", xmp_packet(8)),),
    }
    for name, chunks in cases.items():
        add(f"png_{name}.png", png_file(*chunks))
        add(f"png_after_{name}.png", png_file(after=chunks))
    webp = saved(ORIENTED, "WEBP", lossless=True, exif=orientation_block(1), xmp=xmp_packet(6))
    add("webp_exif_1_xmp_6.webp", webp)
    add("webp_xmp_6.webp", saved(ORIENTED, "WEBP", lossless=True, xmp=xmp_packet(6)))
    add("tiff_xmp_6.tif", tiff_file(2, 8, 3, more=((700, (1, list(xmp_packet(6)))),)))
    add("tiff_orientation_1_xmp_6.tif", tiff_file(2, 8, 3, more=((274, (3, [1])), (700, (1, list(xmp_packet(6)))))))


# ---- PNG -------------------------------------------------------------------------------------------------------------


def png():
    text = lambda wrong: chunk(b"tEXt", b"Comment\0words", wrong)
    add("png_no_end.png", png_file(end=False))
    add("png_end_cut.png", png_file()[:-5])
    add("png_text_wrong_checksum_after.png", png_file(after=(text(1),)))
    add("png_exif_wrong_checksum_after.png", png_file(after=(chunk(b"eXIf", orientation_block(6), 1),)))
    add("png_unknown_wrong_checksum_after.png", png_file(after=(chunk(b"abCd", b"words", 1),)))
    add("png_text_wrong_checksum_before.png", png_file(text(1)), "CRC error")
    add("png_unknown_wrong_checksum_before.png", png_file(chunk(b"abCd", b"words", 1)), "CRC error")
    add("png_text_cut_after.png", png_file(after=(text(0)[:-7],), end=False))
    add("png_cut.png", png_file()[:-30], "the file ends too early")
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        add(f"png_saved_{mode.replace(';', '')}.png", saved(picture(mode), "PNG"))


# ---- HEIC, AVIF, JPEG XL ---------------------------------------------------------------------------------------------


def png16(size):
    rows = b"".join(b"\0" + noise(6 * size[0]) for _ in range(size[1]))
    header = struct.pack(">IIBBBBB", *size, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def by_tools(source, suffix, *command):
    """What a command makes of a file; IN and OUT stand for the two."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {"IN": f"{folder}/in{source[1]}", "OUT": f"{folder}/out{suffix}"}
        pathlib.Path(paths["IN"]).write_bytes(source[0])
        subprocess.run([paths.get(word, word) for word in command], check=True, capture_output=True)
        return pathlib.Path(paths["OUT"]).read_bytes()


def burst(size):
    """Three pictures, the second of them the primary one."""
    burst = pillow_heif.HeifFile()
    for color in ((200, 30, 30), (30, 200, 30), (30, 30, 200)):
        burst.add_from_pillow(Image.new("RGB", size, color))
    stream = io.BytesIO()
    burst.save(stream, quality=50, primary_index=1)
    return stream.getvalue()


def phones():
    size = (24, 16)
    color, gray = (saved(picture(mode, size), "PNG") for mode in ("RGB", "L"))
    lossless = ("-L", "-p", "chroma=444", "--matrix_coefficients", "0")
    heif = lambda content, suffix, *options: by_tools((content, ".png"), suffix, "heif-enc", *options, "IN", "-o", "OUT")
    add("heif_color.heic", heif(color, ".heic", *lossless))
    add("heif_lossy.heic", heif(color, ".heic", "-q", "70"))
    add("heif_10_bit.heic", heif(png16(size), ".heic", "-b", "10", "-q", "70"))
    add("heif_color.avif", heif(color, ".avif", "-A", *lossless))
    add("heif_lossy.avif", heif(color, ".avif", "-A", "-q", "70"))
    for value in (2, 6, 7):
        exif = Image.Exif()
        exif[0x112] = value  # becomes the container's irot and imir
        add(f"heif_turned_{value}.avif", saved(ORIENTED.resize(size), "AVIF", exif=exif, quality=80))
    crop = ("avifenc", "--crop", "4,2,12,8", "--irot", "1", "IN", "OUT")
    add("heif_cropped.avif", by_tools((color, ".png"), ".avif", *crop))
    add("heif_second_is_primary.heic", burst(size))
    add("jxl_color.jxl", by_tools((color, ".png"), ".jxl", "cjxl", "IN", "OUT", "-d", "0"))
    add("jxl_gray.jxl", by_tools((gray, ".png"), ".jxl", "cjxl", "IN", "OUT", "-d", "0"))
    add("jxl_lossy.jxl", by_tools((color, ".png"), ".jxl", "cjxl", "IN", "OUT", "-d", "1"))
    add("jxl_of_jpeg.jxl", by_tools((segments(b"Exif\0\0" + orientation_block(6)), ".jpg"), ".jxl", "cjxl", "IN", "OUT"))
    add("heif_cut.heic", files["heif_lossy.heic"][:-100], "HEIC is damaged")
    add("heif_cut.avif", files["heif_color.avif"][:-100], "AVIF is damaged")
    add("jxl_cut.jxl", files["jxl_color.jxl"][:-100], "JPEG XL is damaged")


def own_decoder(name, content):
    suffix = pathlib.Path(name).suffix
    if "primary" in name:
        return None  # heif-convert writes all pictures; Pillow's plugin opens the primary one
    if suffix == ".jxl":
        return by_tools((content, suffix), ".ppm", "djxl", "IN", "OUT")
    return by_tools((content, suffix), ".png", "heif-convert", "IN", "OUT") if suffix in (".heic", ".avif") else None


def expected_of(name, content):
    """None where Pillow refuses a file and fovea does not promise to."""
    if name in refused:
        return refused[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if decoded := own_decoder(name, content):
                rgb = Image.open(io.BytesIO(decoded)).convert("RGB")  # upright already
            else:
                rgb = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
        except (OSError, SyntaxError, ValueError):
            return None
    return [*rgb.size, zlib.crc32(rgb.tobytes())]


def main():
    pillow_heif.register_heif_opener()
    for make in (pnm, bmp, sun, gif, tiff, jpeg2000, orientations, png, phones):
        make()
    folder = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    expected = {}
    for name, content in sorted(files.items()):
        if entry := expected_of(name, content):
            (folder / name).write_bytes(content)
            expected[name] = entry
    lines = ",\n".join(f'"{name}": {json.dumps(entry)}' for name, entry in expected.items())
    (folder / "expected.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
