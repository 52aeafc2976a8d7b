#!/usr/bin/env python3
"""Says for each name of timm's ViT, EVA, BEiT, DeiT and ViT with relative positions whether fovea computes what timm does.

    tools/sweep_timm_names.py [--fovea PROGRAM] [--only PATTERN] [--table FILE]

Each model is built small (two or three blocks, a narrow width, a few patches) with random weights, saved as timm saves
it (config.json and model.safetensors) and run by both on the same input. Prints a line for each name: `equal`,
`refused` with fovea's sentence, `WRONG` with the difference, or `not built` with timm's; then the counts. Exits 1 if one
is wrong. Needs timm (made with 1.0.31) and numpy.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy
import timm
import torch
from timm.models import save_for_hf

MODULES = ("vision_transformer", "deit", "beit", "eva", "vision_transformer_relpos")
HEADS, HEAD_DIM, PATCHES = 8, 8, 4  # an attention pool of Perception Encoders has 8 heads


def names(pattern):
    found = sorted({name for module in MODULES for name in timm.list_models(module=module)})
    return [name for name in found if re.search(pattern, name)]


def small(name):
    """The model with few blocks of a narrow width; every parameter is random."""
    patch = int(re.search(r"patch(\d+)", name).group(1)) if "patch" in name else 16
    arguments = {"depth": 3, "embed_dim": HEADS * HEAD_DIM, "num_heads": HEADS, "num_classes": 10,
                 "img_size": PATCHES * patch}
    if "sapiens2" in name:
        arguments["num_kv_heads"] = [HEADS, HEADS // 2, HEADS]
    if name.startswith("test_vit"):
        del arguments["depth"], arguments["embed_dim"], arguments["num_heads"], arguments["img_size"]
    if re.search("giant_patch14_.*(dinov2|tipsv2)", name):
        arguments["mlp_ratio"] = 4  # the published one makes an odd width
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False, **arguments).eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            is_scale = parameter.ndim == 1 and parameter_name.endswith(("weight", "gamma", "gamma_1", "gamma_2"))
            parameter.normal_(1.0 if is_scale else 0.0, 0.2 if parameter.ndim < 2 else 2.0 / parameter.shape[-1] ** 0.5)
    return model


def run(program, folder, tensor):
    """fovea's logits, or its sentence."""
    logits = folder / "logits.npy"
    done = subprocess.run([program, "classify", "-m", folder, "--tensor", tensor, "--precision", "f32", "--save-logits",
                           logits, "--quiet"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None, " ".join(done.stderr.split())[:300]
    return numpy.load(logits)[0], ""


def compare(program, name, folder):
    try:
        model = small(name)
    except Exception as error:  # pylint: disable=broad-exception-caught
        return "not built", str(error).split("\n")[0][:200]
    size = model.pretrained_cfg["input_size"][1:]
    height, width = getattr(model.patch_embed, "img_size", None) or size
    x = torch.randn(1, 3, height, width)
    with torch.no_grad():
        expected = model(x).numpy()[0]
    config = {"input_size": (3, height, width)}
    save_for_hf(model, folder, safe_serialization=True, model_config={"pretrained_cfg": config})
    numpy.save(folder / "x.npy", x.numpy()[0])
    actual, sentence = run(program, folder, folder / "x.npy")
    if actual is None:
        return "refused", sentence
    away = float(numpy.abs(actual - expected).max() / (expected.max() - expected.min()))
    return ("equal" if away <= 1e-4 else "WRONG"), f"{away:.1e} of the logits' range"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fovea", default="build/release/bin/fovea")
    parser.add_argument("--only", default=".", metavar="PATTERN")
    parser.add_argument("--table", type=pathlib.Path, metavar="FILE", help="write the outcomes as JSON")
    arguments = parser.parse_args()
    outcomes = {}
    for name in names(arguments.only):
        with tempfile.TemporaryDirectory() as folder:
            outcome, detail = compare(arguments.fovea, name, pathlib.Path(folder))
        outcomes[name] = [outcome, detail]
        print(f"{outcome:9} {name}: {detail}", flush=True)
    counts = collections.Counter(outcome for outcome, _ in outcomes.values())
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.most_common()))
    if arguments.table:
        arguments.table.write_text(json.dumps(outcomes, indent=1) + "\n", encoding="utf-8")
    sys.exit(1 if counts["WRONG"] else 0)


if __name__ == "__main__":
    main()
