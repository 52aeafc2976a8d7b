#!/usr/bin/env python3
"""Writes tests/golden/relative_positions.safetensors: BEiT's tables of relative positions for other grids, as timm makes
them when it loads a file and as transformers makes them in its forward pass.

    tools/make_golden_relative_positions.py tests/golden/relative_positions.safetensors

Needs timm, transformers and safetensors (made with timm 1.0.31 and transformers 5.24.0 on a CPU).

"ROWSxCOLS" is a table [relative positions, heads]; "timm/FROM/TO" is the table for another grid, and
"transformers/FROM/TO" the bias [heads, tokens, tokens] that comes of it.
"""
import sys

import torch
from safetensors.torch import save_file
from timm.layers import resize_rel_pos_bias_table
from transformers import BeitConfig
from transformers.models.beit.modeling_beit import BeitRelativePositionBias

HEADS = 2
# timm takes every table for that of a square grid.
GRIDS = [((4, 4), (6, 6)), ((6, 6), (4, 4)), ((4, 4), (3, 5)), ((2, 2), (5, 5)), ((3, 3), (3, 3)), ((1, 1), (2, 2))]
ONLY_TRANSFORMERS = [((2, 3), (2, 3)), ((2, 3), (4, 2))]


def rows(grid):
    return (2 * grid[0] - 1) * (2 * grid[1] - 1) + 3


def name(grid):
    return f"{grid[0]}x{grid[1]}"


def transformers_bias(table, source, target):
    module = BeitRelativePositionBias(BeitConfig(image_size=[8 * side for side in source], patch_size=8,
                                                 num_attention_heads=HEADS, hidden_size=8 * HEADS))
    module.relative_position_bias_table.data = table
    with torch.no_grad():
        return module(target)[0]


def main(file):
    generator = torch.Generator().manual_seed(3)
    tensors = {}
    for source, target in GRIDS + ONLY_TRANSFORMERS:
        if name(source) not in tensors:
            tensors[name(source)] = torch.randn(rows(source), HEADS, generator=generator)
        table = tensors[name(source)]
        cases = f"{name(source)}/{name(target)}"
        tensors[f"transformers/{cases}"] = transformers_bias(table, source, target).contiguous()
        if (source, target) in GRIDS:
            tensors[f"timm/{cases}"] = resize_rel_pos_bias_table(table, target, (rows(target), HEADS)).clone()
    save_file(tensors, file)


if __name__ == "__main__":
    main(sys.argv[1])
