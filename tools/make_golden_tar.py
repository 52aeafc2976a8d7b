#!/usr/bin/env python3
"""Writes tests/golden/tar: archives of Python's tarfile and of GNU tar, what tarfile finds in them, and one of them
compressed by each program that compresses tar archives.

    tools/make_golden_tar.py
"""

import io
import json
import pathlib
import subprocess
import tarfile
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "tar"
LONG = "long/" + "/".join(["a-folder-with-a-name-of-forty-characters"] * 4) + "/picture.jpg"  # 181 bytes
FILES = {"0000.jpg": b"first", "0000.cls": b"7\n", "folder/0001.jpg": bytes(range(256)) * 3, "empty.png": b"",
         "block.png": bytes(512), "0002.left.jpg": b"left"}


def by_tarfile(name, kind, more):
    with tarfile.open(FOLDER / name, "w", format=kind) as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for path, content in {**FILES, **more}.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "0000.jpg"
        archive.addfile(link)


def by_gnu_tar(name, kind, more):
    with tempfile.TemporaryDirectory() as folder:
        for path, content in {**FILES, **more}.items():
            file = pathlib.Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        subprocess.run(["tar", f"--format={kind}", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-cf", FOLDER / name,
                        "-C", folder, "."], check=True)


def compress(name):
    content = (FOLDER / name).read_bytes()
    for program, ending in (("gzip -9n", "gz"), ("bzip2 -9", "bz2"), ("xz -6", "xz"), ("zstd -q -19", "zst"), ("lz4 -q", "lz4")):
        packed = subprocess.run([*program.split(), "-c"], input=content, stdout=subprocess.PIPE, check=True).stdout
        (FOLDER / f"{name}.{ending}").write_bytes(packed)
    half = len(content) // 2  # as bgzip and pigz write it: compressed pieces, one after the other
    pieces = [subprocess.run(["gzip", "-nc"], input=piece, stdout=subprocess.PIPE, check=True).stdout
              for piece in (content[:half], content[half:])]
    (FOLDER / "pieces.tgz").write_bytes(b"".join(pieces))


def listing(path):
    with tarfile.open(path, encoding="utf-8") as archive:
        return [{"name": m.name, "offset": m.offset_data, "bytes": m.size, "is_file": m.isreg()} for m in archive
                if m.isreg() or m.issym()]


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    umlaut = {"p\u00e4x.jpg": b"umlaut"}
    by_tarfile("python_ustar.tar", tarfile.USTAR_FORMAT, {LONG: b"long"})
    by_tarfile("python_gnu.tar", tarfile.GNU_FORMAT, {LONG: b"long"})
    by_tarfile("python_pax.tar", tarfile.PAX_FORMAT, {LONG: b"long", **umlaut})
    by_gnu_tar("gnu_v7.tar", "v7", {})
    by_gnu_tar("gnu_gnu.tar", "gnu", {LONG: b"long"})
    by_gnu_tar("gnu_posix.tar", "posix", {LONG: b"long", **umlaut})
    compress("gnu_gnu.tar")
    found = {path.name: listing(path) for path in sorted(FOLDER.glob("*.tar"))}
    (FOLDER / "members.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
