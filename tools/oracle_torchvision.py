"""Draws of torchvision: its VisionTransformer as a state dict without any configuration, prepared by its own preset.

Its head width is 64, which fovea assumes where no file says it.
"""
import torch
from safetensors.torch import load_file
from torchvision.models import VisionTransformer
from torchvision.transforms._presets import ImageClassification

import oracle_draws as od

STEMS = ("vit",)
SPACE = {"args.num_layers": [1, 3], "args.hidden_dim": [128], "args.mlp_dim": [48, 256], "args.num_classes": [1, 2, 12],
         "args.patch_size": [56, 16]}


def families():
    return ["VisionTransformer"]


def draw_keys(rng, family):
    return od.pick(rng, SPACE, 0.3)


def _model(draw):
    args = {"image_size": 224, "patch_size": 32, "num_layers": 2, "hidden_dim": 64, "mlp_dim": 64,
            "num_classes": od.CLASSES, **draw.group("args")}
    return VisionTransformer(num_heads=args["hidden_dim"] // 64, **args)


def make(draw, folder):
    model = od.stir(_model(draw), draw)
    folder.mkdir()
    od.save_rounded(model.state_dict(), draw, folder / "vit.safetensors")


def answer(draw, folder, picture):
    model = _model(draw).eval()
    model.load_state_dict(load_file(folder / "vit.safetensors"))
    x = ImageClassification(crop_size=224)(picture.convert("RGB"))
    seen = []
    model.heads.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    with torch.no_grad():
        logits = model(x[None])[0]
    return od.Answer(input=od.numpy32(x), logits=od.numpy32(logits), probabilities=od.numpy32(logits.softmax(-1)),
                     features=od.numpy32(seen[0][0]), options=("--exif", "ignore"))
