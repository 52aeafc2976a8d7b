"""Ways in which the same weights lie in files: formats, shards, prefixes, wrappers, things beside them.

The library's own answer is computed from its own file. The weights of a layout are the same numbers, so the answer holds.
"""
import argparse
import collections
import json
import shutil

import safetensors.torch
import torch

PREFIXES = ["module.", "_orig_mod.", "model.", "backbone.", "net.", "timm_model.", "_fsdp_wrapped_module.", "vit."]
EXTRAS = {
    "epoch": 7, "best_acc1": 71.5, "arch": "a name", "rng": torch.ByteTensor([1, 2, 3]), "size": torch.Size([3, 4]),
    "device": torch.device("cpu"), "dtype": torch.float16, "counter": collections.Counter("abca"), "set": {1, 2},
    "bytes": b"\x00\xff", "args": argparse.Namespace(lr=0.1, model="vit"), "nothing": None, "numbers": [1, 2.5, (3,)],
    "optimizer": {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.zeros(4)}}, "param_groups": [{"lr": 0.1}]},
    "lr_schedulers": [{"last_epoch": 3, "_last_lr": [0.1]}], "pytorch-lightning_version": "2.5.0",
    "hyper_parameters": {"name": "x", "lr": 1e-3}, "scaler": {"scale": 65536.0, "_growth_tracker": 3},
    "state_dict_ema": None,  # timm's savers write no average as None
}
SPACE = {
    "file.format": ["bin", "pth", "ckpt", "shards", "bin-shards"],
    "file.dtype": ["float16", "bfloat16", "float64"],
    "file.prefix": [[p] for p in PREFIXES] + [["_orig_mod.", "module."], ["module.", "_orig_mod."], ["model.", "module."],
                                             ["module.", "model.", "backbone."], ["backbone.", "model."]],
    "file.wrapper": ["state_dict", "model", "model_state_dict", "net", "params", "model_state", "weights", "ema", "teacher",
                     "state_dict_ema", "model_ema", "module"],
    "file.extras": [["epoch"], ["epoch", "best_acc1", "arch", "optimizer"], ["args", "epoch"], ["size", "device", "dtype"],
                    ["counter", "set", "bytes"], ["rng", "numbers", "nothing"], ["scaler", "lr_schedulers"],
                    ["epoch", "pytorch-lightning_version", "hyper_parameters", "lr_schedulers"], ["state_dict_ema"]],
    "file.stored": ["parameters", "views", "transposed", "reversed", "dict", "shared"],
}
PICKLED = ("bin", "pth", "ckpt", "bin-shards")


def _stored(state, how):
    def view(tensor):
        if how == "parameters":
            return torch.nn.Parameter(tensor, requires_grad=tensor.is_floating_point())
        if how == "views":
            return torch.stack([tensor, tensor])[1]
        if how == "transposed" and tensor.ndim == 2:
            return tensor.t().contiguous().t()
        return tensor
    items = [(name, view(tensor)) for name, tensor in state.items()]
    if how == "shared":  # all in one storage, as of a flattened module
        flat = torch.cat([t.flatten() for _, t in items if t.is_floating_point()])
        at = 0
        for i, (name, t) in enumerate(items):
            if t.is_floating_point():
                items[i] = (name, flat[at:at + t.numel()].view(t.shape))
                at += t.numel()
    if how == "reversed":
        items.reverse()
    return dict(items) if how == "dict" else collections.OrderedDict(items)


def _save(state, keys, path):
    if path.suffix == ".safetensors":
        safetensors.torch.save_file({name: t.contiguous() for name, t in state.items()}, path)
        return
    content = _stored(state, keys.get("stored"))
    extras = {name: EXTRAS[name] for name in keys.get("extras", ())}
    if "wrapper" in keys:
        content = {**extras, keys["wrapper"]: content}
    elif extras:
        content = {"state_dict": content, **extras}
    torch.save(content, path)


def _save_shards(state, keys, folder, stem, suffix):
    names = sorted(state)
    parts = [names[0::2], names[1::2]]
    files = [f"{stem}-{i + 1:05d}-of-00002{suffix}" for i in range(2)]
    for part, file in zip(parts, files):
        _save({name: state[name] for name in part}, {"stored": keys.get("stored")}, folder / file)
    index = {"metadata": {"total_size": sum(t.nbytes for t in state.values())},
             "weight_map": {name: file for part, file in zip(parts, files) for name in part}}
    (folder / f"{stem}{suffix}.index.json").write_text(json.dumps(index))


def write(draw, source, target, stems):
    """Copies the library's folder and lays its weights out anew. Returns what fovea is given: a folder or a file.

    stems: names of the library's files without their suffixes, (safetensors, pickle), or one if it knows no shards
    """
    keys = draw.group("file")
    if len(stems) == 1 and "shards" in keys.get("format", ""):
        keys["format"] = "pth"  # a library that writes no shards
    shutil.copytree(source, target)
    weights = target / f"{stems[0]}.safetensors"
    form = keys.get("format", "safetensors")
    if form == "safetensors" and not set(keys) & {"prefix", "stored", "wrapper", "extras"}:
        return target
    state = safetensors.torch.load_file(weights)
    weights.unlink()
    for prefix in keys.get("prefix", ()):
        state = {prefix + name: t for name, t in state.items()}
    if form == "safetensors" and set(keys) & {"stored", "wrapper", "extras"}:
        form = "pth"  # only a pickle has such things
    if form.endswith("shards"):
        _save_shards(state, keys, target, *((stems[-1], ".bin") if form in PICKLED else (stems[0], ".safetensors")))
        return target
    path = target / {"safetensors": f"{stems[0]}.safetensors", "bin": f"{stems[-1]}.bin"}.get(form, f"trained.{form}")
    _save(state, keys, path)
    return target if form in ("safetensors", "bin") else path
