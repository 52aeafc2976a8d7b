"""Draws of transformers: configuration classes of its ViTs, image processors in both backends, models with and without head.

The version that tools/oracle_requirements.txt names has two backends. `--preprocess hf-pil` is fovea's name for the one of
Pillow; its default is torchvision's, as in transformers.
"""
import json

import numpy
import safetensors.torch
import torch
import transformers
from transformers import AutoImageProcessor
from transformers.image_utils import load_image

import oracle_draws as od

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
STEMS = ("model", "pytorch_model")

# model_type: (classes with a head, classes without, processors as published)
FAMILIES = {
    "vit": (["ViTForImageClassification"], ["ViTModel"], ["ViTImageProcessor"]),
    "deit": (["DeiTForImageClassification", "DeiTForImageClassificationWithTeacher"], ["DeiTModel"], ["DeiTImageProcessor"]),
    "beit": (["BeitForImageClassification"], ["BeitModel"], ["BeitImageProcessor"]),
    "data2vec-vision": (["Data2VecVisionForImageClassification"], ["Data2VecVisionModel"], ["BeitImageProcessor"]),
    "dinov2": (["Dinov2ForImageClassification"], ["Dinov2Model"], ["BitImageProcessor"]),
    "dinov2_with_registers": (["Dinov2WithRegistersForImageClassification"], ["Dinov2WithRegistersModel"],
                              ["BitImageProcessor"]),
    "dinov3_vit": ([], ["DINOv3ViTModel"], ["DINOv3ViTImageProcessor"]),
    "vit_msn": (["ViTMSNForImageClassification"], ["ViTMSNModel"], ["ViTImageProcessor"]),
    "ijepa": (["IJepaForImageClassification"], ["IJepaModel"], ["ViTImageProcessor"]),
    "clip": (["CLIPForImageClassification"], ["CLIPModel"], ["CLIPImageProcessor"]),
    "clip_vision_model": ([], ["CLIPVisionModel", "CLIPVisionModelWithProjection"], ["CLIPImageProcessor"]),
    "siglip": (["SiglipForImageClassification"], ["SiglipModel"], ["SiglipImageProcessor"]),
    "siglip_vision_model": ([], ["SiglipVisionModel"], ["SiglipImageProcessor"]),
    "siglip2": (["Siglip2ForImageClassification"], ["Siglip2Model"], ["Siglip2ImageProcessor"]),
    "siglip2_vision_model": ([], ["Siglip2VisionModel"], ["Siglip2ImageProcessor"]),
    "metaclip_2": (["MetaClip2ForImageClassification"], ["MetaClip2Model"], ["CLIPImageProcessor"]),
}
TWO_TOWERS = ("clip", "siglip", "siglip2", "metaclip_2")
MODEL = {
    "args.hidden_size": [24, 64], "args.num_hidden_layers": [1, 3], "args.num_attention_heads": [1, 4],
    "args.intermediate_size": [48], "args.patch_size": [4, 16], "args.image_size": [48, [32, 48], [32, 32], 40],
    "args.hidden_act": ["gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "silu", "swish", "relu", "gelu_fast",
                        "gelu_python", "gelu_10", "mish", "tanh", "sigmoid"],
    "args.layer_norm_eps": [1e-12, 1e-6, 1e-5, 1e-3], "args.hidden_dropout_prob": [0.1],
    "args.attention_probs_dropout_prob": [0.1], "args.qkv_bias": [False, True], "args.drop_path_rate": [0.1],
    "args.layerscale_value": [0.1], "args.mlp_ratio": [2, 3], "args.use_swiglu_ffn": [True, False],
    "args.num_register_tokens": [0, 1, 4], "args.use_mean_pooling": [False, True], "args.use_mask_token": [True],
    "args.use_absolute_position_embeddings": [True, False], "args.use_relative_position_bias": [True, False],
    "args.use_shared_relative_position_bias": [True], "args.layer_scale_init_value": [0, 0.1],
    "args.projection_dim": [16], "args.vision_use_head": [False, True], "args.encoder_stride": [8],
    "args.pooler_act": ["relu"], "args.query_bias": [False], "args.key_bias": [True], "args.value_bias": [False],
    "args.proj_bias": [False], "args.mlp_bias": [False], "args.use_gated_mlp": [True], "args.rope_theta": [10.0],
    "args.pos_embed_rescale": [None, 2.0], "args.num_channels": [1], "args.initializer_range": [0.5],
    "args.apply_layernorm": [False], "args.num_patches": [16], "args.attention_dropout": [0.1],
}
HEAD = {
    "edit.problem_type": ["single_label_classification", "multi_label_classification", "regression", None],
    "labels": ["names", "one", "one named", "two", "numbers", "gaps", "synsets", "repeated", "none", "many", "empty"],
}
EDITS = {
    "edit.image_size": [48, 24, "<absent>"], "edit.layer_norm_eps": ["<absent>", 1e-4], "edit.hidden_act": ["<absent>"],
    "edit.qkv_bias": ["<absent>"], "edit.num_attention_heads": ["<absent>"], "edit.surprise": [1],
    "edit.architectures": ["<absent>", None, []], "edit.dtype": ["float16", "<absent>"],
    "edit.torch_dtype": ["float32"], "edit.output_attentions": [True], "edit.pruned_heads": [{}, {"0": [1]}],
    "edit.id2label": ["<absent>"], "edit.num_labels": [5, 3], "edit.model_type": ["<absent>"],
    "edit.transformers_version": ["4.30.0", "<absent>"], "edit.vision_config.surprise": [1],
}
PROCESSOR = {
    "processor.do_resize": [False, True, None], "processor.do_center_crop": [False, True, None],
    "processor.size": [32, 40, [32, 40], {"height": 32, "width": 48}, {"shortest_edge": 32}, {"shortest_edge": 40},
                       {"shortest_edge": 32, "longest_edge": 48}, {"longest_edge": 48}, {"height": 32}, None, "<absent>",
                       {"max_height": 32, "max_width": 32}],
    "processor.crop_size": [32, 24, {"height": 32, "width": 32}, {"height": 48, "width": 32}, [32, 32], None, "<absent>",
                            {"shortest_edge": 32}],
    "processor.do_rescale": [False, True, None], "processor.rescale_factor": [1 / 255, 1 / 127.5, 0.5, None, "<absent>"],
    "processor.do_normalize": [False, True, None], "processor.resample": [0, 1, 2, 3, 4, 5, None, "<absent>"],
    "processor.image_mean": [[0.5, 0.5, 0.5], 0.5, None, "<absent>", [0.5], [0.485, 0.456, 0.406], [0, 0, 0]],
    "processor.image_std": [[0.5, 0.5, 0.5], 0.5, None, "<absent>", [0.5], [0.229, 0.224, 0.225], [1, 1, 1]],
    "processor.do_convert_rgb": [True, False, None], "processor.default_to_square": [True, False],
    "processor.do_pad": [True, False], "processor.pad_size": [{"height": 64, "width": 64}],
    "processor.crop_pct": [0.9], "processor.do_reduce_labels": [True], "processor.return_tensors": ["pt"],
    "processor.data_format": ["channels_first", "channels_last"], "processor.surprise": [1],
    "processor.image_processor_type": ["<absent>"], "processor_file": ["processor_config.json"],
}
PATCHES = {  # of Siglip2ImageProcessor alone
    "processor.max_num_patches": [1, 2, 7, 40, 64, 100, None, "<absent>", 0], "processor.patch_size": [8, 16, None, "<absent>"],
}
PROCESSORS = ["ViTImageProcessor", "DeiTImageProcessor", "BeitImageProcessor", "BitImageProcessor", "CLIPImageProcessor",
              "SiglipImageProcessor", "ConvNextImageProcessor", "ViTFeatureExtractor", "CLIPFeatureExtractor",
              "ViTImageProcessorFast", "BlipImageProcessor", "ConvNextFeatureExtractor"]


