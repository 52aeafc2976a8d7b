#!/usr/bin/env python3
"""Maps of transformer input sampling with dropped tokens, from the reference implementation in PyTorch (float64).

    tools/make_golden_tis.py REFERENCE/xai weights/vit_tiny_tin200 samples tests/golden/tis.safetensors

For two sample pictures of the default model and two classes each: the mean probability over the masks that show a patch. A mask keeps
the half of the patches where a channel of the blocks' outputs is largest. The channels are drawn as fovea draws them
(SplitMix64), so that the masks are the same. Needs torch, timm, pillow and safetensors.
"""
import pathlib
import sys

reference, model_folder, samples, target_file = map(pathlib.Path, sys.argv[1:5])
sys.path.insert(0, str(reference))

import PIL.Image  # noqa: E402
import timm.data  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from vit import TRUE, ViT  # noqa: E402  (of the reference)

PICTURES = ("cat_and_espresso.jpg", "rocket.jpg")
MASKS, SEED = 64, 3


class SplitMix64:
    def __init__(self, seed):
        self.state = seed

    def bits(self):
        word = 2**64 - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & word
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & word
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & word
        return z ^ (z >> 31)


model = ViT(model_folder, torch.float64)
prepare = timm.data.create_transform(input_size=(3, 224, 224), interpolation="bicubic", crop_pct=1.0,
                                     mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
draw = SplitMix64(SEED)
channels = [(draw.bits() % model.depth, int((draw.bits() >> 11) * 2.0**-53 * model.dim)) for _ in range(MASKS)]
golden = {}
for name in PICTURES:
    pixels = prepare(PIL.Image.open(samples / name).convert("RGB"))[None].double()
    tokens = model.tokens(model.patches(pixels))  # [1, N, D]
    outputs = model.trace(tokens, TRUE).out
    patches = tokens.shape[1] - 1
    shown = torch.zeros(MASKS, patches, dtype=torch.float64)
    for mask, (block, feature) in enumerate(channels):
        values = outputs[block][0, 1:, feature].detach()
        shown[mask, values.argsort(descending=True, stable=True)[: patches // 2]] = 1
    probabilities = []
    for mask in shown:
        kept = torch.cat([torch.zeros(1, dtype=torch.long), 1 + mask.nonzero()[:, 0]])  # the class token, and half
        probabilities.append(model.logits(tokens[:, kept])[0].softmax(0))
    probabilities = torch.stack(probabilities)  # [masks, C]
    for target in model.logits(tokens)[0].topk(2).indices:
        seen = shown.sum(0).clamp(min=1)
        golden[f"{name}.{int(target)}"] = ((shown * probabilities[:, target, None]).sum(0) / seen).float().contiguous()
save_file(golden, target_file)
print(f"{target_file}: {len(golden)} tensors, {target_file.stat().st_size} bytes")
