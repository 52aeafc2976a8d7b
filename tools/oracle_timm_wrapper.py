"""Draws of transformers' TimmWrapper: a timm model in a transformers folder, whose processor is timm's transform."""
import timm
import torch
import transformers
from transformers import AutoImageProcessor, TimmWrapperConfig, TimmWrapperForImageClassification

import oracle_draws as od
import oracle_timm
import oracle_transformers

STEMS = ("model", "pytorch_model")
SPACE = {
    "labels": ["names", "one", "two", "numbers", "many"],
    "edit.problem_type": ["single_label_classification", "multi_label_classification", "regression"],
    "edit.do_pooling": [False], "edit.architectures": [["TimmWrapperModel"], "<absent>"], "edit.surprise": [1],
    "edit.model_args.surprise": [1],
}
ARGS = ("args.depth", "args.global_pool", "args.img_size", "args.embed_dim", "args.patch_size", "args.qkv_bias")


def families():
    return [name for name in oracle_timm.families() if "patch" in name]


def draw_keys(rng, family):
    args = {key: values for key, values in {**oracle_timm.LARGER, **oracle_timm.ARGS}.items() if key in ARGS}
    cfg = {key: values for key, values in oracle_timm.CFG.items() if key.startswith("cfg.")}
    return {**od.pick(rng, args, 0.1), **od.pick(rng, cfg, 0.08), **od.pick(rng, SPACE, 0.15)}


def make(draw, folder):
    args = {"embed_dim": 32, "depth": 2, "num_heads": 2, "img_size": 32, "patch_size": 8, **draw.group("args")}
    names = oracle_transformers.labels_of(draw.keys.get("labels"))
    config = TimmWrapperConfig(architecture=draw.family, model_args=args, id2label=names,
                               label2id={str(v): k for k, v in names.items()})
    config.pretrained_cfg = dict(timm.get_pretrained_cfg(draw.family).to_dict(), input_size=[3, 32, 32])
    model = od.stir(TimmWrapperForImageClassification(config), draw)
    model.save_pretrained(folder)
    od.save_rounded(model.state_dict(), draw, folder / "model.safetensors")
    od.edit_json(folder / "config.json", {f"pretrained_cfg.{k}": v for k, v in draw.group("cfg").items()})
    od.edit_json(folder / "config.json", draw.group("edit"))


def answer(draw, folder, picture):
    model = TimmWrapperForImageClassification.from_pretrained(folder, dtype=torch.float32).eval()
    processor = AutoImageProcessor.from_pretrained(folder)
    return oracle_transformers.classified(model, processor, picture, od.Answer())
