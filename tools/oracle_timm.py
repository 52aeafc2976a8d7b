"""Draws of timm: every name of its ViT, DeiT, BEiT and EVA files, at toy sizes, over the arguments of their constructors."""
import functools
import inspect
import json
import warnings

import timm
import torch
from timm.data import create_transform, resolve_model_data_config
from timm.models import beit, eva, vision_transformer
from timm.models._hub import save_for_hf

import oracle_draws as od

STEMS = ("model", "pytorch_model")
LARGER = {"args.embed_dim": [24, 64], "args.depth": [1, 3], "args.num_heads": [1, 4], "args.mlp_ratio": [2.0, 2.6667, 3],
          "args.patch_size": [4, 16], "args.img_size": [48, [32, 48], [32, 32]], "args.num_classes": [0, 1, 2, 12]}
ARGS = {
    "args.qkv_bias": [False, True], "args.init_values": [None, 1e-5, 0.1], "args.class_token": [False, True],
    "args.global_pool": ["", "token", "avg", "avgmax", "max", "map", "cls"], "args.drop_rate": [0.1],
    "args.drop_path_rate": [0.1], "args.patch_drop_rate": [0.5], "args.proj_drop_rate": [0.1], "args.in_chans": [1, 3],
    "args.dynamic_img_size": [True, False], "args.dynamic_img_pad": [True], "args.qk_norm": [True],
    "args.no_embed_class": [True, False], "args.norm_layer": ["layernorm", "LayerNorm", "rms_norm", "rmsnorm",
                                                             "layernormfp32", "simplenorm", "layernorm2d", ""],
}
VIT = {
    "args.scale_attn_norm": [True], "args.scale_mlp_norm": [True], "args.proj_bias": [False],
    "args.reg_tokens": [0, 1, 4], "args.pre_norm": [True, False], "args.final_norm": [False, True],
    "args.fc_norm": [True, False], "args.pos_embed": ["none", "", "learn"], "args.pool_include_prefix": [True, False],
    "args.act_layer": ["gelu", "gelu_tanh", "quick_gelu", "silu", "swish", "relu", "mish", "hard_swish", "GELU"],
    "args.weight_init": ["skip", "jax"], "args.fix_init": [True], "args.attn_layer": ["", "eva"],
    "args.embed_norm_layer": ["layernorm"],
}
EVA = {
    "args.qkv_fused": [True, False], "args.swiglu_mlp": [True, False], "args.swiglu_align_to": [0, 8],
    "args.scale_mlp": [True], "args.scale_attn_inner": [True], "args.attn_type": ["eva", "rope"],
    "args.num_reg_tokens": [0, 1, 4], "args.use_abs_pos_emb": [True, False], "args.use_rot_pos_emb": [True, False],
    "args.rope_type": ["cat", "mixed", "dinov3", ""], "args.rope_grid_offset": [0.0, 0.5],
    "args.rope_grid_indexing": ["ij", "xy"], "args.rope_temperature": [100.0, 10000.0, 37.5],
    "args.rope_rotate_half": [True, False], "args.ref_feat_shape": [[7, 7], [2, 3], None, 5],
    "args.use_post_norm": [True], "args.use_pre_transformer_norm": [True], "args.use_fc_norm": [True, False],
    "args.use_post_transformer_norm": [True, False], "args.attn_pool_num_heads": [2], "args.attn_pool_mlp_ratio": [2.0],
    "args.attn_only_layer_scale": [True], "args.num_kv_heads": [1], "args.head_init_scale": [0.1],
    "args.rope_jitter_coords": [1.1], "args.rope_shift_coords": [0.1],
}
BEIT = {
    "args.use_abs_pos_emb": [True, False], "args.use_rel_pos_bias": [True, False], "args.use_fc_norm": [True, False],
    "args.use_shared_rel_pos_bias": [True], "args.swiglu_mlp": [True], "args.scale_mlp": [True],
    "args.head_init_scale": [0.1],
}
NAMES = ["tench, Tinca tinca", "n01440764", "a", "Größe", "cat"]
CFG = {
    "cfg.input_size": [[3, 48, 48], [3, 32, 48], [3, 24, 24]], "cfg.test_input_size": [[3, 48, 48]],
    "cfg.fixed_input_size": [True, False], "cfg.crop_pct": [1.0, 0.875, 0.95, 0.333, 1, 0.9],
    "cfg.test_crop_pct": [1.0], "cfg.crop_mode": ["center", "squash", "border", "none"],
    "cfg.interpolation": ["bicubic", "bilinear", "nearest", "lanczos", "box", "hamming", "random",
                          ["bicubic", "bilinear"]],
    "cfg.mean": [[0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [0.48145466, 0.4578275, 0.40821073], [0.5]],
    "cfg.std": [[0.5, 0.5, 0.5], [1.0, 1.0, 1.0], [0.26862954, 0.26130258, 0.27577711], [0.5]],
    "cfg.label_names": [NAMES, ["1", "2", "3", "4", "5"], {"0": "zero", "3": "three"}],
    "cfg.label_descriptions": [{"a": "the letter", "cat": "cat, felis"}],
    "cfg.label_offset": [1, 0], "cfg.min_input_size": [[3, 16, 16]], "cfg.notes": [["x"]], "cfg.surprise": [3],
    "edit.global_pool": ["<absent>", "avg", "token", ""], "edit.label_names": [NAMES, [1, 2, 3, 4, 5], {"1": "one"}],
    "edit.label_descriptions": [{"a": "the letter", "n01440764": "tench"}], "edit.labels": [NAMES],
    "edit.num_features": ["<absent>"], "edit.num_classes": ["<absent>"], "edit.surprise": [True],
    "edit.model_args.surprise": [1], "edit.model_args.img_size": [24, 48, "<absent>", [32, 32]],
    "edit.tag": ["augreg_in21k"],  # of the architecture: name.tag
    "edit.flat": [True],  # pretrained_cfg's keys at the root, as before timm 0.9
}
CFG_NAMES = sorted({key.split(".")[1] for key in CFG if key.startswith("cfg.")} - {"surprise"} | {"num_classes"})


@functools.cache
def families():
    modules = ("vision_transformer", "deit", "beit", "eva")
    return sorted(name for module in modules for name in timm.list_models(module=module))


@functools.cache
def _class_of(family):
    """What the constructor of this name's class takes, as far as its module tells, and the values that are drawn for it."""
    module = timm.model_entrypoint(family).__module__.rsplit(".", 1)[-1]
    cls, extra = {"eva": (eva.Eva, EVA), "beit": (beit.Beit, BEIT)}.get(module, (vision_transformer.VisionTransformer, VIT))
    arguments = [key for key in inspect.signature(cls).parameters if key not in ("device", "dtype")]
    return arguments, {key: values for key, values in {**ARGS, **extra}.items() if key.removeprefix("args.") in arguments}


def draw_keys(rng, family):
    arguments, space = _class_of(family)
    keys = {**od.pick(rng, LARGER, 0.15), **od.pick(rng, space, rng.choice([0, 0.06, 0.2])),
            **od.pick(rng, CFG, rng.choice([0, 0.05, 0.15]))}
    for group, names in (("model_args", arguments), ("pretrained_cfg", CFG_NAMES)):
        if rng.random() < 0.1:
            keys[f"edit.{group}.{rng.choice(names)}"] = None
    if not family.startswith("test_vit"):
        keys.pop("edit.flat", None)  # the name's own sizes are too large to draw
    if "edit.flat" not in keys:
        keys.pop("edit.labels", None)  # timm reads it there only
    return keys


def _toy(draw):
    given = draw.group("args")
    if "edit.flat" in draw.keys:  # such a file has no model_args
        return {}
    toy = {"embed_dim": 32, "depth": 2, "num_heads": 2, "img_size": 32, "patch_size": 8, "num_classes": od.CLASSES}
    if draw.family.endswith("sapiens2"):
        toy["num_kv_heads"] = None  # one for each of its many blocks
    return {**toy, **given}


def make(draw, folder):
    model = timm.create_model(draw.family, **_toy(draw))
    od.stir(model, draw)
    save_for_hf(model, folder, safe_serialization=True)
    od.save_rounded(model.state_dict(), draw, folder / "model.safetensors")
    config = folder / "config.json"
    cfg = draw.group("cfg")
    od.edit_json(config, {f"pretrained_cfg.{key}": value for key, value in cfg.items()})
    edits = draw.group("edit")
    if "tag" in edits:
        edits["architecture"] = f"{draw.family}.{edits.pop('tag')}"
    flat = edits.pop("flat", False)
    od.edit_json(config, edits)
    if flat:
        content = od.read_json(config)
        content.pop("global_pool", None)  # which those versions did not write
        content.update(content.pop("pretrained_cfg"))
        config.write_text(json.dumps(content, indent=1) + "\n")


def answer(draw, folder, picture):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    transform = create_transform(**resolve_model_data_config(model), is_training=False)
    x = transform(picture.convert("RGB"))
    result = od.Answer(input=od.numpy32(x), options=("--exif", "ignore"))
    with torch.no_grad():
        tokens = model.forward_features(x[None])
        features = model.forward_head(tokens, pre_logits=True)
        output = model.forward_head(tokens)
    if isinstance(output, torch.Tensor) and output.ndim == 2 and features.ndim == 2:
        result.features = od.numpy32(features[0])
    elif output.ndim != 2:
        raise ValueError(f"the model gives a tensor of {list(output.shape)}, which is no row of scores")
    if tokens.ndim == 3 and getattr(model, "num_prefix_tokens", None) is not None:
        result.tokens = od.numpy32(tokens[0, model.num_prefix_tokens:])
    if model.num_classes > 0:
        result.logits = od.numpy32(output[0])
        result.probabilities = od.numpy32(output[0].softmax(-1))
        result.names = _names(model)
    return result


def _names(model):
    """As timm/inference.py names classes: a label's description if it has one, else the label."""
    names = model.pretrained_cfg.get("label_names")
    if not names:
        return None
    descriptions = model.pretrained_cfg.get("label_descriptions") or {}
    named = {int(c): str(name) for c, name in (names.items() if isinstance(names, dict) else enumerate(names))}
    return [descriptions.get(named[c], named[c]) if c in named else None for c in range(model.num_classes)]
