#!/usr/bin/env python3
"""Writes tests/golden/preprocess/libraries.json: results of timm and both backends of transformers for configurations
that the reference data lacks: old files, missing fields, other sizes, unusual combinations.

usage: python3 tools/make_golden_recipes.py     (timm 1.0.31, transformers 5.24.0, torchvision 0.29, Pillow 13 installed)

Each picture has the CRC-32 of the uint8 [h, w, 3] pixels before normalisation and of the float32 [3, h, w] input.
DINOv3's processor resizes floats, whose last digits depend on the CPU: its inputs are in dinov3.safetensors, whole, and
the configurations in the file's metadata.
"""
import json
import pathlib
import tempfile
import warnings
import zlib

import numpy as np
import PIL
import timm
import timm.data
import torchvision
import transformers
from PIL import Image, ImageOps
from safetensors.numpy import save_file

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "preprocess"
PICTURES = ["baseline.jpg", "exif6.jpg", "rgb.png", "large.jpg", "size_130x129.png", "size_67x91.png", "size_71x71.png",
            "size_72x300.png", "size_97x331.png", "size_5x3.png"]
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}

TRANSFORMERS = {
    "old_vit": {"do_normalize": True, "do_resize": True, **HALF, "resample": 2, "size": 64,
                "feature_extractor_type": "ViTFeatureExtractor"},
    "old_clip": {"crop_size": 48, "do_center_crop": True, "do_normalize": True, "do_resize": True, "resample": 3,
                 "size": 57, "feature_extractor_type": "CLIPFeatureExtractor"},
    "old_deit": {"crop_size": 48, "do_center_crop": True, **IMAGENET, "resample": 3, "size": 55,
                 "feature_extractor_type": "DeiTFeatureExtractor"},
    "old_beit": {"crop_size": 48, "do_center_crop": False, **HALF, "resample": 2, "size": 64,
                 "feature_extractor_type": "BeitFeatureExtractor"},
    "fast_name": {"image_processor_type": "ViTImageProcessorFast", "size": {"height": 48, "width": 48}},
    "beit_crop": {"image_processor_type": "BeitImageProcessor", "size": {"height": 65, "width": 65},
                  "crop_size": {"height": 48, "width": 48}, "do_center_crop": True},
    "convnext": {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 50}},
    "convnext_pct": {"image_processor_type": "ConvNextImageProcessor", "size": 50, "crop_pct": 0.95},
    "convnext_384": {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 384}},
    "capped": {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 56, "longest_edge": 80},
               "crop_size": {"height": 48, "width": 48}},
    "lanczos": {"image_processor_type": "ViTImageProcessor", "resample": 1, "size": {"height": 48, "width": 80}},
    "nearest": {"image_processor_type": "ViTImageProcessor", "resample": 0, "size": {"height": 48, "width": 48}},
    "no_normalize": {"image_processor_type": "ViTImageProcessor", "do_normalize": False,
                     "size": {"height": 48, "width": 48}},
    "no_rescale": {"image_processor_type": "ViTImageProcessor", "do_rescale": False, **IMAGENET,
                   "size": {"height": 48, "width": 48}},
    "neither": {"image_processor_type": "ViTImageProcessor", "do_rescale": False, "do_normalize": False,
                "size": {"height": 48, "width": 48}},
    "odd_factor": {"image_processor_type": "ViTImageProcessor", "rescale_factor": 0.00784313725490196, **IMAGENET,
                   "size": [48, 48]},
    "no_resize": {"image_processor_type": "CLIPImageProcessor", "do_resize": False,
                  "crop_size": {"height": 63, "width": 96}},
    "rectangle": {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 71},
                  "crop_size": {"height": 48, "width": 64}},
    "nulls": {"image_processor_type": "DeiTImageProcessor", "do_center_crop": None, "crop_size": None, "do_pad": None,
              "size": {"height": 55, "width": 55}, "rescale_factor": 0.00392156862745098},
    "null_flags": {"image_processor_type": "ViTImageProcessor", "do_rescale": None, "do_normalize": None,
                   "image_mean": None, "size": {"height": 48, "width": 48}},
    "square_said": {"image_processor_type": "CLIPImageProcessor", "size": 60, "default_to_square": True,
                    "crop_size": 48},
    "edge_said": {"image_processor_type": "DeiTImageProcessor", "size": 60, "default_to_square": False,
                  "crop_size": 48},
    "one_mean": {"image_processor_type": "ViTImageProcessor", "image_mean": 0.4, "image_std": 0.3, "size": 48},
    "defaults_vit": {"image_processor_type": "ViTImageProcessor"},
    "defaults_deit": {"image_processor_type": "DeiTImageProcessor"},
    "defaults_bit": {"image_processor_type": "BitImageProcessor"},
    "defaults_clip": {"image_processor_type": "CLIPImageProcessor"},
    "defaults_siglip": {"image_processor_type": "SiglipImageProcessor"},
    "defaults_beit": {"image_processor_type": "BeitImageProcessor"},
}
# SigLIP 2's NaFlex gives each picture a size of its own.
NAFLEX = {"image_processor_type": "Siglip2ImageProcessor", "patch_size": 16, "max_num_patches": 9, **HALF, "resample": 2}
DINOV3 = {
    "bilinear": {"image_processor_type": "DINOv3ViTImageProcessorFast", **IMAGENET, "resample": 2,
                 "size": {"height": 24, "width": 24}, "rescale_factor": 0.00392156862745098},
    "bicubic_crop": {"image_processor_type": "DINOv3ViTImageProcessor", "resample": 3, "do_center_crop": True,
                     "size": {"shortest_edge": 24}, "crop_size": {"height": 20, "width": 32}},
    "plain": {"image_processor_type": "DINOv3ViTImageProcessor", "do_normalize": False, "size": {"height": 32, "width": 16}},
}
# pretrained_cfg and, if given, another input size, as with `--image-size`.
TIMM = {
    "timm_defaults": ({"input_size": [3, 224, 224]}, None),
    "timm_larger": ({"input_size": [3, 48, 48], "crop_pct": 0.9, "interpolation": "bicubic"}, [80, 80]),
    "timm_rectangle": ({"input_size": [3, 48, 48], "crop_pct": 0.9, "interpolation": "bicubic"}, [48, 80]),
    "timm_squash_rectangle": ({"input_size": [3, 48, 48], "crop_pct": 0.95, "crop_mode": "squash"}, [60, 44]),
    "timm_border_rectangle": ({"input_size": [3, 48, 48], "crop_pct": 1.0, "crop_mode": "border",
                               "mean": [0.3, 0.5, 0.7], "std": [0.2, 0.25, 0.3]}, [60, 44]),
    "timm_nearest": ({"input_size": [3, 48, 48], "crop_pct": 0.9, "interpolation": "nearest"}, None),
}


