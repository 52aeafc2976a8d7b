#!/usr/bin/env python3
"""Writes tests/golden/timm_facts.json: facts that follow from timm's architecture names but not from the tensors, for
every Vision Transformer whose tensors have the names of a supported family.

    tools/make_golden_timm_facts.py tests/golden/timm_facts.json

Needs timm (made with 1.0.31). Models are built without memory for their weights.
"""
import importlib
import json
import sys

import timm
import torch

MODULES = ("vision_transformer", "deit", "beit", "eva", "vision_transformer_relpos")
NORMS_BEFORE = {"Block", "EvaBlock", "ParallelScalingBlock", "DiffParallelScalingBlock", "RelPosBlock"}
NORMS_AFTER = {"ResPostBlock", "EvaBlockPostNorm", "ResPostRelPosBlock"}
ROPES = {"NoneType": "none", "RotaryEmbeddingCat": "eva02", "RotaryEmbeddingDinoV3": "dinov3",
         "RotaryEmbeddingMixed": "mixed"}


def timm_module(name):
    return importlib.import_module(f"timm.models.{name}")


def rope_settings(rope):
    """temperature, grid_offset, ref_feat_shape, x_first, rotate_half; those that matter"""
    if rope is None:
        return None
    x_first = rope.grid_indexing == "xy"
    if type(rope).__name__ == "RotaryEmbeddingMixed":
        return {"x_first": x_first}
    return {"temperature": rope.temperature, "grid_offset": rope.grid_offset,
            "reference": getattr(rope, "ref_feat_shape", None), "x_first": x_first, "rotate_half": rope.rotate_half}


def activation(act):
    text = repr(act).lower()
    return "gelu_tanh" if "tanh" in text else "quick_gelu" if "quick" in text else "gelu" if "gelu" in text else "silu"


def named_size(name):
    """The img_size that the name's own function passes on."""
    class Stop(Exception):
        pass

    def build(_model_class, _variant, _pretrained, **arguments):
        size = arguments.get("img_size")
        raise Stop(list(size) if isinstance(size, tuple) else [size, size] if size else None)

    builders = {module: module.build_model_with_cfg for module in map(timm_module, MODULES)}
    try:
        for module in builders:
            module.build_model_with_cfg = build
        timm.create_model(name, pretrained=False)
    except Stop as stop:
        return stop.args[0]
    finally:
        for module, own in builders.items():
            module.build_model_with_cfg = own
    raise AssertionError(name)


def facts(name):
    with torch.device("meta"):
        model = timm.create_model(name, pretrained=False)
    block = model.blocks[0]
    kind = type(block).__name__
    if kind not in NORMS_BEFORE | NORMS_AFTER:
        return {"computed": False}
    attention = getattr(block, "attn", block)  # a parallel block is its own attention
    mlp = getattr(block, "mlp", block)
    norm = getattr(block, "norm1", None) or block.in_norm
    pool = getattr(model, "attn_pool", None)
    rope = getattr(model, "rope", None)
    sees_prefix = type(model).__name__ == "Eva" or getattr(model, "pool_include_prefix", False)
    return {"computed": True, "img_size": named_size(name), "width": model.embed_dim, "heads": attention.num_heads, "eps": norm.eps,
            "norm_after": kind in NORMS_AFTER, "activation": activation(getattr(mlp, "act", getattr(mlp, "mlp_act", None))),
            "rope": ROPES[type(rope).__name__], "rope_settings": rope_settings(rope),
            "absolute": getattr(model, "pos_embed", None) is not None, "gated": type(mlp).__name__ in ("SwiGLU", "GluMlp"),
            "pool_heads": pool.num_heads if pool is not None else None,
            "pool_sees_prefix": bool(pool is not None and sees_prefix),
            "embeds_prefix": not getattr(model, "no_embed_class", False)}


if __name__ == "__main__":
    names = sorted({name for module in MODULES for name in timm.list_models(module=module)})
    rows = ",\n".join(f" {json.dumps(name)}: {json.dumps(facts(name))}" for name in names)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("{\n" + rows + "\n}\n")
