"""What one draw is: a model of one library, and the keys whose values depart from the defaults.

A key is dotted. Its first part says who reads it: `args` and `config` the model's constructor, `cfg` and `processor` the
preparation of pictures, `edit` the file that was saved, `file` how the weights are stored, `picture` what is classified.
A draw without a key has the default, so a wrong draw is shrunk by leaving keys out.
"""
import dataclasses
import json
import pathlib
import random

import numpy
import safetensors.torch
import torch

CLASSES = 5  # of a model that says nothing else
RARE = ("surprise", "in_chans", "num_channels")  # ends of keys with which every model is refused


@dataclasses.dataclass(frozen=True)
class Draw:
    seed: str  # "SEED:NUMBER": of the draw, the weights and the picture
    kind: str  # a key of oracle.KINDS
    family: str  # a name of the library
    keys: dict

    def group(self, prefix):
        """The keys of one reader, without its name."""
        return {k.removeprefix(prefix + "."): v for k, v in self.keys.items() if k.startswith(prefix + ".")}

    def without(self, key):
        return dataclasses.replace(self, keys={k: v for k, v in self.keys.items() if k != key})

    def rng(self, purpose):
        """Does not depend on the keys: leaving one out changes nothing else."""
        return random.Random(f"{self.seed}/{purpose}")

    def text(self):
        return json.dumps(dataclasses.asdict(self))


@dataclasses.dataclass
class Answer:
    """What the library computes for the picture. None: the library has no such thing, or it is not compared."""
    input: numpy.ndarray = None  # float32 [3, H, W]
    logits: numpy.ndarray = None  # float32 [C]
    probabilities: numpy.ndarray = None  # [C]; raw values for a regression
    features: numpy.ndarray = None  # [D]: what the head reads, or the projected embedding
    tokens: numpy.ndarray = None  # [N, D]: the patches, after the final norm
    names: list = None  # [C], None where a class has no name
    options: tuple = ()  # of fovea, to compute what the library was asked for

    def save(self, folder, **beside):
        """expected.json and one .npy for each array; `beside` goes into the first."""
        arrays = {name: value for name, value in vars(self).items() if isinstance(value, numpy.ndarray)}
        for name, value in arrays.items():
            numpy.save(folder / f"expected_{name}.npy", numpy.ascontiguousarray(value, dtype=numpy.float32))
        content = {**beside, "options": list(self.options), "names": self.names}
        (folder / "expected.json").write_text(json.dumps(content, indent=1) + "\n")


class LibraryRaises(Exception):
    """The library does not build, save, load or run this draw."""

    def __init__(self, stage, error):
        super().__init__(f"{stage}: {type(error).__name__}: {error}")
        self.stage = stage


def pick(rng, space, share):
    """Each key of {key: [values]} with probability `share`, or less if it is RARE; one of its values."""
    chance = {key: share / 5 if key.endswith(RARE) else share for key in space}
    return {key: rng.choice(values) for key, values in space.items() if rng.random() < chance[key]}


def numpy32(tensor):
    return tensor.detach().float().numpy()


def stir(model, draw):
    """Replaces all parameters, of which many are initialised to zero or one, by numbers that all show in the logits.

    The first norm sees values so small that its eps shows, too.
    """
    generator = torch.Generator().manual_seed(draw.rng("weights").getrandbits(31))
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            constant = p.numel() > 0 and bool((p == p.flatten()[0]).all())
            if p.ndim == 0:
                continue  # CLIP's scale
            if p.ndim > 1 and p.shape[0] > 1:
                noise *= 1.5 * p[0].numel() ** -0.5
            elif constant and p.flatten()[0] != 0:  # a norm's weight, a layer's scale
                noise = 1 + 0.3 * noise
            else:
                noise *= 0.3
            first = ("patch_embed", "embeddings", "pos_embed", "cls_token", "reg_token", "conv1", "class_embedding")
            small = any(part in name for part in first) and "norm" not in name
            p.copy_(noise * 0.03 if small else noise)
    return model.eval()


def save_rounded(state, draw, path):
    """In the type of `file.dtype`: the library and fovea read the same numbers."""
    dtype = getattr(torch, draw.keys.get("file.dtype", "float32"))
    tensors = {name: (t.to(dtype) if t.is_floating_point() else t).contiguous().clone() for name, t in state.items()}
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})


def edit_json(path, edits):
    """Sets dotted keys of a JSON file. A value of "<absent>" removes the key."""
    content = json.loads(path.read_text())
    for dotted, value in edits.items():
        *parents, key = dotted.split(".")
        place = content
        for parent in parents:
            place = place.setdefault(parent, {})
        if value == "<absent>":
            place.pop(key, None)
        else:
            place[key] = value
    path.write_text(json.dumps(content, indent=1) + "\n")


def read_json(path):
    return json.loads(pathlib.Path(path).read_text())
