#!/usr/bin/env python3
"""Maps with LibraGrad's backward pass, from the reference implementation in PyTorch (autograd with detach, float64).

    tools/make_golden_libra.py REFERENCE/xai weights/vit_tiny_tin200 samples tests/golden/libra.safetensors

For two sample pictures of the default model and two classes each: libra's map, without and with a gamma, of pixels with 3 shifts, the terms of the
score, what each head brings to the class token, and the maps of the methods that read gradients. Needs torch, timm, pillow and safetensors.
"""
import pathlib
import sys

reference, model_folder, samples, target_file = map(pathlib.Path, sys.argv[1:5])
sys.path.insert(0, str(reference))

import methods  # noqa: E402  (of the reference)
import PIL.Image  # noqa: E402
import timm.data  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from shifts import shifted  # noqa: E402
from vit import LIBRA, Mode, ViT  # noqa: E402

PICTURES = ("cat_and_espresso.jpg", "rocket.jpg")

model = ViT(model_folder, torch.float64)
prepare = timm.data.create_transform(input_size=(3, 224, 224), interpolation="bicubic", crop_pct=1.0,
                                     mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
golden = {}
for name in PICTURES:
    pixels = prepare(PIL.Image.open(samples / name).convert("RGB"))[None].double()
    tokens = model.tokens(model.patches(pixels))
    for target in model.logits(tokens)[0].topk(2).indices:
        trace = model.trace(tokens, LIBRA)
        gradients = trace.grads(target[None], trace.A + trace.x + trace.u[-1:])
        depth = model.depth
        attention, d_attention = [a.detach() for a in trace.A], gradients[:depth]
        terms = torch.stack([(x.detach() * g).sum(-1)[0] for x, g in zip(trace.x, gradients[depth:2 * depth])])  # [L, N]
        features, d_features = trace.u[-1].detach()[:, 1:], gradients[-1][:, 1:]
        legrad = sum(torch.autograd.grad(model.read(out, LIBRA)[0, target], a, retain_graph=True)[0].clamp(min=0).mean((1, 2))
                     for out, a in zip(trace.out, trace.A))[0, 1:]
        brought = torch.stack([(a * d)[0, :, 0] for a, d in zip(attention, d_attention)])  # [L, H, N], to the class token
        maps = {
            "libra": terms.mean(0)[1:],
            "prefix": terms.mean(0)[:1],
            "score": trace.logits[0, target][None],
            "heads prefix": brought[:, :, 0],  # [L, H]
            "heads patches": brought[:, :, 1:].sum(-1),
            "heads block 5": brought[5, :, 1:],  # [H, T]
            "legrad": legrad,
            "generic": methods.generic(attention, d_attention)[0],
            "grad-rollout": methods.grad_rollout(attention, d_attention)[0],
            "grad-cam": (features * d_features.mean(1, keepdim=True)).sum(-1).clamp(min=0)[0],
        }
        for gamma in (0.05, 0.25):  # AttnLRP's, in the MLPs and the head
            by_gamma = model.trace(tokens, Mode("libra", "libra", "libra", gamma))
            terms = sum((x.detach() * g).sum(-1)[0] for x, g in zip(by_gamma.x, by_gamma.grads(target[None], by_gamma.x)))
            maps[f"gamma {gamma}"] = (terms / depth)[1:]
        pixel_map = shifted(model, pixels, target[None], (-5, 0, 5))[1]  # [1, 224, 224]
        maps["shifts 3"] = F.avg_pool2d(pixel_map, 8)[0].flatten() * 64  # [28·28], sums of 8x8 px
        for what, values in maps.items():
            golden[f"{name}.{int(target)}.{what}"] = values.detach().float().contiguous()
save_file(golden, target_file)
print(f"{target_file}: {len(golden)} tensors, {target_file.stat().st_size} bytes")
