#!/usr/bin/env python3
"""Makes small random models of timm's less usual structures, and what timm computes with them, in the form of
tests/golden/families: config.json and model.safetensors as timm saves them, expected.safetensors with tokens, attention,
gradients and maps.

    tools/make_golden_timm_families.py tests/golden/families [NAME…]

Needs timm (made with 1.0.31) and numpy. The model is read back from its folder and run in double, one image.
"""
import json
import pathlib
import re
import shutil
import sys

import numpy
import safetensors.torch
import timm
import torch
from timm.layers import set_fused_attn
from timm.models import save_for_hf

WIDTH, HEADS, PATCH, GRID, CLASSES = 16, 2, 4, (4, 4), 6
SMALL = {"embed_dim": WIDTH, "depth": 2, "num_heads": HEADS, "patch_size": PATCH, "num_classes": CLASSES,
         "img_size": [GRID[0] * PATCH, GRID[1] * PATCH]}
# folder: timm's name, arguments of the model, what is special
FOLDERS = {
    "timm_norm_after": ("vit_base_patch16_rpn_224", {}, "norms after the sub-layers, no class token"),
    "timm_eva02_norm_after": ("eva02_enormous_patch14_clip_224", {"mlp_ratio": 2}, "norms after the sub-layers, EVA"),
    "timm_beit3": ("beit3_base_patch16_224", {"mlp_ratio": 2}, "norms inside the attention and the MLP"),
    "timm_eva02_clip": ("eva02_base_patch16_clip_224", {}, "norms inside, rotary embedding"),
    "timm_aimv2": ("aimv2_large_patch14_224", {}, "norm of the patches, RMSNorm, SwiGLU, no biases"),
    "timm_pe_core": ("vit_pe_core_base_patch16_224", {"attn_pool_num_heads": 4, "mlp_ratio": 2, "attn_pool_mlp_ratio": 1.},
                     "rotary embedding xy with offset, a pool with heads of its own that sees the class token"),
    "timm_pe_spatial": ("vit_pe_spatial_gigantic_patch14_448", {"mlp_ratio": 2}, "no final norm, layer scale"),
    "timm_rope_axial": ("vit_small_patch16_rope_ape_224", {"mlp_ratio": 2}, "rotary embedding xy, temperature 100"),
    "timm_rope_mixed": ("vit_small_patch16_rope_mixed_224", {"mlp_ratio": 2, "img_size": [16, 24]},
                        "learned rotary embedding, not square"),
    "timm_sapiens2": ("vit_large_patch16_sapiens2", {"num_kv_heads": [4, 2], "num_heads": 4, "mlp_ratio": 1},
                      "heads share keys and values in the second block, no layer scale of the MLP"),
    "timm_relpos": ("vit_relpos_medium_patch16_cls_224", {"mlp_ratio": 2, "img_size": [16, 24], "rel_pos_dim": 8},
                    "relative positions computed by an MLP in each block, class token, not square"),
    "timm_srelpos": ("vit_srelpos_small_patch16_224", {"mlp_ratio": 2, "rel_pos_dim": 8}, "one such MLP for all blocks"),
    "timm_parallel": ("vit_base_patch16_xp_224", {"mlp_ratio": 2}, "parallel MLP, norms of q and k, class token"),
    "timm_parallel_gap": ("vit_pwee_patch16_reg1_gap_256", {"mlp_ratio": 2}, "parallel MLP, layer scale, qkv bias"),
    "timm_differential": ("vit_dwee_patch16_reg1_gap_256", {"mlp_ratio": 2}, "differential attention"),
    "timm_differential_parallel": ("vit_dpwee_patch16_reg1_gap_256", {"mlp_ratio": 2}, "both, and one projection"),
}