def families():
    return sorted(FAMILIES)


def _config_class(family):
    return transformers.models.auto.configuration_auto.CONFIG_MAPPING[family]


def draw_keys(rng, family):
    heads, bodies, processors = FAMILIES[family]
    with_head = heads and (rng.random() < 0.75 or not bodies)
    keys = {"class": rng.choice(heads if with_head else bodies), "processor_class": rng.choice(processors)}
    tower = f"{family}_vision_model" if family in ("clip", "siglip", "siglip2") else family
    known = vars(_config_class(tower)()).keys()
    model = {k: v for k, v in MODEL.items() if k.removeprefix("args.") in known or family == "metaclip_2"}
    keys |= od.pick(rng, model, rng.choice([0.02, 0.1, 0.25]))
    if with_head:
        keys |= od.pick(rng, HEAD, 0.3)
    keys |= od.pick(rng, EDITS, rng.choice([0, 0, 0.06]))
    keys |= od.pick(rng, PROCESSOR, rng.choice([0, 0.05, 0.2]))
    if family.startswith("siglip2"):
        keys |= od.pick(rng, PATCHES, rng.choice([0, 0.2, 0.5]))
    if rng.random() < 0.1:
        keys["processor_class"] = rng.choice(PROCESSORS)
    if rng.random() < 0.4:
        keys["backend"] = "pil"
    return keys


