#!/usr/bin/env python3
"""What cleanlab, scipy, CoRelAy and numpy make of small tables: label errors, false discoveries, spectra, neural PCA.

    tools/make_golden_audit.py tests/golden/audit.safetensors

Needs numpy, scipy, scikit-learn, cleanlab, corelay and safetensors (cleanlab 2.9.0, scipy 1.17.1, corelay 1.0.0).
"""
import sys

import numpy as np
from cleanlab.count import compute_confident_joint
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from corelay.processor.affinity import SparseKNN
from corelay.processor.distance import SciPyPDist
from corelay.processor.embedding import EigenDecomposition
from corelay.processor.laplacian import SymmetricNormalLaplacian
from safetensors.numpy import save_file
from scipy.stats import false_discovery_control

golden = {}


def ties(joint, labels):
    """Whether rounding the calibrated joint has to choose among equals, which cleanlab leaves to the order of a sort."""
    shares = joint / joint.sum(1, keepdims=True) * np.bincount(labels, minlength=len(joint))[:, None]
    for row in shares:
        change = int(round(row.sum() - row.round().sum()))
        off = np.sort(row - row.round())[::-1 if change > 0 else 1]
        if change and abs(off[abs(change) - 1] - off[abs(change)]) < 1e-6:
            return True
    return False


def table(random, counts, classes, spread, flips):
    truth = np.repeat(np.arange(len(counts)), counts)
    scores = random.normal(size=(len(truth), classes)) + spread * np.eye(classes)[truth]
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    flipped = random.random(len(truth)) < flips * (np.bincount(truth)[truth] > 1)
    return p, np.where(flipped, random.choice(np.flatnonzero(counts), len(truth)), truth)


# Label errors: three tables. In the second a class has one example and another has none, in the third all is doubtful.
for name, counts, classes, spread, flips in (("usual", (60, 40, 30, 20), 4, 2.5, 0.1),
                                             ("rare", (30, 25, 1, 12, 0), 5, 1.5, 0.3),
                                             ("doubtful", (19, 18, 17, 16, 15, 14), 6, 0.3, 0.5)):
    random = np.random.default_rng(len(counts))
    while True:
        p, labels = table(random, counts, classes, spread, flips)
        if not ties(compute_confident_joint(labels, p, calibrate=False), labels):
            break
    order = find_label_issues(labels, p, return_indices_ranked_by="self_confidence", n_jobs=1)
    golden[f"{name}.probabilities"], golden[f"{name}.labels"] = p, labels.astype(np.float64)
    golden[f"{name}.joint"] = compute_confident_joint(labels, p, calibrate=False).astype(np.float64)
    golden[f"{name}.calibrated"] = compute_confident_joint(labels, p).astype(np.float64)
    golden[f"{name}.issues"] = order.astype(np.float64)
    for method in ("self_confidence", "normalized_margin"):
        golden[f"{name}.{method}"] = get_label_quality_scores(labels, p, method=method)[order]

random = np.random.default_rng(3)
p_values = np.r_[random.random(40), random.random(10) ** 8, 0.0, 1.0, 0.01, 0.01]
golden["discovery.p"], golden["discovery.adjusted"] = p_values, false_discovery_control(p_values)

# Three clouds that touch: one part, so that no eigenvalue is there twice.
points = np.concatenate([random.normal(size=(size, 6)) + 2.2 * np.eye(6)[i] for i, size in enumerate((25, 20, 15))])
large = np.concatenate([random.normal(size=(size, 4)) + 2.5 * np.eye(4)[i] for i, size in enumerate((240, 180, 120))])
for name, data in (("spectral", points), ("spectral_large", large.astype(np.float32).astype(np.float64))):
    distances = SciPyPDist(metric="euclidean").function(data)
    like = SymmetricNormalLaplacian().function(SparseKNN(n_neighbors=10, symmetric=True).function(distances))
    values, vectors = EigenDecomposition(n_eigval=8, which="LA", normalize=False).function(like)
    order = np.argsort(values)
    golden[f"{name}.points"] = data.astype(np.float32) if name.endswith("large") else data
    golden[f"{name}.eigenvalues"] = values[order]
    if name == "spectral":
        vectors = vectors[:, order]
        golden[f"{name}.vectors"] = vectors * np.sign(vectors[np.abs(vectors).argmax(0), np.arange(8)])

# Neural PCA of one class: more features than pictures, and fewer.
for name, count, width in (("wide", 7, 12), ("tall", 40, 5)):
    features, weight = random.normal(size=(count, width)) + 0.5, random.normal(size=width)
    psi = features * weight
    values, vectors = np.linalg.eigh(np.cov(psi.T))
    vectors = vectors[:, ::-1][:, :4].T
    vectors *= np.sign(vectors.sum(1))[:, None]
    golden[f"{name}.features"], golden[f"{name}.weight"] = features, weight
    golden[f"{name}.variances"], golden[f"{name}.directions"] = values[::-1][:4], vectors
    golden[f"{name}.contributions"] = ((psi - psi.mean(0)) @ vectors.T) * vectors.sum(1)  # [n, 4]
save_file({name: np.ascontiguousarray(value) for name, value in golden.items()}, sys.argv[1])
