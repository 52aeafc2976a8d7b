#!/usr/bin/env python3
"""What scikit-learn, torchmetrics and scipy make of two models' scores: the figures of `fovea eval`.

    tools/make_golden_eval.py tests/golden/eval.safetensors

Needs numpy, scipy, scikit-learn, torch, torchmetrics and safetensors (scikit-learn 1.9.1, torchmetrics 1.9.0).
"""
import sys

import numpy as np
import torch
import torchmetrics.functional.classification as tm
from safetensors.numpy import save_file
from scipy import optimize, stats
from scipy.special import softmax
from sklearn import metrics

random = np.random.default_rng(11)
COUNT, CLASSES = 90, 7
classes = random.choice(CLASSES - 1, COUNT, p=[0.4, 0.25, 0.15, 0.1, 0.06, 0.04])  # the last class has no picture
first = (random.normal(size=(COUNT, CLASSES)) + 2.0 * np.eye(CLASSES)[classes]).round(2) * 2.5  # too sure, with equal scores
second = (first + random.normal(size=(COUNT, CLASSES))).round(2)

golden = {"classes": classes.astype(np.float32), "first": first, "second": second}
for name, scores in (("first", first), ("second", second)):
    p = softmax(scores, 1)
    predicted = p.argmax(1)
    loss = lambda t: metrics.log_loss(classes, softmax(scores / t, 1), labels=range(CLASSES))
    best = optimize.minimize_scalar(lambda log_t: loss(np.exp(log_t)), bounds=(-5, 5), method="bounded", options={"xatol": 1e-12})
    calibration = lambda q, norm: float(tm.multiclass_calibration_error(torch.tensor(q), torch.tensor(classes), CLASSES, n_bins=15, norm=norm))
    golden[f"{name}.values"] = np.array([
        metrics.accuracy_score(classes, predicted), metrics.top_k_accuracy_score(classes, scores, k=5, labels=range(CLASSES)),
        metrics.f1_score(classes, predicted, average="macro", labels=range(CLASSES - 1), zero_division=0),
        metrics.f1_score(classes, predicted, average="weighted", zero_division=0),
        metrics.balanced_accuracy_score(classes, predicted), loss(1.0), ((p - np.eye(CLASSES)[classes]) ** 2).sum(1).mean(),
        calibration(p, "l1"), calibration(p, "max"), np.exp(best.x), best.fun, calibration(softmax(scores / np.exp(best.x), 1), "l1")])
    golden[f"{name}.average_precision"] = np.array([metrics.average_precision_score(classes == c, p[:, c]) for c in range(CLASSES - 1)])
    _, recall, _, support = metrics.precision_recall_fscore_support(classes, predicted, labels=range(CLASSES - 1), zero_division=0)
    hits = (recall * support).round().astype(int)
    wilson = [stats.binomtest(int(k), int(n)).proportion_ci(method="wilson") for k, n in zip(hits, support)]
    golden[f"{name}.wilson"] = np.array([[w.low, w.high] for w in wilson])

pairs = [(0, 0), (0, 1), (5, 5), (1, 9), (10, 25), (120, 161), (2000, 2100), (30000, 31000)]
golden["mcnemar.pairs"] = np.array(pairs, np.float64)
golden["mcnemar.p"] = np.array([stats.binomtest(min(p), sum(p), 0.5).pvalue if sum(p) else 1.0 for p in pairs])
save_file({name: np.ascontiguousarray(value) for name, value in golden.items()}, sys.argv[1])