def labels_of(kind):
    count = {"one": 1, "one named": 1, "two": 2, "many": 12, "empty": 0}.get(kind, od.CLASSES)
    names = {c: f"LABEL_{c}" for c in range(count)}
    if kind in ("names", "one named", "two", "many"):
        names = {c: f"thing {c}, a kind of thing" for c in range(count)}
    if kind == "numbers":
        names = dict(enumerate([7, 1, 2.5, 0, 10]))
    if kind == "gaps":
        names = {0: "a", 1: "b", 3: "d", 7: "h"}
    if kind == "synsets":
        names = dict(enumerate(["n01440764", "n01443537", "n01484850", "n01491361", "n01494475"]))
    if kind == "repeated":
        names = dict.fromkeys(range(count), "same")
    return names


def make(draw, folder):
    args = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "image_size": 32,
            "patch_size": 8, **draw.group("args")}
    if draw.family.startswith("dinov2"):
        args = {"mlp_ratio": 2, **{k: v for k, v in args.items() if k != "intermediate_size"}}
    if draw.family in TWO_TOWERS:
        projection = args.pop("projection_dim", 24)
        text = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
                "vocab_size": 16, "max_position_embeddings": 8, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
        args = {"vision_config": args, "text_config": text, "projection_dim": projection}
    names = labels_of(draw.keys.get("labels"))
    config = _config_class(draw.family)(**args, id2label=names, label2id={str(v): k for k, v in names.items()})
    model = getattr(transformers, draw.keys["class"])(config)
    od.stir(model, draw)
    model.save_pretrained(folder)
    # the names of the file that the library wrote
    od.save_rounded(safetensors.torch.load_file(folder / "model.safetensors"), draw, folder / "model.safetensors")
    od.edit_json(folder / "config.json", draw.group("edit"))
    _write_processor(draw, folder)


def _write_processor(draw, folder):
    kind = draw.keys.get("processor_class", FAMILIES[draw.family][2][0])
    size = {"height": 32, "width": 32}
    if kind.startswith(("Bit", "CLIP", "ConvNext")):
        size = {"shortest_edge": 32}
    cfg = {"image_processor_type": kind, "size": size}
    if kind.startswith(("Bit", "CLIP", "DeiT", "Beit")):
        cfg["crop_size"] = {"height": 32, "width": 32}
    if kind.startswith("Siglip2"):
        cfg = {"image_processor_type": kind, "patch_size": draw.group("args").get("patch_size", 8), "max_num_patches": 16}
    if "FeatureExtractor" in kind:
        cfg["feature_extractor_type"] = cfg.pop("image_processor_type")
    path = folder / draw.keys.get("processor_file", "preprocessor_config.json")
    path.write_text(json.dumps(cfg))
    od.edit_json(path, draw.group("processor"))
    if path.name == "processor_config.json":
        path.write_text(json.dumps({"image_processor": od.read_json(path), "processor_class": "CLIPProcessor"}))


