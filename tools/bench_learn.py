#!/usr/bin/env python3
"""Measures `fovea learn` with few pictures a class, beside scikit-learn on the same features.

    tools/bench_learn.py FOVEA MODEL PICTURES WORK [--classes 20] [--seeds 20] [--shots 1,2,5,8]

PICTURES has a folder for each class. For each seed, so many pictures of each class are learned from and all others are measured
(--val). WORK keeps the features. Prints a table with the mean over seeds and the half width of its 95 % interval. scikit-learn's
column is LogisticRegressionCV on scaled features (its own folds choose C; C = 1 with one picture a class). Needs numpy and
scikit-learn.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import warnings

import numpy as np
from sklearn import linear_model, pipeline, preprocessing

arguments = argparse.ArgumentParser()
arguments.add_argument("fovea"), arguments.add_argument("model"), arguments.add_argument("pictures", type=pathlib.Path)
arguments.add_argument("work", type=pathlib.Path)
arguments.add_argument("--classes", type=int, default=20), arguments.add_argument("--seeds", type=int, default=20)
arguments.add_argument("--shots", default="1,2,5,8")
args = arguments.parse_args()
warnings.filterwarnings("ignore")
args.work.mkdir(parents=True, exist_ok=True)
folders = sorted(p for p in args.pictures.iterdir() if p.is_dir())
step = len(folders) // args.classes
folders = folders[::step][:args.classes]

paths = [str(p) for folder in folders for p in sorted(folder.iterdir())]
lists = args.work / "list.txt"
lists.write_text("\n".join(paths))
subprocess.run([args.fovea, "embed", "-q", "-m", args.model, "--files-from", lists, "-o", args.work / "features.npy"], check=True, stdout=subprocess.DEVNULL)
features = dict(zip(paths, np.load(args.work / "features.npy").astype(np.float64)))


def place(folder, chosen):
    shutil.rmtree(folder, ignore_errors=True)
    for path in chosen:
        target = folder / pathlib.Path(path).parent.name
        target.mkdir(parents=True, exist_ok=True)
        os.symlink(path, target / pathlib.Path(path).name)


def interval(values):
    return f"{100 * np.mean(values):5.1f} ± {196 * np.std(values, ddof=1) / len(values) ** 0.5:.1f}"


print(f"{len(folders)} classes, {len(paths)} pictures, {args.seeds} seeds\n\n| pictures a class | `fovea learn` | nearest class mean | nearest pictures | scikit-learn |\n| --- | --- | --- | --- | --- |")
for shots in map(int, args.shots.split(",")):
    found = {"learn": [], "mean": [], "near": [], "sklearn": []}
    for seed in range(args.seeds):
        rng = random.Random(seed)
        train, held = [], []
        for folder in folders:
            names = sorted(str(p) for p in folder.iterdir())
            rng.shuffle(names)
            train += names[:shots]
            held += names[shots:]
        place(args.work / "train", train), place(args.work / "held", held)
        run = subprocess.run([args.fovea, "learn", args.work / "train", "--val", args.work / "held", "-m", args.model, "-o", args.work / "m.safetensors",
                              "--cache", args.work / "cache", "-q", "-f", "json"], stdout=subprocess.PIPE, check=True)
        report = json.loads(run.stdout)
        top1 = report["backbones"][0]["top1"]["value"]
        found["learn"].append(top1), found["mean"].append(report["baselines"][0]["top1"]), found["near"].append(report["baselines"][1]["top1"])
        x, y = np.stack([features[p] for p in train]), [pathlib.Path(p).parent.name for p in train]
        head = (linear_model.LogisticRegression(max_iter=2000) if shots == 1 else
                linear_model.LogisticRegressionCV(Cs=np.logspace(-4, 2, 13), cv=min(5, shots), max_iter=2000, scoring="neg_log_loss"))
        model = pipeline.make_pipeline(preprocessing.StandardScaler(), head).fit(x, y)
        # Not model.score(), which is the log-loss that the folds are scored by.
        found["sklearn"].append(np.mean(model.predict(np.stack([features[p] for p in held])) == np.array([pathlib.Path(p).parent.name for p in held])))
    print(f"| {shots} | {interval(found['learn'])} | {interval(found['mean'])} | {interval(found['near'])} | {interval(found['sklearn'])} |", flush=True)
