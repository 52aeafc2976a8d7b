#!/usr/bin/env python3
"""Copies the reference folders of model families into tests/golden/families, compactly: expected tensors with one row
an image keep only the first row, and folders whose parts all occur in other folders are left out (they are tested in
the reference data).

    tools/make_golden_families.py REFERENCE/families tests/golden/families

Needs only numpy. Reads and writes safetensors itself (8 bytes of length, a JSON header, the data).
"""
import json
import pathlib
import shutil
import struct
import sys

import numpy

LEFT_OUT = {"hf_vit", "hf_deit_teacher", "timm_vit_gap_nocls", "timm_siglip_map", "timm_dinov3_nonsquare", "timm_bf16",
            "timm_eva02", "timm_swiglu"}
TYPES = {"F32": numpy.float32, "I64": numpy.int64}


def read(path):
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    body = content[8 + length :]
    return {
        name: numpy.frombuffer(body[slice(*entry["data_offsets"])], TYPES[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def write(path, tensors):
    names = {kind: name for name, kind in TYPES.items()}
    header, body = {}, b""
    for name, tensor in sorted(tensors.items()):
        raw = numpy.ascontiguousarray(tensor).tobytes()
        header[name] = {"dtype": names[tensor.dtype.type], "shape": list(tensor.shape),
                        "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def main(source, target):
    for folder in sorted(path for path in source.iterdir() if path.name not in LEFT_OUT):
        to = target / folder.name
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir(parents=True)
        for file in sorted(folder.iterdir()):
            if file.name.startswith("expected") and file.suffix == ".safetensors":
                tensors = read(file)
                images = tensors["x"].shape[0]
                write(to / file.name, {name: t[:1] if t.shape[0] == images else t for name, t in tensors.items()})
            else:
                shutil.copyfile(file, to / file.name)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
