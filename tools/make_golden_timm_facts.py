#!/usr/bin/env python3
"""Writes tests/golden/timm_facts.json: facts that follow from timm's architecture names but not from the tensors, for
every Vision Transformer whose tensors have the names of a supported family.

    tools/make_golden_timm_facts.py tests/golden/timm_facts.json

Needs timm (made with 1.0.31). Models are built without memory for their weights.
"""
import json
import sys

import timm
import torch

MODULES = ("vision_transformer", "deit", "beit", "eva")
BLOCKS = {"Block", "EvaBlock"}
ATTENTION = {"Attention", "EvaAttention"}
ROPES = {"NoneType": "none", "RotaryEmbeddingCat": "eva02", "RotaryEmbeddingDinoV3": "dinov3"}


def activation(mlp):
    text = repr(getattr(mlp, "act", None)).lower()
    return "gelu_tanh" if "tanh" in text else "quick_gelu" if "quick" in text else "gelu" if "gelu" in text else "silu"


def facts(name):
    with torch.device("meta"):
        model = timm.create_model(name, pretrained=False)
    block = model.blocks[0]
    attention = getattr(block, "attn", None)
    computed = type(block).__name__ in BLOCKS and type(attention).__name__ in ATTENTION
    if not computed:
        return {"computed": False}
    pool = getattr(model, "attn_pool", None)
    return {"computed": True, "width": model.embed_dim, "heads": attention.num_heads, "eps": block.norm1.eps,
            "activation": activation(block.mlp), "rope": ROPES[type(getattr(model, "rope", None)).__name__],
            "absolute": model.pos_embed is not None, "gated": type(block.mlp).__name__ in ("SwiGLU", "GluMlp"),
            "pool_sees_prefix": bool(pool is not None and getattr(model, "pool_include_prefix", False))}


if __name__ == "__main__":
    names = sorted({name for module in MODULES for name in timm.list_models(module=module)})
    rows = ",\n".join(f" {json.dumps(name)}: {json.dumps(facts(name))}" for name in names)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("{\n" + rows + "\n}\n")
