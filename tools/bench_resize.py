#!/usr/bin/env python3
"""Times fovea and the installed Pillow on the way from a decoded 12-megapixel photograph to the 224 px crop.

usage: python3 tools/bench_resize.py FOVEA [MODEL]    (FOVEA: the program, e.g. build/release/bin/fovea; one core each)

fovea's figure includes normalising and cutting into patches, which Pillow's does not. The recipe is the default model's
with a crop of 0.9, so the shortest edge becomes 248 px. The runs are interleaved.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import PIL
from PIL import Image

ROUNDS = 5
RUNS = 11


def photograph():
    """Smooth noise: it needs no file, and a resampler's speed does not depend on the pixels."""
    return Image.effect_noise((126, 95), 90).convert("RGB").resize((4032, 3024), Image.BICUBIC)


def pillow_ms(photo, resample):
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        photo.resize((330, 248), resample).crop((53, 12, 277, 236))
        times.append((time.perf_counter() - begin) * 1e3)
    return sorted(times)[RUNS // 2]


def fovea_ms(program, model, file, interpolation):
    command = [program, "bench", "-m", model, file, "-t", "1", "--seconds", "3", "-f", "json", "-q",
               "--crop-pct", "0.9", "--interpolation", interpolation]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["stages"]["preprocess"]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = sys.argv[1]
    model = sys.argv[2] if len(sys.argv) > 2 else "vit_tiny_tin200"
    photo = photograph()
    with tempfile.TemporaryDirectory() as folder:
        file = str(pathlib.Path(folder, "photo.jpg"))
        photo.save(file, quality=90)
        for interpolation, resample in (("bicubic", Image.BICUBIC), ("bilinear", Image.BILINEAR)):
            pairs = [(fovea_ms(program, model, file, interpolation), pillow_ms(photo, resample)) for _ in range(ROUNDS)]
            ours, theirs = (sorted(times)[ROUNDS // 2] for times in zip(*pairs))
            print(f"{interpolation:<9} fovea {ours:6.1f} ms, Pillow {PIL.__version__} {theirs:6.1f} ms: "
                  f"{theirs / ours:.1f} times as fast")


if __name__ == "__main__":
    main()