def randomise(model, embeddings):
    """Every parameter far from its initial value.

    embeddings: standard deviation; small, so that a wrong eps of the first norm shows.
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1 and re.search(r"(norm\d?|norm_pre|fc_norm)\.weight$|gamma(_\d)?$", name):
                parameter.normal_(1.0, 0.3)
            elif re.search("patch_embed.proj|pos_embed|cls_token|reg_token", name):
                parameter.normal_(0.0, embeddings)
            elif parameter.ndim < 2 or "rope" in name:
                parameter.normal_(0.0, 0.3)
            else:
                parameter.normal_(0.0, 1.6 / parameter.shape[-1] ** 0.5)


def attend_and_keep(pool, kept):
    """AttentionPoolLatent.forward of one latent, whose weights are kept."""
    def forward(x):
        batch, tokens, width = x.shape
        query = pool.q(pool.latent.expand(batch, -1, -1)).reshape(batch, 1, pool.num_heads, -1).transpose(1, 2)
        key, value = pool.kv(x).reshape(batch, tokens, 2, pool.num_heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (query * pool.scale @ key.transpose(-2, -1)).softmax(-1)
        weights.retain_grad()
        kept["attn_pool"] = weights
        x = pool.proj((weights @ value).transpose(1, 2).reshape(batch, 1, width))
        return (x + pool.mlp(pool.norm(x)))[:, 0]
    return forward


def observe(model, kept):
    """Notes what enters and leaves the blocks, and their attention."""
    def entering(_, arguments):
        kept.setdefault("tokens_embed", arguments[0])
    for index, block in enumerate(model.blocks):
        if index == 0:
            block.register_forward_pre_hook(entering)
        block.register_forward_hook(lambda _, __, out, index=index: kept.__setitem__(f"block_{index}", out))
        attention = getattr(block, "attn", block)

        def note(_, __, weights, index=index):
            weights.retain_grad()
            kept[f"attn_{index}"] = weights
        attention.attn_drop.register_forward_hook(note)
    model.head.register_forward_pre_hook(lambda _, arguments: kept.setdefault("pooled", arguments[0]))
    if getattr(model, "attn_pool", None) is not None:
        model.attn_pool.forward = attend_and_keep(model.attn_pool, kept)


def attention_of(model, kept, index):
    """[1, H, N, N] and its gradient; of differential attention the difference."""
    weights = kept[f"attn_{index}"]
    attention = getattr(model.blocks[index], "attn", model.blocks[index])
    if not hasattr(attention, "_compute_lambda"):
        return weights.detach(), weights.grad
    pairs = weights.detach().unflatten(1, (-1, 2))
    difference = pairs[:, :, 0] - attention._compute_lambda().detach() * pairs[:, :, 1]
    return difference, weights.grad.unflatten(1, (-1, 2))[:, :, 0]


def maps(model, kept, pairs, prefix):
    """Rollout, generic attention and gradient rollout, as /golden/README of the reference data defines them."""
    tokens = pairs[0][0].shape[-1]
    eye = torch.eye(tokens, dtype=torch.float64)
    rollout, generic, grad_rollout = eye, eye, eye
    for attention, gradient in pairs:
        rollout = (0.5 * attention[0].mean(0) + 0.5 * eye) @ rollout
        positive = (attention * gradient)[0].clamp(min=0).mean(0)
        generic = generic + positive @ generic
        weights = positive + eye
        grad_rollout = weights / weights.sum(-1, keepdim=True) @ grad_rollout
    row = torch.zeros(tokens, dtype=torch.float64)
    rows = {"rollout": row, "generic_attention": row, "grad_rollout": row}
    if "attn_pool" in kept:
        pool = kept["attn_pool"].detach()[0, :, 0]
        seen = pool.shape[-1]
        of_rollout, of_gradient = row.clone(), row.clone()
        of_rollout[-seen:] = pool.mean(0)
        of_gradient[-seen:] = (pool * kept["attn_pool"].grad[0, :, 0]).clamp(min=0).mean(0)
        rows = {"rollout": of_rollout, "generic_attention": of_gradient, "grad_rollout": of_gradient}
    elif model.global_pool == "avg":
        row[prefix:] = 1 / (tokens - prefix)
    else:
        row[0] = 1
    results = {"rollout": rollout, "generic_attention": generic, "grad_rollout": grad_rollout}
    grid = model.patch_embed.grid_size
    return {name: (rows[name] @ result)[prefix:].reshape(1, *grid) for name, result in results.items()}


def make(folder, name, arguments, note):
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(sum(map(ord, folder.name)))
    model = timm.create_model(name, pretrained=False, **{**SMALL, **arguments}).eval()
    randomise(model, 0.05 if "norm_after" in folder.name else 0.002)
    size = tuple(model.patch_embed.img_size)
    save_for_hf(model, folder, safe_serialization=True, model_config={"pretrained_cfg": {"input_size": (3, *size)}})

    model = timm.create_model(f"local-dir:{folder}", pretrained=True).eval().double()
    kept = {}
    observe(model, kept)
    x = torch.randn(1, 3, *size).float()
    logits = model(x.double())
    target = logits.argmax(-1)
    logits[0, target].sum().backward()
    prefix = model.num_prefix_tokens
    pairs = [attention_of(model, kept, index) for index in range(len(model.blocks))]
    expected = {"x": x, "logits": logits, "target": target, "tokens_embed": kept["tokens_embed"]}
    for index, (attention, gradient) in enumerate(pairs):
        expected |= {f"attn_{index}": attention, f"grad_{index}": gradient, f"block_{index}": kept[f"block_{index}"]}
    if "attn_pool" in kept:
        expected |= {"attn_pool": kept["attn_pool"], "grad_pool": kept["attn_pool"].grad}
    expected["pooled"] = kept["pooled"]
    expected |= maps(model, kept, pairs, prefix)
    if "differential" in folder.name:
        del expected["rollout"]  # not defined for weights that may be negative
    safetensors.torch.save_file({key: value.detach().to(torch.int64 if key == "target" else torch.float32).contiguous()
                                 for key, value in expected.items()}, folder / "expected.safetensors")
    peak = float(numpy.mean([attention.max(-1).values.mean() for attention, _ in pairs]))
    print(f"{folder.name}: logits {logits.detach().numpy().round(2)}, mean row maximum {peak:.2f}, "
          f"{sum(file.stat().st_size for file in folder.iterdir()) // 1024} kB")
    about = {"prefix_tokens": prefix, "grid": list(model.patch_embed.grid_size), "blocks": len(model.blocks),
             "timm": name, "note": note}
    (folder / "expected.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    set_fused_attn(False)
    chosen = sys.argv[2:] or list(FOLDERS)
    for folder_name in chosen:
        make(pathlib.Path(sys.argv[1]) / folder_name, *FOLDERS[folder_name])
