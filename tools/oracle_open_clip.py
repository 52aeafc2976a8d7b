"""Draws of open_clip: image towers of its own and their open_clip_config.json. The text tower is as small as it can be."""
import json

import open_clip
import timm
import torch
from open_clip.push_to_hf_hub import save_config_for_hf

import oracle_draws as od

STEMS = ("open_clip_model", "open_clip_pytorch_model")
SPACE = {
    "vision.layers": [1, 3], "vision.width": [64, 48], "vision.head_width": [8, 64, 24], "vision.mlp_ratio": [2.0, 3.0],
    "vision.patch_size": [4, 16], "vision.image_size": [48, [32, 48], [32, 32]], "vision.ls_init_value": [0.1],
    "vision.patch_dropout": [0.5], "vision.attentional_pool": [True, False], "vision.attn_pooler_heads": [4],
    "vision.no_ln_pre": [True, False], "vision.pos_embed_type": ["learnable", "sin_cos_2d"],
    "vision.final_ln_after_pool": [True, False], "vision.pool_type": ["tok", "avg", "none"],
    "vision.act_kwargs": [{"approximate": "tanh"}], "vision.norm_kwargs": [{"eps": 1e-6}], "vision.qk_norm": [True],
    "vision.output_tokens": [True], "vision.block_type": ["custom", "default"], "vision.scale_attn": [True],
    "vision.scale_heads": [True],
    "model.embed_dim": [16], "model.quick_gelu": [True, False], "model.init_logit_scale": [1.0],
    "model.init_logit_bias": [-10.0], "model.custom_text": [True], "model.nonscalar_logit_scale": [True],
    "cfg.mean": [[0.5, 0.5, 0.5], [0.485, 0.456, 0.406]], "cfg.std": [[0.5, 0.5, 0.5], [1.0, 1.0, 1.0]],
    "cfg.interpolation": ["bicubic", "bilinear", "random"], "cfg.resize_mode": ["shortest", "longest", "squash"],
    "cfg.size": [[3, 32, 32], 32, 48], "cfg.fill_color": [0, 128], "cfg.mode": ["RGB"], "cfg.surprise": [1],
    "edit.model_cfg.vision_cfg.surprise": [1], "edit.model_cfg.surprise": [1], "edit.preprocess_cfg": ["<absent>"],
}


TRUNK = {  # image towers that are timm's
    "vision.timm_model_name": ["test_vit", "test_vit2", "test_vit4", "vit_tiny_patch16_224"],
    "vision.timm_pool": ["", "token", "avg", "map"], "vision.timm_proj": ["", "linear", "mlp", "none"],
    "vision.timm_proj_bias": [True], "vision.timm_drop": [0.1],
}


def families():
    return ["CLIP", "CLIP with a trunk of timm"]


def draw_keys(rng, family):
    if family == "CLIP":
        return od.pick(rng, SPACE, rng.choice([0.05, 0.1, 0.2]))
    cfg = {key: values for key, values in SPACE.items() if not key.startswith("vision.")}
    return {"vision.timm_model_name": "test_vit", **od.pick(rng, TRUNK, 0.4), **od.pick(rng, cfg, 0.1)}


def make(draw, folder):
    model = draw.group("model")
    vision = {"layers": 2, "width": 32, "head_width": 16, "image_size": 32, "patch_size": 8, **draw.group("vision")}
    if draw.family != "CLIP":
        vision = {"timm_model_name": "test_vit", "timm_pool": "", "timm_proj": "linear", **draw.group("vision")}
        vision["image_size"] = timm.get_pretrained_cfg(vision["timm_model_name"]).input_size[-1]
    text = {"context_length": 8, "vocab_size": 16, "width": 32, "heads": 2, "layers": 1}
    config = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text, **model}
    arguments = {k: v for k, v in config.items() if k != "custom_text"}
    cls = open_clip.CustomTextCLIP if config.get("custom_text") else open_clip.CLIP
    clip = cls(**json.loads(json.dumps(arguments)))
    od.stir(clip, draw)
    folder.mkdir()
    preprocess = {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711],
                  **draw.group("cfg")}
    clip.visual.image_mean, clip.visual.image_std = preprocess["mean"], preprocess["std"]
    path = folder / "open_clip_config.json"
    save_config_for_hf(clip, path, config)
    od.edit_json(path, {f"preprocess_cfg.{key}": value for key, value in draw.group("cfg").items()})
    od.edit_json(path, draw.group("edit"))
    od.save_rounded(clip.state_dict(), draw, folder / "open_clip_model.safetensors")


def answer(draw, folder, picture):
    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{folder}", precision="fp32")
    model.eval()
    x = preprocess(picture.convert("RGB"))  # as open_clip's own loader decodes it ("pilrgb")
    with torch.no_grad():
        features = model.encode_image(x[None])
    if isinstance(features, tuple):  # output_tokens
        features = features[0]
    return od.Answer(input=od.numpy32(x), features=od.numpy32(features[0]), options=("--exif", "ignore"))
