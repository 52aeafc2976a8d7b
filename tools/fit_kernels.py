#!/usr/bin/env python3
"""Prints the polynomials of src/nn/kernels/exp-inl.hpp and src/nn/kernels/activation.cpp, and their errors.

Needs NumPy and SciPy. Lawson's reweighted least squares minimises the maximum error. Coefficients are rounded to float
and evaluated in float arithmetic before the error is measured.
"""
import numpy as np
from scipy.special import log_ndtr, ndtr


def fit(x, y, weight, degree, constant):
    """The coefficients, 0 to degree, of the p with p(0) = constant that minimises max |p(x) - y| * weight."""
    powers = np.vander(x, degree + 1, increasing=True)[:, 1:]
    share = np.ones(len(x))
    best = (np.inf, None)
    for _ in range(3000):
        w = weight * np.sqrt(share)
        norms = np.linalg.norm(powers * w[:, None], axis=0)
        c = np.linalg.lstsq(powers * w[:, None] / norms, (y - constant) * w, rcond=1e-16)[0] / norms
        error = np.abs(powers @ c + constant - y) * weight
        if error.max() < best[0]:
            best = (error.max(), c)
        share *= np.sqrt(error / error.max() + 1e-4)
        share /= share.mean()
    return np.float32([constant, *best[1]])


def horner(coefficients, x):
    """Evaluates with one rounding a step, as a fused multiply-add does."""
    y = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        y = (y.astype(np.float64) * x + np.float64(c)).astype(np.float32)
    return y


def chebyshev_points(low, high, count=6001):
    return low + (high - low) * (1 - np.cos(np.linspace(0, np.pi, count))) / 2


def show(name, coefficients):
    print(name, ", ".join(f"{float(c)!r}F" for c in coefficients[::-1]), "(highest power first)")


# e^r, |r| <= ln 2 / 2.
r = chebyshev_points(-np.log(2) / 2, np.log(2) / 2)
exp_r = fit(r, np.exp(r), np.exp(-r), 5, 1.0)
show("exp:", exp_r)
r = np.linspace(r[0], r[-1], 400001).astype(np.float32)
print(f"  relative error {np.abs(horner(exp_r, r) / np.exp(r.astype(np.float64)) - 1).max():.1e}")

# log2 Φ(-a), 0 <= a <= 6.5, to make a Φ(-a) accurate: for larger a it is below 3e-10.
TOP = 6.5
a = chebyshev_points(0, TOP)
log_tail = fit(a, log_ndtr(-a) / np.log(2), np.maximum(a * ndtr(-a), 5e-4), 9, -1.0)
show("gelu:", log_tail)
a = np.linspace(0, TOP, 400001).astype(np.float32)[1:]
ours = a * np.exp2(horner(log_tail, a).astype(np.float64))
true = a * ndtr(-a.astype(np.float64))
for top in (2, 4, 6):
    print(f"  a Φ(-a), a < {top}: off by {np.abs(ours - true)[a < top].max():.1e},",
          f"relative {np.abs(ours / true - 1)[a < top].max():.1e}")

# Φ(-a), 0 <= a <= 4.2, to make a Φ(-a) as accurate as bfloat16 and 8-bit integers can resolve.
TOP = 4.2
a = chebyshev_points(0, TOP)
tail = fit(a, a * ndtr(-a), np.ones_like(a), 9, 0.0)[1:]
show("gelu for few digits:", tail)
a = np.linspace(0, 2 * TOP, 400001).astype(np.float32)
ours = a.clip(max=TOP) * horner(tail, a.clip(max=TOP))
print(f"  a Φ(-a): off by {np.abs(ours - a * ndtr(-a.astype(np.float64))).max():.1e}")
