#!/usr/bin/env python3
"""Writes golden folders of SigLIP 2's NaFlex models, each with what transformers makes of pictures of many shapes.

    tools/make_golden_naflex.py tests/golden

Needs torch, torchvision, Pillow, transformers 5.24 and safetensors. Each folder of tests/golden/naflex is a shrunk model
with random weights, as transformers saves it. Its expected.safetensors holds, for each picture of
tests/golden/preprocess/sources and each backend of the image processor, what the model computes in float64 from the
padded patches that the processor gives: `PICTURE/BACKEND/positions` [T, D], `.../pooled` [D] and `.../logits` [C]. sizes.json has the sizes that the rule makes of others: [height, width, patch, most, height, width].
"""
import json
import pathlib
import random
import shutil
import sys

import torch
import transformers
from PIL import Image, ImageOps
from safetensors.torch import save_file

from make_golden_transformers import drop_text_tower, randomise

SIZES = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40, "patch_size": 16,
         "num_patches": 16}
PROCESSOR = {"image_processor_type": "Siglip2ImageProcessor", "patch_size": 16, "max_num_patches": 20}
# Usual shapes, both directions; a turned one; one that fits exactly; panoramas beyond 1:40; and less than a patch.
PICTURES = ["baseline.jpg", "exif6.jpg", "size_64x64.png", "size_72x300.png", "size_97x331.png", "size_3x500.png",
            "size_500x3.png", "size_5x3.png", "size_1x1.png"]


def model_of(kind):
    vision = transformers.Siglip2VisionConfig(**SIZES)
    if kind == "tower":
        return transformers.Siglip2VisionModel(vision)
    return transformers.Siglip2ForImageClassification(
        transformers.Siglip2Config(vision_config=vision.to_dict(), num_labels=5))


def answer(model, processor, picture):
    made = processor(picture, return_tensors="pt")
    inputs = {"pixel_values": made["pixel_values"].double(), "pixel_attention_mask": made["pixel_attention_mask"],
              "spatial_shapes": made["spatial_shapes"]}
    seen = {}
    vision = getattr(model, "vision_model", model)
    tokens = int(made["pixel_attention_mask"].sum())
    assert tokens == int(made["spatial_shapes"].prod())
    hooks = [vision.embeddings.patch_embedding.register_forward_hook(lambda m, args, out: seen.update(patches=out)),
             vision.embeddings.register_forward_hook(lambda m, args, out: seen.update(embedded=out))]
    if hasattr(model, "classifier"):
        hooks.append(model.classifier.register_forward_hook(lambda m, args, out: seen.update(pooled=args[0])))
    with torch.no_grad():
        out = model(**inputs)
    for hook in hooks:
        hook.remove()
    values = {"positions": (seen["embedded"] - seen["patches"])[0, :tokens],
              "pooled": seen["pooled"][0] if "pooled" in seen else out.pooler_output[0]}
    if "logits" in out:
        values["logits"] = out.logits[0]
    return {name: tensor.float().contiguous() for name, tensor in values.items()}


def sizes():
    """Sides from 1 px to 100,000, of every shape."""
    rule = transformers.models.siglip2.image_processing_siglip2.get_image_size_for_max_num_patches
    rng = random.Random(1)
    for _ in range(400):
        sides = [round(10 ** rng.uniform(0, 5)) for _ in range(2)]
        patch, most = rng.choice([1, 4, 14, 16, 32]), rng.choice([1, 2, 7, 20, 64, 256, 576, 1024])
        yield [*sides, patch, most, *rule(*sides, patch, most)]


def main():
    target = pathlib.Path(sys.argv[1])
    (target / "naflex").mkdir(exist_ok=True)
    rows = ",\n".join(json.dumps(row) for row in sizes())
    (target / "naflex" / "sizes.json").write_text(f"[{rows}]\n")
    for seed, kind in enumerate(("classifier", "tower")):
        folder = target / "naflex" / kind
        shutil.rmtree(folder, ignore_errors=True)
        model = model_of(kind).eval()
        randomise(model, 7000 + seed)
        model.save_pretrained(folder)
        drop_text_tower(folder)
        (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR) + "\n")
        model = type(model).from_pretrained(folder).eval().double()
        expected = {}
        for backend in ("torchvision", "pil"):
            processor = transformers.AutoImageProcessor.from_pretrained(folder, backend=backend)
            for name in PICTURES:
                picture = Image.open(target / "preprocess" / "sources" / name)
                picture = ImageOps.exif_transpose(picture).convert("RGB")
                for what, tensor in answer(model, processor, picture).items():
                    expected[f"{name}/{backend}/{what}"] = tensor
        save_file(expected, folder / "expected.safetensors")
        print(kind, sum(file.stat().st_size for file in folder.iterdir()))


if __name__ == "__main__":
    main()