def picture(name, exif):
    image = Image.open(GOLDEN / "sources" / name)
    return (ImageOps.exif_transpose(image) if exif else image).convert("RGB")


def checksums(pixels, values):
    return [zlib.crc32(np.ascontiguousarray(pixels, dtype=np.uint8).tobytes()),
            zlib.crc32(np.ascontiguousarray(values, dtype="<f4").tobytes())]


def by_transformers(config, backend):
    processor = processor_of(config, backend)
    images = {}
    for name in PICTURES:
        image = picture(name, exif=True)
        plain = processor(image, do_rescale=False, do_normalize=False, return_tensors="np")["pixel_values"][0]
        values = processor(image, return_tensors="np")["pixel_values"][0]
        images[name] = checksums(np.moveaxis(plain, 0, -1), values)
    return images


def processor_of(config, backend):
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "preprocessor_config.json").write_text(json.dumps(config))
        return transformers.AutoImageProcessor.from_pretrained(folder, backend=backend)


def by_naflex(backend):
    """Recipes by the size of the picture: {"naflex_48x48_pil": ...}."""
    processor, side, recipes = processor_of(NAFLEX, backend), NAFLEX["patch_size"], {}

    def run(image, **more):
        made = processor(image, return_tensors="np", **more)
        rows, cols = (int(n) for n in made["spatial_shapes"][0])
        patches = made["pixel_values"][0][: rows * cols].reshape(rows, cols, side, side, 3)
        return np.ascontiguousarray(patches.transpose(0, 2, 1, 3, 4).reshape(rows * side, cols * side, 3))

    for name in PICTURES:
        image = picture(name, exif=True)
        pixels, values = run(image, do_rescale=False, do_normalize=False), run(image)
        size = list(pixels.shape[:2])
        recipe = recipes.setdefault(f"naflex_{size[0]}x{size[1]}_{backend}", {
            "kind": "hf", "backend": backend, "preprocessor_config": NAFLEX, "input_size": size, "images": {}})
        recipe["images"][name] = checksums(pixels, np.moveaxis(values, -1, 0))
    return recipes


def by_dinov3():
    tensors = {}
    for recipe, config in DINOV3.items():
        processor = processor_of(config, "torchvision")
        for name in ("baseline.jpg", "size_97x331.png", "size_5x3.png"):
            values = processor(picture(name, exif=True), return_tensors="np")["pixel_values"][0]
            tensors[f"{recipe}/{name}"] = np.ascontiguousarray(values)
    return tensors


def by_timm(config, input_size):
    args = {"input_size": (3, *input_size)} if input_size else {}
    transform = timm.data.create_transform(
        **timm.data.resolve_data_config(args, pretrained_cfg={k: tuple(v) if isinstance(v, list) else v
                                                              for k, v in config.items()}))
    images = {}
    for name in PICTURES:
        image = picture(name, exif=False)
        pixels = image
        for step in transform.transforms[:-2]:  # all except to-tensor and normalise
            pixels = step(pixels)
        images[name] = checksums(np.asarray(pixels), transform(image).numpy())
    return images


def main():
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    recipes = {}
    for name, config in TRANSFORMERS.items():
        for backend in ("pil", "torchvision"):
            recipes[f"{name}_{backend}"] = {"kind": "hf", "backend": backend, "preprocessor_config": config,
                                            "images": by_transformers(config, backend)}
    for backend in ("pil", "torchvision"):
        recipes |= by_naflex(backend)
    for name, (config, input_size) in TIMM.items():
        recipes[name] = {"kind": "timm", "pretrained_cfg": config, "input_size": input_size,
                         "images": by_timm(config, input_size)}
    versions = {"pillow": PIL.__version__, "timm": timm.__version__, "torchvision": torchvision.__version__,
                "transformers": transformers.__version__}
    (GOLDEN / "libraries.json").write_text(json.dumps({"libraries": versions, "recipes": recipes}, indent=1) + "\n")
    save_file(by_dinov3(), GOLDEN / "dinov3.safetensors", metadata={name: json.dumps(c) for name, c in DINOV3.items()})


if __name__ == "__main__":
    main()
