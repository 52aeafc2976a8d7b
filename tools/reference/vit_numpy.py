#!/usr/bin/env python3
"""A Vision Transformer in numpy, written from the paper and timm's parameter names, to check fovea against.

    python3 -m venv /tmp/reference && /tmp/reference/bin/pip install numpy==2.4.6 pillow==13.0.0
    /tmp/reference/bin/python tools/reference/vit_numpy.py weights/vit_tiny_tin200 samples/*.jpg > samples/expected.json

Pillow decodes and resamples (version 13: the order of its two passes affects the result), the transform is timm's
evaluation transform, and the forward pass runs in float64 on the weights as stored. No code is shared with fovea.
Letters in the comments: N tokens, D embed_dim, H heads, d head_dim, C classes.
"""
import argparse
import json
import math
import pathlib
import sys

import numpy as np
import PIL
from PIL import Image, ImageOps

FILTERS = {
    "nearest": Image.NEAREST,
    "bilinear": Image.BILINEAR,
    "bicubic": Image.BICUBIC,
    "lanczos": Image.LANCZOS,
}


def read_safetensors(path):
    """name -> float64 array."""
    content = path.read_bytes()
    header_size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + header_size])
    body = content[8 + header_size :]
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = body[begin:end]
        if entry["dtype"] == "BF16":
            values = (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
        else:
            values = np.frombuffer(raw, {"F16": "<f2", "F32": "<f4", "F64": "<f8"}[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"]).astype(np.float64)
    return tensors


def preprocess(image, recipe):
    """timm/data/transforms_factory.py, evaluation, crop mode "center": RGB picture -> [3, h, w] float32."""
    if recipe["crop_mode"] != "center":
        raise SystemExit(f"crop_mode is {recipe['crop_mode']}, expected center")
    _, height, width = recipe["input_size"]
    if height != width:
        raise SystemExit(f"input_size is {height} x {width}, expected a square")
    short = math.floor(height / recipe["crop_pct"])
    w, h = image.size
    resized = (short, int(short * h / w)) if w <= h else (int(short * w / h), short)
    if min(w, h) != short:
        image = image.resize(resized, FILTERS[recipe["interpolation"]])
    left = int(round((image.size[0] - width) / 2.0))  # Python rounds halves to even
    top = int(round((image.size[1] - height) / 2.0))
    image = image.crop((left, top, left + width, top + height))
    x = np.asarray(image, np.float32).transpose(2, 0, 1) / np.float32(255)
    mean = np.asarray(recipe["mean"], np.float32).reshape(3, 1, 1)
    std = np.asarray(recipe["std"], np.float32).reshape(3, 1, 1)
    return (x - mean) / std


def layer_norm(x, weight, bias, eps=1e-6):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + eps) * weight + bias


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


ERF = np.vectorize(math.erf)


def gelu(x):
    return 0.5 * x * (1.0 + ERF(x / math.sqrt(2.0)))


def forward(pixels, weights, num_heads):
    """[3, h, w] -> logits [C] (Dosovitskiy et al. 2021, equations 1 to 4)."""

    def linear(x, name):
        return x @ weights[name + ".weight"].T + weights[name + ".bias"]

    def norm(x, name):
        return layer_norm(x, weights[name + ".weight"], weights[name + ".bias"])

    kernel = weights["patch_embed.proj.weight"]  # [D, 3, P, P]
    embed_dim, _, patch, _ = kernel.shape
    rows, cols = pixels.shape[1] // patch, pixels.shape[2] // patch
    patches = pixels.astype(np.float64).reshape(3, rows, patch, cols, patch).transpose(1, 3, 0, 2, 4)
    x = patches.reshape(rows * cols, -1) @ kernel.reshape(embed_dim, -1).T + weights["patch_embed.proj.bias"]
    x = np.concatenate([weights["cls_token"][0], x]) + weights["pos_embed"][0]  # [N, D]

    depth = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
    head_dim = embed_dim // num_heads
    for i in range(depth):
        block = f"blocks.{i}."
        qkv = linear(norm(x, block + "norm1"), block + "attn.qkv")  # [N, 3 D]: q, k, v; each head by head
        q, k, v = qkv.reshape(-1, 3, num_heads, head_dim).transpose(1, 2, 0, 3)  # each [H, N, d]
        attention = softmax(q @ k.transpose(0, 2, 1) / math.sqrt(head_dim))
        mixed = (attention @ v).transpose(1, 0, 2).reshape(-1, embed_dim)
        x = x + linear(mixed, block + "attn.proj")
        x = x + linear(gelu(linear(norm(x, block + "norm2"), block + "mlp.fc1")), block + "mlp.fc2")
    return linear(norm(x, "norm")[0], "head")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("images", type=pathlib.Path, nargs="+")
    parser.add_argument("-k", type=int, default=5)
    parser.add_argument("--heads", type=int, default=3, help="number of attention heads, which no tensor shape reveals")
    parser.add_argument("--logits", type=pathlib.Path, help="also write the logits, float64 [n, C], as .npy")
    arguments = parser.parse_args()

    config = json.loads((arguments.model / "config.json").read_text())
    weights = read_safetensors(arguments.model / "model.safetensors")
    results, all_logits = [], []
    for path in arguments.images:
        image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        logits = forward(preprocess(image, config["pretrained_cfg"]), weights, arguments.heads)
        probabilities = softmax(logits)
        predictions = []
        for c in np.argsort(-probabilities, kind="stable")[: arguments.k]:
            synset = config["label_names"][c]
            label = config["label_descriptions"][synset].split(",")[0]
            predictions.append(
                {"class_index": int(c), "label": label, "synset": synset, "probability": round(float(probabilities[c]), 6)}
            )
        results.append({"file": path.name, "width": image.width, "height": image.height, "predictions": predictions})
        all_logits.append(logits)
    made_with = f"tools/reference/vit_numpy.py, numpy {np.__version__}, Pillow {PIL.__version__}"
    json.dump({"model": arguments.model.name, "made_with": made_with, "results": results}, sys.stdout, indent=1)
    print()
    if arguments.logits:
        np.save(arguments.logits, np.stack(all_logits))


if __name__ == "__main__":
    main()
