#!/usr/bin/env python3
"""Measures `fovea learn` with few pictures a class, beside scikit-learn on the same features.

    tools/bench_learn.py FOVEA MODEL PICTURES WORK [--classes 20 | --groups tools/coarse_groups.json] [--seeds 20] [--shots 1,2,5,8] [--timm NAME]

PICTURES has a folder for each class. --groups joins folders to coarse classes: a JSON object from a class to its folders. For each
seed, so many pictures of each class are learned from and all others are measured (--val). WORK keeps the features. Prints a table
with the mean over seeds and the half width of its 95 % interval. scikit-learn's column is LogisticRegressionCV on scaled features
(its own folds choose C; C = 1 with one picture a class); the features are those that timm computes from the weights in MODEL
with its architecture NAME, or, without --timm, those of `fovea embed`. Needs numpy and scikit-learn (1.9.1), and timm (1.0.31).
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
arguments.add_argument("--shots", default="1,2,5,8"), arguments.add_argument("--groups", type=pathlib.Path)
arguments.add_argument("--timm")
args = arguments.parse_args()
warnings.filterwarnings("ignore")
args.work.mkdir(parents=True, exist_ok=True)
folders = sorted(p for p in args.pictures.iterdir() if p.is_dir())
if args.groups:
    classes = {name: [args.pictures / one for one in some.split()] for name, some in json.loads(args.groups.read_text()).items()}
else:
    step = len(folders) // args.classes
    classes = {folder.name: [folder] for folder in folders[::step][:args.classes]}
pictures = {name: sorted(str(p) for folder in some for p in folder.iterdir()) for name, some in classes.items()}
class_of = {path: name for name, some in pictures.items() for path in some}
paths = list(class_of)


def fovea_features():
    lists = args.work / "list.txt"
    lists.write_text("\n".join(paths))
    subprocess.run([args.fovea, "embed", "-q", "-m", args.model, "--files-from", lists, "-o", args.work / "features.npy"], check=True, stdout=subprocess.DEVNULL)
    return np.load(args.work / "features.npy")


def timm_features():
    import timm
    import torch
    from PIL import Image
    model = timm.create_model(args.timm, pretrained=False, checkpoint_path=str(pathlib.Path(args.model) / "model.safetensors")).eval()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    rows = []
    with torch.inference_mode():
        for first in range(0, len(paths), 32):
            batch = torch.stack([transform(Image.open(path).convert("RGB")) for path in paths[first:first + 32]])
            rows.append(model.forward_head(model.forward_features(batch), pre_logits=True).numpy())
    return np.concatenate(rows)


features = dict(zip(paths, (timm_features() if args.timm else fovea_features()).astype(np.float64)))


def place(folder, chosen):
    shutil.rmtree(folder, ignore_errors=True)
    for path in chosen:
        target = folder / class_of[path]
        target.mkdir(parents=True, exist_ok=True)
        os.symlink(path, target / pathlib.Path(path).name)


def interval(values):
    return f"{100 * np.mean(values):5.1f} ± {196 * np.std(values, ddof=1) / len(values) ** 0.5:.1f}"


print(f"{len(classes)} classes, {len(paths)} pictures, {args.seeds} seeds\n\n| pictures a class | `fovea learn` | nearest class mean | nearest pictures | scikit-learn |\n| --- | --- | --- | --- | --- |")
for shots in map(int, args.shots.split(",")):
    found = {"learn": [], "mean": [], "near": [], "sklearn": []}
    for seed in range(args.seeds):
        rng = random.Random(seed)
        train, held = [], []
        for some in pictures.values():
            names = list(some)
            rng.shuffle(names)
            train += names[:shots]
            held += names[shots:]
        place(args.work / "train", train), place(args.work / "held", held)
        run = subprocess.run([args.fovea, "learn", args.work / "train", "--val", args.work / "held", "-m", args.model, "-o", args.work / "m.safetensors",
                              "--cache", args.work / "cache", "-q", "-f", "json"], stdout=subprocess.PIPE, check=True)
        report = json.loads(run.stdout)
        top1 = report["backbones"][0]["top1"]["value"]
        found["learn"].append(top1), found["mean"].append(report["baselines"][0]["top1"]), found["near"].append(report["baselines"][1]["top1"])
        x, y = np.stack([features[p] for p in train]), [class_of[p] for p in train]
        head = (linear_model.LogisticRegression(max_iter=2000) if shots == 1 else
                linear_model.LogisticRegressionCV(Cs=np.logspace(-4, 2, 13), cv=min(5, shots), max_iter=2000, scoring="neg_log_loss"))
        model = pipeline.make_pipeline(preprocessing.StandardScaler(), head).fit(x, y)
        # Not model.score(), which is the log-loss that the folds are scored by.
        found["sklearn"].append(np.mean(model.predict(np.stack([features[p] for p in held])) == np.array([class_of[p] for p in held])))
    print(f"| {shots} | {interval(found['learn'])} | {interval(found['mean'])} | {interval(found['near'])} | {interval(found['sklearn'])} |", flush=True)
