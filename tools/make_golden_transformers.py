#!/usr/bin/env python3
"""Writes golden folders of transformers' families, and of DINOv3's original files: into tests/golden/families, and into
tests/golden/features those of models whose library has no head for them.

    tools/make_golden_transformers.py tests/golden [NAME ...]

Needs torch, transformers 5.24, timm 1.0.31 and safetensors. Each folder is a shrunk model with random weights as its
library saves it, and what the library computes from it in float64: the tensors and the maps that
tests/golden/families_test.cpp compares (make_golden_families.py copies the folders that were made elsewhere).
"""
import collections
import json
import pathlib
import shutil
import sys
import tempfile

import timm
import torch
import transformers
from safetensors.torch import load_file, save_file

VIT = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40, "image_size": 16,
       "patch_size": 4}
CLASSES = {"num_labels": 5}


def config_of(name, more):
    """A NaFlex model has no image size."""
    sizes = {key: value for key, value in VIT.items() if "num_patches" not in more or key != "image_size"}
    return getattr(transformers, name)(**sizes, **more)


def vit(name, config, more, **save):
    return lambda: getattr(transformers, name)(config_of(config, more)), save


def towers(name, prefix, more, root):
    vision = config_of(prefix + "VisionConfig", more)
    config = getattr(transformers, prefix + "Config")(vision_config=vision.to_dict(), **root)
    return lambda: getattr(transformers, name)(config), {}


DINOV3 = {"num_register_tokens": 2}
# Folder -> how the model is made and saved; which rows of the attention its read-out reads (README.md of the reference
# data; None: a pool's, which is not kept); another size that it takes, or None.
FOLDERS = {
    "hf_dinov3": (vit("DINOv3ViTModel", "DINOv3ViTConfig", DINOV3), "cls", (24, 16)),
    "hf_dinov3_swiglu_v5names": (vit("DINOv3ViTModel", "DINOv3ViTConfig",
                                     {"use_gated_mlp": True, "hidden_act": "silu", "query_bias": False,
                                      "value_bias": False, "mlp_bias": False, "rope_theta": 50.0},
                                     save_original_format=False), "cls", None),
    "hf_vit_msn": (vit("ViTMSNForImageClassification", "ViTMSNConfig", CLASSES), "cls", None),
    "hf_ijepa": (vit("IJepaForImageClassification", "IJepaConfig", CLASSES), "patch_mean", None),
    "hf_data2vec": (vit("Data2VecVisionForImageClassification", "Data2VecVisionConfig",
                        {**CLASSES, "use_relative_position_bias": True}), "patch_mean", None),
    "hf_data2vec_shared": (vit("Data2VecVisionForImageClassification", "Data2VecVisionConfig",
                               {**CLASSES, "use_shared_relative_position_bias": True,
                                "use_absolute_position_embeddings": True}), "patch_mean", None),
    "hf_beit_shared_v5names": (vit("BeitForImageClassification", "BeitConfig",
                                   {**CLASSES, "use_shared_relative_position_bias": True, "use_mean_pooling": False},
                                   save_original_format=False), "cls", None),
    "hf_siglip2_naflex": (towers("Siglip2ForImageClassification", "Siglip2", {"num_patches": 16}, CLASSES), "patch_mean",
                          (12, 20)),
    "hf_siglip2_naflex_tower": (vit("Siglip2VisionModel", "Siglip2VisionConfig", {"num_patches": 16}), None, (24, 8)),
    "hf_metaclip2": (towers("MetaClip2ForImageClassification", "MetaClip2", {}, CLASSES), "patch_mean", None),
}

WITHOUT_HEAD = {"hf_dinov3", "hf_dinov3_swiglu_v5names", "hf_siglip2_naflex_tower"}


