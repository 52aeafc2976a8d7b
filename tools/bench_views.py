#!/usr/bin/env python3
"""Measures what `fovea learn --views` gains.

    tools/bench_views.py FOVEA MODEL PICTURES WORK [--classes 20] [--draws 5]

PICTURES has a folder for each class. For each draw of so many folders, a head is learned with 1, 2 and 10 views, and measured on the
pictures that are held out in turn. Prints top-1 and log-loss of each, and their means.
"""
import argparse
import json
import pathlib
import random
import shutil
import subprocess

arguments = argparse.ArgumentParser()
arguments.add_argument("fovea"), arguments.add_argument("model"), arguments.add_argument("pictures", type=pathlib.Path)
arguments.add_argument("work", type=pathlib.Path), arguments.add_argument("--classes", type=int, default=20)
arguments.add_argument("--draws", type=int, default=5)
args = arguments.parse_args()
folders = sorted(p.resolve() for p in args.pictures.iterdir() if p.is_dir())
found = {1: [], 2: [], 10: []}
for draw in range(args.draws):
    place = args.work / f"draw{draw}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for folder in random.Random(draw).sample(folders, args.classes):
        (place / folder.name).symlink_to(folder)
    for views, figures in found.items():
        run = subprocess.run([args.fovea, "learn", place, "-m", args.model, "-o", args.work / f"views{views}.safetensors", "--cache",
                              args.work / "cache", "--views", str(views), "-q", "-f", "json"], stdout=subprocess.PIPE, check=True)
        backbone = json.loads(run.stdout)["backbones"][0]
        figures.append((backbone["top1"]["value"], backbone["log_loss"]))
        print(f"draw {draw}, {views} views: {100 * figures[-1][0]:.1f} % right, log-loss {figures[-1][1]:.3f}", flush=True)
for views, figures in found.items():
    right, loss = (sum(column) / len(figures) for column in zip(*figures))
    print(f"{views} views: {100 * right:.1f} % right, log-loss {loss:.3f}, means of {len(figures)} draws")
