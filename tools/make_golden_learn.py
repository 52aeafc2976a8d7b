#!/usr/bin/env python3
"""What scikit-learn and torchmetrics make of small features: losses, metrics and calibration.

    tools/make_golden_learn.py tests/golden/learn.safetensors

Needs numpy, scipy, scikit-learn, torch, torchmetrics and safetensors (scikit-learn 1.9.1, torchmetrics 1.9.0).
"""
import sys

import numpy as np
import torch
import torchmetrics.functional.classification as tm
from safetensors.numpy import save_file
from scipy.special import logsumexp, softmax
from sklearn import covariance, linear_model, metrics

random = np.random.default_rng(7)
WIDTH, CLASSES = 12, 4
counts = (60, 40, 15, 5)
classes = np.repeat(np.arange(CLASSES), counts)
means = random.normal(size=(CLASSES, WIDTH)) * 0.8
mixing = random.normal(size=(WIDTH, WIDTH)) / np.sqrt(WIDTH)
features = ((random.normal(size=(len(classes), WIDTH)) + means[classes]) @ mixing).astype(np.float32)
x = features.astype(np.float64)


def objective(model, weights, c):
    scores = x @ model.coef_.T + model.intercept_
    losses = logsumexp(scores, 1) - scores[np.arange(len(classes)), classes]
    return (weights * losses).sum() + (model.coef_ ** 2).sum() / (2 * c)


golden = {"features": features, "classes": classes.astype(np.float32)}
strengths = (0.01, 1.0, 100.0)
for name, class_weight in (("plain", None), ("balanced", "balanced")):
    weights = np.ones(len(classes)) if class_weight is None else len(classes) / (CLASSES * np.bincount(classes)[classes])
    losses, scores = [], []
    for c in strengths:
        fits = [linear_model.LogisticRegression(C=c, tol=1e-12, max_iter=100000, solver=solver, class_weight=class_weight).fit(x, classes)
                for solver in ("lbfgs", "newton-cg", "newton-cholesky")]
        best = min(fits, key=lambda fit: objective(fit, weights, c))
        losses.append(objective(best, weights, c))
        scores.append(x @ best.coef_.T + best.intercept_)
    golden[f"{name}.objective"] = np.array(losses, np.float64)
    golden[f"{name}.scores"] = np.array([s - s.mean(1, keepdims=True) for s in scores], np.float32)

# Scores that are partly wrong, for metrics. The last class is never predicted.
scores = random.normal(size=(len(classes), CLASSES)) + 1.5 * np.eye(CLASSES)[classes]
scores[:, 3] -= 20
p = softmax(scores, 1)
predicted = p.argmax(1)
golden["metric.scores"] = scores
precision, recall, f1, _ = metrics.precision_recall_fscore_support(classes, predicted, zero_division=0)
golden["metric.precision"], golden["metric.recall"], golden["metric.f1"] = precision, recall, f1
unknown = random.normal(size=30).round(1)
known = (random.normal(size=50) - 1).round(1)  # rounded, so that some are equal
golden["metric.known"], golden["metric.unknown"] = known, unknown
golden["metric.values"] = np.array([
    metrics.accuracy_score(classes, predicted), metrics.balanced_accuracy_score(classes, predicted),
    metrics.f1_score(classes, predicted, average="macro", zero_division=0),
    metrics.f1_score(classes, predicted, average="weighted", zero_division=0),
    metrics.log_loss(classes, p), ((p - np.eye(CLASSES)[classes]) ** 2).sum(1).mean(),
    float(tm.multiclass_calibration_error(torch.tensor(p), torch.tensor(classes), CLASSES, n_bins=15, norm="l1")),
    metrics.roc_auc_score(np.r_[np.zeros(len(known)), np.ones(len(unknown))], np.r_[known, unknown])])
centred = x - np.stack([x[classes == c].mean(0) for c in range(CLASSES)])[classes]
shrunk = covariance.LedoitWolf(assume_centered=True).fit(centred).covariance_
nearest = np.stack([((x - x[classes == c].mean(0)) @ np.linalg.inv(shrunk) * (x - x[classes == c].mean(0))).sum(1)
                    for c in range(CLASSES)]).min(0) / WIDTH
golden["distances"] = nearest
save_file({name: np.ascontiguousarray(value) for name, value in golden.items()}, sys.argv[1])
