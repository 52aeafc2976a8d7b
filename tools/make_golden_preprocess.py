#!/usr/bin/env python3
"""Writes tests/golden/preprocess: awkward images and the CRC-32s of the reference libraries' results.

usage: tools/make_golden_preprocess.py REFERENCE     (the folder golden/preprocess of the reference data)

The full arrays stay with the reference data; a checksum of each suffices to detect a differing byte.
"""
import json
import pathlib
import shutil
import struct
import sys
import zlib


def checksums(path):
    """Name of each tensor of a safetensors file -> CRC-32 of its bytes."""
    content = path.read_bytes()
    (header_size,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + header_size])
    body = memoryview(content)[8 + header_size :]
    return {
        name: zlib.crc32(body[slice(*entry["data_offsets"])])
        for name, entry in sorted(header.items())
        if name != "__metadata__"
    }


def main():
    reference = pathlib.Path(sys.argv[1])
    target = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "preprocess"
    (target / "sources").mkdir(parents=True, exist_ok=True)
    for source in sorted((reference / "sources").iterdir()):
        shutil.copyfile(source, target / "sources" / source.name)

    described = json.loads((reference / "recipes.json").read_text())
    recipes = {}
    for name, recipe in described["recipes"].items():
        recipes[name] = {
            key: recipe[key]
            for key in ("kind", "decode", "backend", "pretrained_cfg", "preprocessor_config", "args")
            if key in recipe
        }
        recipes[name]["images"] = checksums(reference / f"{name}.safetensors")
        older = reference / f"{name}.pillow12.safetensors"
        recipes[name]["pillow12"] = checksums(older) if older.exists() else {}
        recipes[name]["fails_on"] = sorted(recipe.get("library_fails_on", {}))
    expected = {
        "libraries": described["libraries"],
        "decoded": checksums(reference / "decoded.safetensors"),
        "recipes": recipes,
        "normalised": checksums(reference / "normalised.safetensors"),
    }
    (target / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
