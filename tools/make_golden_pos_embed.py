#!/usr/bin/env python3
"""Writes tests/golden/pos_embed.safetensors: small grids of numbers, resampled by torch.nn.functional.interpolate with
the arguments that each origin's own code uses.

    tools/make_golden_pos_embed.py tests/golden/pos_embed.safetensors

Needs torch and safetensors (made with torch 2.15.0 on a CPU, in double).
"""
import sys

import torch
from safetensors.torch import save_file

GRIDS = [((4, 4), (6, 6)), ((7, 7), (4, 4)), ((4, 4), (3, 7)), ((5, 3), (3, 5)), ((4, 4), (4, 5)), ((2, 9), (11, 2)),
         ((16, 16), (14, 17))]
WIDTH = 3


def offset_scale(source, target):
    """DINO and DINOv2: a scale_factor of (to + 0.1) / from; the output's size is from times the factor, rounded down."""
    return {"scale_factor": tuple((t + 0.1) / s for s, t in zip(source, target)), "recompute_scale_factor": False}


RULES = {
    # timm/layers/pos_embed.py resample_abs_pos_embed
    "timm": lambda source, target: {"size": target, "mode": "bicubic", "antialias": True},
    # timm/models/vision_transformer.py _load_weights
    "google": lambda source, target: {"size": target, "mode": "bilinear", "antialias": False},
    # transformers, interpolate_pos_encoding
    "bicubic": lambda source, target: {"size": target, "mode": "bicubic", "antialias": False},
    # facebookresearch/dino and dinov2, interpolate_pos_encoding
    "bicubic_offset": lambda source, target: {"mode": "bicubic", "antialias": False} | offset_scale(source, target),
    # dinov2/hub/backbones.py for models with registers; transformers' Dinov2WithRegisters
    "antialiased": lambda source, target: {"size": target, "mode": "bicubic", "antialias": True},
}


def name(grid):
    return f"{grid[0]}x{grid[1]}"


def main(file):
    generator = torch.Generator().manual_seed(7)
    tensors = {}
    for source, target in GRIDS:
        if name(source) not in tensors:
            tensors[name(source)] = torch.randn(*source, WIDTH, generator=generator)
        planes = tensors[name(source)].double().permute(2, 0, 1)[None]
        for rule, arguments in RULES.items():
            resampled = torch.nn.functional.interpolate(planes, align_corners=False, **arguments(source, target))
            assert resampled.shape[2:] == target, (rule, source, target, resampled.shape)
            tensors[f"{rule}/{name(source)}/{name(target)}"] = resampled[0].permute(1, 2, 0).float().contiguous()
    save_file(tensors, file)


if __name__ == "__main__":
    main(sys.argv[1])
