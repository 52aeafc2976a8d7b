#!/usr/bin/env python3
"""Writes tests/golden/checkpoints: tiny files as numpy and torch write them, and their contents.

usage: tools/make_golden_checkpoints.py     (torch 2.15.0, numpy 2.4.6, safetensors 0.8.0, ml_dtypes 0.6.0)

FILE.expected.safetensors beside each FILE.npz, FILE.pth or index holds the names, types, shapes and values that reading
must give. `refused` has files that must be refused; their names say why.
"""
import argparse
import collections
import json
import pathlib
import pickle
import warnings

import ml_dtypes
import numpy
import safetensors.torch
import torch

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "checkpoints"
REFUSED = FOLDER / "refused"


def expect(stem, tensors):
    """The tensors as PyTorch reads them, contiguous and each with its own storage."""
    plain = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    safetensors.torch.save_file(plain, FOLDER / f"{stem}.expected.safetensors")


def write_npz():
    random = numpy.random.default_rng(1)
    arrays = {
        "cls": random.standard_normal((1, 1, 5)).astype("<f4"),
        "embedding/kernel": numpy.asfortranarray(random.standard_normal((2, 2, 3, 4)).astype("<f4")),
        "head/kernel": random.standard_normal((4, 3)).astype("<f2").T,
        "head/bias": random.standard_normal(3),
        "step": numpy.int64(12345),
        "mask": numpy.array([True, False, True]),
        "nothing": numpy.zeros((0, 3), "<f4"),
        "zeros": numpy.zeros((16, 16), "<f4"),
        **{kind: numpy.array([0, 1, 100], kind) for kind in ("i1", "u1", "<i2", "<u2", "<i4", "<u4", "<u8")},
    }
    bfloat16 = numpy.array([1.5, -2.0, 3.140625], ml_dtypes.bfloat16)
    tensors = {name: torch.from_numpy(numpy.array(array, order="C")) for name, array in arrays.items()}
    tensors["bfloat16"] = torch.tensor([1.5, -2.0, 3.140625], dtype=torch.bfloat16)
    for stem, write in (("numpy_stored", numpy.savez), ("numpy_deflated", numpy.savez_compressed)):
        write(FOLDER / f"{stem}.npz", bfloat16=bfloat16, **arrays)
        expect(stem, tensors)
    numpy.savez(REFUSED / "objects.npz", a=numpy.array([{"a": 1}], dtype=object))
    numpy.savez(REFUSED / "big_endian.npz", a=numpy.zeros(2, ">f4"))
    numpy.savez(REFUSED / "complex.npz", a=numpy.zeros(2, "<c8"))
    numpy.savez(REFUSED / "structured.npz", a=numpy.zeros(2, [("x", "<f4"), ("y", "<f4")]))


def save(stem, content, tensors, **options):
    torch.save(content, FOLDER / f"{stem}.pth", **options)
    expect(stem, tensors)


