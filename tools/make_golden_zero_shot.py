#!/usr/bin/env python3
"""Writes tests/golden/zero_shot: a tiny random CLIP and SigLIP as transformers saves them, embeddings of some texts, and
the probabilities of those texts that transformers computes for samples/, starting from the JPEGs.

    tools/make_golden_zero_shot.py     (torch 2.15.0, transformers 5.23.0, safetensors 0.8.0, Pillow 13.0.0)

Each folder has the files of save_pretrained (both towers in one file, as F16, with which the expected values were
computed) and: text.safetensors, made with the text tower as GUIDE.md says; expected.json, sigmoid or softmax of
logits_per_image; maps.safetensors, computed by autograd for the first photograph: [texts, gh, gw] for each explanation
method that runs a text's score backward.
"""
import json
import math
import pathlib
import shutil

import torch
import transformers
from PIL import Image
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "zero_shot"
SAMPLES = sorted((ROOT / "samples").glob("*.jpg"))
LABELS = ["cat", "cup of espresso", "rocket", "crane", "dog"]

# The texts are spelled with one token for each letter, because tokenizers are not tested here.
LETTERS = " abcdefghijklmnopqrstuvwxyz"
BOS, EOS = len(LETTERS), len(LETTERS) + 1
TEXT = dict(vocab_size=EOS + 1, hidden_size=24, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
            max_position_embeddings=32, bos_token_id=BOS, eos_token_id=EOS, pad_token_id=EOS)
VISION = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, patch_size=8)


def tokens_of(labels):
    spelled = [[BOS, *(LETTERS.index(c) for c in f"a photo of a {label}"), EOS] for label in labels]
    longest = max(map(len, spelled))
    ids = [[*ids, *[EOS] * (longest - len(ids))] for ids in spelled]
    mask = [[1] * len(ids) + [0] * (longest - len(ids)) for ids in spelled]
    return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}