def randomise(model, seed):
    """Every parameter far from its initial value; attention is peaked, and the embeddings are small enough for the norms'
    eps to show."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        if name.startswith("text_model"):
            continue
        values = torch.randn(parameter.shape, generator=generator)
        if "norm" in name or "layrnorm" in name:
            values = values * 0.2 + (1.0 if name.endswith("weight") else 0.0)
        elif parameter.dim() >= 2 and parameter.shape[0] > 1:
            values = values * (0.35 if "embed" not in name else 0.05)
        else:
            values = values * 0.2
        if "lambda" in name:
            values = values + 0.6
        parameter.data.copy_(values)


def blocks_of(model):
    lists = [module for module in model.modules() if isinstance(module, torch.nn.ModuleList) and len(module) == 2]
    return lists[-1]


def inputs_of(model, x):
    """A picture as the model takes it: NaFlex wants patches, pixel by pixel, padded to a number of them."""
    if "Siglip2" not in type(model).__name__:
        return {"pixel_values": x}
    side = VIT["patch_size"]
    patches = transformers.models.siglip2.image_processing_siglip2.convert_image_to_patches(x[0], side)
    mask = torch.zeros(1, 16, dtype=torch.int64)
    mask[0, : len(patches)] = 1
    padded = torch.zeros(1, 16, patches.shape[1], dtype=x.dtype)
    padded[0, : len(patches)] = patches
    return {"pixel_values": padded, "pixel_attention_mask": mask,
            "spatial_shapes": torch.tensor([[x.shape[2] // side, x.shape[3] // side]])}


class Run:
    """One forward pass in float64 that keeps what the blocks read and write, and every attention matrix."""

    def __init__(self, model, x):
        self.tokens, self.attention = [], []
        hooks = []
        for block in blocks_of(model):
            hooks.append(block.register_forward_pre_hook(self.before, with_kwargs=True))
            hooks.append(block.register_forward_hook(self.after))
        inputs = inputs_of(model, x)
        self.out = model(**inputs, output_attentions=True)
        for hook in hooks:
            hook.remove()
        self.attention = list(self.out.attentions)
        mask = inputs.get("pixel_attention_mask")
        self.n = self.attention[0].shape[-1] if mask is None else int(mask.sum())  # tokens; the others are padding
        for matrix in self.attention:
            matrix.retain_grad()
        self.logits = getattr(self.out, "logits", None)

    def before(self, module, args, kwargs):
        if not self.tokens:
            self.tokens.append((args[0] if args else kwargs["hidden_states"]).detach())

    def after(self, module, args, output):
        self.tokens.append((output[0] if isinstance(output, tuple) else output).detach())


def maps(attention, gradients, rows, prefix, grid):
    """The three maps of a target, formulas as in the reference data's README.md."""
    n = attention[0].shape[-1]
    eye = torch.eye(n, dtype=torch.float64)
    rollout, generic, grad = eye, eye, eye
    for a, g in zip(attention, gradients):
        rollout = (0.5 * a.mean(0) + 0.5 * eye) @ rollout
        if g is None:
            continue
        positive = (a * g).clamp(min=0).mean(0)
        generic = generic + positive @ generic
        weights = positive + eye
        grad = (weights / weights.sum(-1, keepdim=True)) @ grad
    read = {"cls": lambda r: r[0], "patch_mean": lambda r: r[prefix:].mean(0),
            "cls+patch_mean": lambda r: 0.5 * r[0] + 0.5 * r[prefix:].mean(0)}[rows]
    found = {"rollout": rollout, "generic_attention": generic, "grad_rollout": grad}
    return {name: read(r)[prefix:].reshape(1, *grid) for name, r in found.items()
            if name == "rollout" or gradients[0] is not None}