def write_pth():
    torch.manual_seed(1)
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.LayerNorm(3))
    state = module.state_dict()
    prefixed = collections.OrderedDict((f"module.{name}", tensor) for name, tensor in state.items())
    save("torch_plain", state, state)
    save("torch_protocol_4", state, state, pickle_protocol=4)
    save("torch_protocol_5", state, state, pickle_protocol=5)
    save("torch_parameters", dict(module.named_parameters()), state)

    optimizer = torch.optim.AdamW(module.parameters())
    module(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    training = {
        "model": module.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 299,
        "args": argparse.Namespace(lr=5e-4, output_dir="out", betas=(0.9, 0.999), resume=None),
    }
    save("torch_deit_training", training, state)
    wrapped = {"epoch": 1, "arch": "vit", "best_acc1": 81.5, "state_dict": prefixed}
    save("torch_ddp", wrapped, {name.removeprefix("module."): tensor for name, tensor in prefixed.items()})
    teacher = {f"backbone.{name}": tensor for name, tensor in state.items()}
    head = {"head.mlp.0.weight": torch.randn(2, 3), "head.last_layer.weight_g": torch.randn(2, 1)}
    save("torch_dino_teacher", {"student": prefixed, "teacher": {**teacher, **head}, "epoch": 100}, state)

    types = {str(kind).split(".")[1]: torch.arange(-1, 5).to(kind) for kind in (
        torch.float64, torch.float32, torch.float16, torch.bfloat16,
        torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)}
    types |= {"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3)}
    save("torch_types", types, types)

    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    views = {
        "base": base,
        "transposed": base.transpose(0, 2),
        "permuted": base.permute(1, 2, 0),
        "row": base[1],
        "column": base[:, 1, :],
        "every_other": base[::2, ::3, 1::2],
        "one": base[2, 3, 4],
        "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "unsqueezed": base[:, :1, 2:3],
    }
    save("torch_views", views, views)

    torch.serialization.set_crc32_options(False)
    save("torch_no_crc", state, state)
    torch.serialization.set_crc32_options(True)

    shared = torch.arange(12, dtype=torch.float32)
    old = {"model": {"a": shared[:6].reshape(2, 3), "b": shared[4:].reshape(4, 2).t(), "half": torch.ones(3).half()},
           "optimizer": {"momentum": torch.randn(5)}, "epoch": 3}
    save("torch_before_1_6", old, old["model"], _use_new_zipfile_serialization=False)
    save("torch_before_1_6_protocol_4", old, old["model"], _use_new_zipfile_serialization=False, pickle_protocol=4)
    noted = torch.nn.Parameter(torch.ones(2))
    noted.note = "mine"
    tagged = torch.zeros(3)
    tagged.note = "mine"
    beside = {
        "state_dict": {"a": shared, "parameter": noted, "tagged": tagged},
        "size": torch.Size([2, 3]), "device": torch.device("cpu"), "dtype": torch.float8_e4m3fn, "layout": torch.strided,
        "counter": collections.Counter("abba"), "ordered": collections.OrderedDict(a=1), "set": {1, 2, 3},
        "bytes": b"\x00\xff", "no_bytes": b"", "bytearray": bytearray(b"ab"), "complex": 1 + 2j, "big": 2**70,
        "arguments": argparse.Namespace(lr=1e-3), "complex_tensor": torch.zeros(2, dtype=torch.complex64),
        "sparse": torch.eye(3).to_sparse(), "float8": torch.zeros(2).to(torch.float8_e5m2), "type": torch.FloatTensor,
        "quantized": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}
    kept = {"a": shared, "parameter": torch.ones(2), "tagged": torch.zeros(3)}
    save("torch_beside", beside, kept)
    later = {**beside, "frozenset": frozenset([1]), "long_bytes": bytes(300)}
    save("torch_beside_protocol_4", later, kept, pickle_protocol=4)

    class Inner(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.GELU(), torch.nn.LayerNorm(2))
            self.register_buffer("mask", torch.ones(2, 2))
            self.sizes = [1, 2]

        def forward(self, x):
            return self.layers(x) @ self.mask

    class Outer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.visual = Inner().half()
            self.scale = torch.nn.Parameter(torch.ones([]))
            self.resolution = 32

        def forward(self, x):
            return self.visual(x) * self.scale

    program = torch.jit.script(Outer())
    program.save(FOLDER / "torch_script.pth")
    expect("torch_script", program.state_dict())

    torch.save(module, REFUSED / "whole_module.pth")
    torch.save({"a": torch.ones(2), "score": numpy.float64(1)}, REFUSED / "numpy_scalar.pth")
    torch.save({"a": torch.zeros(2, dtype=torch.complex64)}, REFUSED / "complex.pth")
    torch.save({"a": torch.zeros(2).to(torch.float8_e5m2)}, REFUSED / "float8.pth")
    torch.save({"a": torch.eye(3).to_sparse()}, REFUSED / "sparse.pth")
    torch.save({"a": torch.zeros(1).expand(4, 4)}, REFUSED / "expanded.pth")
    (REFUSED / "plain_pickle.pth").write_bytes(pickle.dumps({"a": [1.0]}, 2))


def write_shards():
    torch.manual_seed(2)
    first = {"a": torch.randn(2, 3), "b": torch.randn(4).half()}
    second = {"c": torch.randn(3, 1)}
    for stem, name, write in (
        ("model.safetensors.index.json", "model-{:05}-of-00002.safetensors", safetensors.torch.save_file),
        ("pytorch_model.bin.index.json", "pytorch_model-{:05}-of-00002.bin", torch.save),
    ):
        shards = {name.format(1): first, name.format(2): second}
        for shard, tensors in shards.items():
            write(tensors, FOLDER / shard)
        weight_map = {tensor: shard for shard, tensors in shards.items() for tensor in tensors}
        index = {"metadata": {"total_size": 44}, "weight_map": weight_map}
        (FOLDER / stem).write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")
        expect(stem, first | second)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    REFUSED.mkdir(parents=True, exist_ok=True)
    write_npz()
    write_pth()
    write_shards()