def answer(draw, folder, picture):
    cls = getattr(transformers, draw.keys["class"])
    model = cls.from_pretrained(folder, dtype=torch.float32).eval()
    backend = draw.keys.get("backend", "torchvision")
    processor = AutoImageProcessor.from_pretrained(folder, backend=backend)
    if backend == "pil" and not type(processor).__name__.endswith("Pil"):
        error = ValueError(f"{type(processor).__name__} has no backend of Pillow")
        error.options = ("--preprocess", "hf-pil")
        raise error
    result = od.Answer(options=("--preprocess", "hf-pil") if backend == "pil" else ())
    if not cls.__name__.count("ForImageClassification"):
        inputs = processor(images=load_image(picture), return_tensors="pt")
        result.input = _picture_of(inputs)
        with torch.no_grad():
            _run_body(model, draw, inputs, result)
        return result
    return classified(model, processor, picture, result)


def classified(model, processor, picture, result):
    """What the image classification pipeline does, step by step, so that each step is compared."""
    seen = []
    head = getattr(model, "classifier", None)
    if isinstance(head, torch.nn.Linear) and not hasattr(model, "distillation_classifier"):
        head.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    pipeline = transformers.ImageClassificationPipeline(model=model, image_processor=processor)
    inputs = pipeline.preprocess(picture)
    with torch.no_grad():
        outputs = pipeline._forward(inputs)
    result.input = _picture_of(inputs)
    if model.config.num_labels == 0:  # the head is an identity, and the pipeline has nothing to name
        result.features = od.numpy32(outputs["logits"][0])
        return result
    result.logits = od.numpy32(outputs["logits"][0])
    result.features = od.numpy32(seen[0][0]) if seen else None
    scores = pipeline.postprocess({"logits": outputs["logits"]}, top_k=len(result.logits))
    names = [model.config.id2label[c] for c in range(len(result.logits))]
    result.names = [None if name == f"LABEL_{c}" else str(name) for c, name in enumerate(names)]
    by_score = sorted(range(len(names)), key=lambda c: -result.logits[c])
    result.probabilities = torch.zeros(len(names)).numpy()
    for c, score in zip(by_score, scores):
        result.probabilities[c] = score["score"]
    return result


def _picture_of(inputs):
    """float32 [3, H, W]. Siglip2ImageProcessor gives rows of patches, padded to a number of them."""
    pixels = od.numpy32(inputs["pixel_values"][0])
    if "spatial_shapes" not in inputs:
        return pixels
    rows, cols = (int(n) for n in inputs["spatial_shapes"][0])
    side = round((pixels.shape[1] / 3) ** 0.5)
    patches = pixels[: rows * cols].reshape(rows, cols, side, side, 3)
    return numpy.ascontiguousarray(patches.transpose(4, 0, 2, 1, 3).reshape(3, rows * side, cols * side))


def _run_body(model, draw, inputs, result):
    """A model without a head: what a head, or a text, would be compared with, and the patches."""
    if hasattr(model, "get_image_features"):
        found = model.get_image_features(**inputs)
        result.features = od.numpy32((found if isinstance(found, torch.Tensor) else found.pooler_output)[0])
        return
    outputs = model(**inputs)
    prefix = {"vit": 1, "deit": 2, "vit_msn": 1, "dinov2": 1, "siglip_vision_model": 0, "ijepa": 0}
    if draw.family in prefix:
        result.tokens = od.numpy32(outputs.last_hidden_state[0, prefix[draw.family]:])
    if "image_embeds" in outputs:
        features = outputs.image_embeds
    elif draw.family in ("vit", "deit", "vit_msn"):  # no classifier reads the pooler
        features = outputs.last_hidden_state[:, 0]
    elif draw.family == "ijepa":
        features = outputs.last_hidden_state.mean(1)
    else:
        features = outputs.pooler_output
    result.features = None if features is None else od.numpy32(features[0])