def expect(run, x, rows, pooled):
    grid = (x.shape[2] // VIT["patch_size"], x.shape[3] // VIT["patch_size"])
    n = run.n
    run.tokens = [tokens[:, :n] for tokens in run.tokens]
    a = [matrix[0].double()[:, :n, :n] for matrix in run.attention]
    prefix = n - grid[0] * grid[1]
    tensors = {"x": x, "pooled": pooled, "tokens_embed": run.tokens[0]}
    gradients = [None] * len(a)
    if run.logits is not None:
        target = run.logits[0].argmax()
        run.logits[0, target].backward()
        gradients = [matrix.grad[0].double()[:, :n, :n] for matrix in run.attention]
        tensors |= {"logits": run.logits.detach(), "target": target.reshape(1)}
    for i, matrix in enumerate(a):
        tensors[f"attn_{i}"] = matrix.detach()[None]
        tensors[f"block_{i}"] = run.tokens[i + 1]
        if gradients[i] is not None:
            tensors[f"grad_{i}"] = gradients[i][None]
    if rows:
        tensors |= maps([m.detach() for m in a], gradients, rows, prefix, grid)
    return {name: (t if t.dtype == torch.int64 else t.detach().float()).contiguous() for name, t in tensors.items()}


def pooled_of(model, run):
    """What the head reads, or else the library's pooled output."""
    if run.logits is None:
        return run.out.pooler_output.detach()
    return run.head_input


def forward(model, x):
    kept = {}
    classifier = getattr(model, "classifier", None)
    hook = classifier.register_forward_hook(lambda m, args, out: kept.update(x=args[0].detach())) if classifier else None
    run = Run(model, x)
    if hook:
        hook.remove()
        run.head_input = kept["x"]
    return run


def drop_text_tower(folder):
    file = folder / "model.safetensors"
    tensors = {name: t for name, t in load_file(file).items() if not name.startswith("text_model")}
    save_file(tensors, file, metadata={"format": "pt"})


def write_transformers(folder, made, rows, other_size, seed):
    (make, save) = made
    model = make().eval()
    randomise(model, seed)
    with tempfile.TemporaryDirectory() as saved:
        model.save_pretrained(saved, **save)
        for name in ("model.safetensors", "config.json"):
            shutil.copyfile(pathlib.Path(saved) / name, folder / name)
    drop_text_tower(folder)
    model = type(model).from_pretrained(folder, attn_implementation="eager").eval().double()
    generator = torch.Generator().manual_seed(seed + 1)
    for file, size in (("expected.safetensors", (16, 16)), ("expected_interpolated.safetensors", other_size)):
        if size is None:
            continue
        x = torch.randn((1, 3, *size), generator=generator)
        run = forward(model, x.double())
        save_file(expect(run, x, rows, pooled_of(model, run)), folder / file)


def write_dinov3_original(folder, seed):
    """facebookresearch/dinov3's names. timm computes it, with the periods of the file in the place of its own, which the
    original's load_state_dict takes too (it stores them in bfloat16's digits)."""
    width, depth, heads, hidden = 24, 2, 3, 40
    make = lambda **more: timm.models.eva.Eva(
        img_size=16, patch_size=4, embed_dim=width, depth=depth, num_heads=heads, mlp_ratio=hidden / width, num_classes=0,
        qkv_bias=True, init_values=1.0, use_rot_pos_emb=True, use_abs_pos_emb=False, rope_type="dinov3",
        rope_temperature=100, rope_rotate_half=True, num_reg_tokens=2, use_fc_norm=False, global_pool="token",
        dynamic_img_size=True, norm_layer=lambda d, **k: torch.nn.LayerNorm(d, eps=1e-5), **more)
    model = make().eval()
    randomise(model, seed)
    generator = torch.Generator().manual_seed(seed + 2)
    state = collections.OrderedDict()
    for name, value in model.state_dict().items():
        name = name.replace("gamma_1", "ls1.gamma").replace("gamma_2", "ls2.gamma").replace("reg_token", "storage_tokens")
        if name.endswith("q_bias"):
            v_bias = model.state_dict()[name.replace("q_bias", "v_bias")] if "blocks" in name else None
            block = name.replace("q_bias", "qkv.bias")
            # What the mask takes away may be anything.
            state[block] = torch.cat([value, torch.randn(width, generator=generator), v_bias])
            mask = torch.ones(3 * width)
            mask[width : 2 * width] = 0
            state[block + "_mask"] = mask
        elif not name.endswith(("k_bias", "v_bias")):
            state[name] = value
    state["mask_token"] = torch.randn((1, width), generator=generator)
    periods = (100.0 ** (2 * torch.arange(width // heads // 4) / (width // heads // 2))).bfloat16().float()
    if (periods == periods.round()).all():
        periods = periods * 1.015625  # a period that no temperature means
    state["rope_embed.periods"] = periods
    head = {"weight": torch.randn((5, 2 * width), generator=generator) * 0.35, "bias": torch.randn(5, generator=generator)}
    torch.save(state, folder / "pytorch_model.bin")  # the name that a folder is searched for
    torch.save(head, folder / "dinov3_vits16_imagenet1k_linear_head.pth")

    loaded = make().eval()
    loaded.load_state_dict(timm.models.eva.checkpoint_filter_fn(state, loaded), strict=False)
    loaded = loaded.double()
    loaded.rope.periods = periods.double()
    loaded.rope._compute_periods = lambda *args, **kwargs: periods.double()
    timm.layers.set_fused_attn(False)
    for block in loaded.blocks:
        block.attn.fused_attn = False

    class Wrapped(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.eva = loaded

        def forward(self, pixel_values, output_attentions):
            attention = []
            hooks = [block.attn.attn_drop.register_forward_hook(lambda m, args, out: attention.append(out))
                     for block in loaded.blocks]
            tokens = loaded.forward_features(pixel_values)
            for hook in hooks:
                hook.remove()
            pooled = torch.cat([tokens[:, 0], tokens[:, 3:].mean(1)], dim=1)
            logits = torch.nn.functional.linear(pooled, head["weight"].double(), head["bias"].double())
            out = collections.namedtuple("Out", "logits attentions pooled")
            return out(logits, attention, pooled)

    x = torch.randn((1, 3, 16, 16), generator=generator)
    run = Run(Wrapped(), x.double())
    save_file(expect(run, x, "cls+patch_mean", run.out.pooled.detach()), folder / "expected.safetensors")


def main():
    target, wanted = pathlib.Path(sys.argv[1]), sys.argv[2:]
    for seed, name in enumerate([*FOLDERS, "dinov3_original"]):
        if wanted and name not in wanted:
            continue
        folder = target / ("features" if name in WITHOUT_HEAD else "families") / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if name in FOLDERS:
            made, rows, other = FOLDERS[name]
            write_transformers(folder, made, rows, other, 100 * seed)
        else:
            write_dinov3_original(folder, 100 * seed)
        print(name, sum(file.stat().st_size for file in folder.iterdir()))


if __name__ == "__main__":
    main()