def randomize(model, seed):
    """Moves every parameter far from its initial value, so that pictures and texts differ and each tensor matters."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        values = torch.randn(parameter.shape, generator=generator)
        if name == "logit_scale":
            values = torch.full(parameter.shape, math.log(8.0))
        elif name == "logit_bias":
            values = torch.full(parameter.shape, -0.75)
        elif "norm" in name and name.endswith("weight"):
            values = 1 + 0.3 * values
        elif "embedding.weight" in name and "patch" not in name or "probe" in name or "class_embedding" in name:
            values = 0.5 * values
        elif values.dim() > 1:
            values = values * 1.5 / math.sqrt(values[0].numel())
        else:
            values = 0.2 * values
        parameter.data.copy_(values)


def read_out(model, state):
    """The read-out of the tokens after a block: image features, and the pool's attention or None."""
    vision = model.vision_model
    normed = vision.post_layernorm(state)
    if isinstance(model, transformers.CLIPModel):
        return model.visual_projection(normed[:, 0]), None
    pool, width = vision.head, state.shape[-1]
    heads = pool.attention.num_heads
    weight, bias = pool.attention.in_proj_weight, pool.attention.in_proj_bias
    split = lambda x: x.view(1, -1, heads, width // heads).transpose(1, 2)
    query, key, value = (split(torch.nn.functional.linear(x, w, b)) for x, w, b in
                         zip((pool.probe, normed, normed), weight.chunk(3), bias.chunk(3)))
    attention = (query @ key.transpose(-1, -2) / math.sqrt(width // heads)).softmax(-1)
    x = pool.attention.out_proj((attention @ value).transpose(1, 2).reshape(1, 1, width))
    return (x + pool.mlp(pool.layernorm(x)))[:, 0], attention


def score(model, features, row):
    """The text's logit."""
    cosine = torch.cosine_similarity(features[0], row, dim=0)
    return model.logit_scale.exp() * cosine + getattr(model, "logit_bias", torch.zeros(()))


def maps_of(model, pixels, row):
    """Generic attention explainability (Chefer et al. 2021) and LeGrad (Bousselham et al. 2024) of one text."""
    output = model.vision_model(pixel_values=pixels, output_attentions=True, output_hidden_states=True)
    attentions, states = output.attentions, output.hidden_states[1:]  # after each block
    features, pooled = read_out(model, states[-1])
    tops = [*attentions, *([] if pooled is None else [pooled])]
    gradients = torch.autograd.grad(score(model, features, row), tops, retain_graph=True)
    steps = [(a * g).clamp(min=0).mean(1)[0] for a, g in zip(tops, gradients)]
    relevance = torch.eye(states[0].shape[1])
    for step in steps[:len(attentions)]:
        relevance = relevance + step @ relevance
    generic = relevance[0, 1:] if pooled is None else (steps[-1] @ relevance)[0]

    legrad = torch.zeros_like(generic)
    for attention, state in zip(attentions, states):
        features, _ = read_out(model, state)
        gradient, = torch.autograd.grad(score(model, features, row), attention, retain_graph=True)
        legrad = legrad + gradient.clamp(min=0).mean((1, 2))[0][-len(generic):]
    side = math.isqrt(len(generic))
    return {name: values.detach().view(side, side) for name, values in (("generic", generic), ("legrad", legrad))}


def write(name, model, processor, text_embeddings, seed, probabilities):
    folder = GOLDEN / name
    shutil.rmtree(folder, ignore_errors=True)
    randomize(model, seed)
    model.half().save_pretrained(folder)
    processor.save_pretrained(folder)
    tokens = tokens_of(LABELS)
    rows = text_embeddings(folder, tokens).detach().contiguous()
    save_file({"embeddings": rows}, folder / "text.safetensors", metadata={"labels": json.dumps(LABELS)})

    model = type(model).from_pretrained(folder, dtype=torch.float32).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    expected = {}
    for file in SAMPLES:
        pixels = processor(images=Image.open(file).convert("RGB"), return_tensors="pt")["pixel_values"]
        with torch.no_grad():
            logits = model(**tokens, pixel_values=pixels).logits_per_image[0]
        expected[file.name] = dict(zip(LABELS, map(float, probabilities(logits))))
    # Values that a wrong scale, bias or embedding would change.
    assert all(0.02 < p < 0.9 for row in expected.values() for p in row.values()), expected
    assert len({max(row, key=row.get) for row in expected.values()}) > 1, expected
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")

    model.set_attn_implementation("eager")
    pixels = processor(images=Image.open(SAMPLES[0]).convert("RGB"), return_tensors="pt")["pixel_values"]
    maps = [maps_of(model, pixels, row) for row in rows]
    save_file({method: torch.stack([of_text[method] for of_text in maps]) for method in maps[0]},
              folder / "maps.safetensors")


def clip_text(folder, tokens):
    tower = transformers.CLIPTextModelWithProjection.from_pretrained(folder, dtype=torch.float32)
    return tower(**tokens).text_embeds


def siglip_text(folder, tokens):
    tower = transformers.SiglipTextModel.from_pretrained(folder, dtype=torch.float32)
    return tower(**tokens).pooler_output


def main():
    clip = transformers.CLIPConfig(
        text_config={**TEXT, "projection_dim": 20}, projection_dim=20,
        vision_config={**VISION, "projection_dim": 20, "image_size": 32})
    write("clip", transformers.CLIPModel(clip),
          transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
          clip_text, 1, lambda logits: logits.softmax(-1))
    siglip = transformers.SiglipConfig(
        text_config={**TEXT, "projection_size": 32}, vision_config={**VISION, "image_size": 48})
    write("siglip", transformers.SiglipModel(siglip),
          transformers.SiglipImageProcessor(size={"height": 48, "width": 48}), siglip_text, 1, torch.sigmoid)


if __name__ == "__main__":
    main()
