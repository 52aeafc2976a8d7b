"""The peers as tools/compare.py starts them, each in its own process. Libraries are imported where they are used, so
that the start duty pays only for the peer's own libraries.

    compare_runners.py prepare MODEL FOLDER PICTURES     the model in every peer's form, pictures, the expected logits
    compare_runners.py serve FOLDER PEER PRECISION MODE  one line of JSON for each line of JSON on standard input
    compare_runners.py top5 FOLDER PEER THREADS IMAGE    a whole program: the five best classes of one file
    compare_runners.py launch                            runs the commands that come in as lines of JSON
"""
import json
import os
import pathlib
import sys
import time


def cpu_flags():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split(":", 1)[1].split())
    return set()


def has_bf16():
    return bool(cpu_flags() & {"avx512_bf16", "amx_bf16"})


def load_timm(folder):
    import timm
    return timm.create_model(f"local-dir:{folder / 'model'}", pretrained=True).eval()


def existing(file):
    """The file that `prepare` made; raises the reason if `prepare` could not make it."""
    if not file.exists():
        why = file.with_name(file.name + ".why")
        raise RuntimeError(why.read_text() if why.exists() else f"{file} was not made")
    return file


class PyTorch:
    def __init__(self, folder, precision, mode):
        import torch
        if precision == "bf16" and not has_bf16():
            raise RuntimeError("the CPU has no bf16 instructions")
        torch.set_num_threads(mode["threads"])
        self.torch = torch
        self.type = {"f32": torch.float32, "bf16": torch.bfloat16}[precision]
        self.network = load_timm(folder).to(self.type)
        self.version = torch.__version__
        if mode["how"] == "compiled":
            import torch._inductor.config
            torch._inductor.config.freezing = True
            self.network = torch.compile(self.network)

    def __call__(self, pictures):
        with self.torch.inference_mode():
            return self.network(self.torch.from_numpy(pictures).to(self.type)).float().numpy()


class PyTorchMap(PyTorch):
    """A picture's logits and its map, from attention that hooks record; timm's fused attention would expose none. Only
    the attention's gradients are computed, which favours PyTorch over published scripts.
    """

    def __init__(self, folder, precision, mode):
        super().__init__(folder, precision, {**mode, "how": "eager"})
        self.explain = {"rollout": self.rollout, "generic": self.generic}[mode["how"]]
        self.network.requires_grad_(False)
        self.attention = []
        for block in self.network.blocks:
            block.attn.fused_attn = False
            block.attn.attn_drop.register_forward_hook(lambda module, inputs, output: self.attention.append(output))

    def __call__(self, pictures):
        logits = []
        for picture in self.torch.from_numpy(pictures):
            self.attention.clear()
            one, self.map = self.explain(picture[None])
            logits.append(one.detach())
        return self.torch.cat(logits).numpy()

    def rollout(self, picture):
        with self.torch.inference_mode():
            logits = self.network(picture)
            identity = self.torch.eye(self.attention[0].shape[-1])
            flow = identity
            for weights in self.attention:  # [1, H, N, N]
                flow = (0.5 * weights.mean(1)[0] + 0.5 * identity) @ flow
            return logits, flow[0, 1:]

    def generic(self, picture):
        logits = self.network(picture.requires_grad_())
        gradients = self.torch.autograd.grad(logits[0, logits[0].argmax()], self.attention)
        with self.torch.no_grad():
            relevance = self.torch.eye(self.attention[0].shape[-1])
            for weights, gradient in zip(self.attention, gradients):
                relevance = relevance + (weights * gradient).clamp(min=0).mean(1)[0] @ relevance
            return logits, relevance[0, 1:]


class OnnxRuntime:
    def __init__(self, folder, precision, mode):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = mode["threads"]
        options.add_free_dimension_override_by_name("batch", mode["batch"])
        file = existing(folder / {"f32": "model.onnx", "int8 dynamic": "int8.onnx"}[precision])
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.version = onnxruntime.__version__

    def __call__(self, pictures):
        return self.session.run(None, {"pictures": pictures})[0]


class OpenVino:
    def __init__(self, folder, precision, mode):
        import openvino
        if precision == "bf16" and not has_bf16():
            raise RuntimeError("the CPU has no bf16 instructions")
        core = openvino.Core()
        file = existing(folder / ("int8.xml" if precision.startswith("int8") else "model.onnx"))
        network = core.read_model(file)
        network.reshape([mode["batch"], *network.inputs[0].partial_shape.to_string().strip("[]").split(",")[1:]])
        settings = {"PERFORMANCE_HINT": mode["how"].upper(), "INFERENCE_NUM_THREADS": mode["threads"]}
        if precision in ("f32", "bf16"):  # int8's floating-point layers may run in bf16
            settings["INFERENCE_PRECISION_HINT"] = precision
        self.openvino, self.compiled = openvino, core.compile_model(network, "CPU", settings)
        self.version = openvino.__version__.split("-")[0]
        self.streams = mode["how"] == "throughput"

    def __call__(self, pictures):
        return self.compiled(pictures)[0]

    def stream(self, batches, seconds):
        """Runs as many requests at once as OpenVINO itself recommends."""
        queue = self.openvino.AsyncInferQueue(self.compiled)
        runs, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            queue.start_async([batches[runs % len(batches)]])
            runs += 1
        queue.wait_all()
        return runs, time.perf_counter() - begin


PEERS = {"PyTorch": PyTorch, "ONNX Runtime": OnnxRuntime, "OpenVINO": OpenVino}


def measure(runner, batches, seconds):
    """Milliseconds for an image: median and best of the runs. If runs overlap, both are their mean."""
    size = len(batches[0])
    if getattr(runner, "streams", False):
        runs, elapsed = runner.stream(batches, seconds)
        ms = [elapsed / runs * 1e3]
    else:
        ms, begin = [], time.perf_counter()
        while not ms or time.perf_counter() - begin < seconds:
            start = time.perf_counter()
            runner(batches[len(ms) % len(batches)])
            ms.append((time.perf_counter() - start) * 1e3)
        runs, elapsed = len(ms), sum(ms) / 1e3
    ms.sort()
    return {"median": ms[len(ms) // 2] / size, "best": ms[0] / size, "images_per_second": runs * size / elapsed}


def differences(logits, expected):
    return {"max_logit_difference": float(abs(logits - expected).max()),
            "same_top1": int((logits.argmax(1) == expected.argmax(1)).sum()), "pictures": len(expected)}


def agreement(runner, folder):
    import numpy
    pictures = numpy.load(folder / "agreement.npy", mmap_mode="r")
    logits = numpy.concatenate([runner(numpy.array(picture[None])) for picture in pictures])
    return differences(logits, numpy.load(folder / "agreement_logits.npy"))


def serve(folder, peer, precision, mode):
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # output of libraries must not mix with the replies

    def reply(answer):
        print(json.dumps(answer), file=replies, flush=True)

    try:
        import numpy
        mode = json.loads(mode)
        pictures = numpy.load(folder / "pictures.npy")
        count = max(len(pictures), mode["batch"])
        count += -count % mode["batch"]
        rows = numpy.resize(pictures, (count, *pictures.shape[1:]))  # repeated, so that all batches are full
        batches = [rows[i:i + mode["batch"]] for i in range(0, count, mode["batch"])]
        runner = (PyTorchMap if mode["how"] in ("rollout", "generic") else PEERS[peer])(folder, precision, mode)
        logits = numpy.concatenate([runner(batch) for batch in batches])[:len(pictures)]
        expected = numpy.load(folder / "logits.npy")
        reply({"version": runner.version, **differences(logits, expected)})
    except Exception as error:  # any exception of a peer becomes the reason in its row
        reply({"why": (str(error).strip() or repr(error)).splitlines()[0]})
        raise
    for line in sys.stdin:
        request = json.loads(line)
        reply(measure(runner, batches, request["seconds"]) if "seconds" in request else agreement(runner, folder))


def make(file, maker):
    """Calls `maker`; if it fails, writes the reason beside the file."""
    try:
        maker()
    except Exception as error:
        file.unlink(missing_ok=True)
        file.with_name(file.name + ".why").write_text((str(error).strip() or repr(error)).splitlines()[0])


def prepare(model, folder, files):
    """@param files  lists of picture files: "images" to time, "calibration" (empty: the images) and "agreement" (may be
                     empty)
    """
    import numpy
    import timm
    import timm.data
    import timm.models
    import torch
    from PIL import Image
    folder.mkdir(parents=True)
    if pathlib.Path(model).is_dir():
        (folder / "model").symlink_to(pathlib.Path(model).resolve())
        network = load_timm(folder)
    else:
        torch.manual_seed(0)
        network = timm.create_model(model).eval()
        timm.models.save_for_hf(network, folder / "model", safe_serialization=True)
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(network))

    def tensors(images):
        return torch.stack([transform(Image.open(image).convert("RGB")) for image in images])

    def save(name, pictures):
        """Saves the pictures and PyTorch's logits for them; returns the logits."""
        with torch.inference_mode():
            logits = torch.cat([network(picture[None]) for picture in pictures])
        numpy.save(folder / f"{name}.npy", pictures.numpy())
        numpy.save(folder / f"{'' if name == 'pictures' else name + '_'}logits.npy", logits.numpy())
        return logits

    pictures = tensors(files["images"])
    logits = save("pictures", pictures)
    if files["agreement"]:
        save("agreement", tensors(files["agreement"]))
    calibration = tensors(files["calibration"]) if files["calibration"] else pictures
    make(folder / "model.onnx", lambda: export_onnx(network, pictures, folder / "model.onnx"))
    make(folder / "int8.onnx", lambda: quantize_onnx(folder / "model.onnx", folder / "int8.onnx"))
    make(folder / "int8.xml",
         lambda: quantize_openvino(folder / "model.onnx", calibration.numpy(), folder / "int8.xml"))
    print(json.dumps({"parameters": sum(p.numel() for p in network.parameters()), "timm": timm.__version__,
                      "logit_range": float(logits.max() - logits.min()), "input": list(pictures.shape[1:])}))


def export_onnx(network, pictures, file):
    import torch
    torch.onnx.export(network, (pictures[:2],), str(file), input_names=["pictures"], output_names=["logits"],
                      dynamic_shapes={"x": {0: torch.export.Dim("batch", min=1, max=1024)}}, opset_version=20,
                      dynamo=True, external_data=False, verbose=False)


def quantize_onnx(file, result):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(existing(file), result, per_channel=True, weight_type=QuantType.QInt8,
                     op_types_to_quantize=["MatMul", "Gemm"])


def quantize_openvino(file, pictures, result):
    import nncf
    import openvino
    network = openvino.Core().read_model(existing(file))
    calibration = nncf.Dataset([picture[None] for picture in pictures])
    openvino.save_model(nncf.quantize(network, calibration, model_type=nncf.ModelType.TRANSFORMER), result)


def prepared(folder, image):
    """timm's evaluation transform in Pillow and numpy, as users write it for an exported model: [1, 3, H, W]."""
    import numpy
    from PIL import Image
    config = json.loads((folder / "model" / "config.json").read_text())["pretrained_cfg"]
    side = config["input_size"][1]
    picture = Image.open(image).convert("RGB")
    shortest = int(side / config["crop_pct"])
    picture = picture.resize([shortest * length // min(picture.size) for length in picture.size],
                             Image.Resampling[config["interpolation"].upper()])
    left, top = (round((length - side) / 2) for length in picture.size)
    pixels = numpy.asarray(picture.crop((left, top, left + side, top + side)), numpy.float32) / 255
    pixels = (pixels - numpy.array(config["mean"], numpy.float32)) / numpy.array(config["std"], numpy.float32)
    return numpy.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def top5(folder, peer, threads, image):
    mode = {"threads": int(threads), "batch": 1, "how": "latency"}
    runner = PEERS[peer](folder, "f32", mode)
    if peer == "PyTorch":
        import timm.data
        from PIL import Image
        transform = timm.data.create_transform(**timm.data.resolve_model_data_config(runner.network))
        picture = transform(Image.open(image).convert("RGB"))[None].numpy()
    else:
        picture = prepared(folder, image)
    import numpy
    logits = runner(picture)[0]
    weights = numpy.exp(logits - logits.max())
    for index in numpy.argsort(-logits)[:5]:
        print(f"{index}\t{weights[index] / weights.sum():.6f}")


def launch():
    """Runs commands from a small process, because a process starts with the peak memory of its parent."""
    for line in sys.stdin:
        request = json.loads(line)
        out, write = os.pipe()
        with open(request["log"], "a") as log:
            begin = time.perf_counter()
            child = os.posix_spawnp(request["command"][0], request["command"], os.environ, file_actions=[
                (os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_DUP2, log.fileno(), 2)])
            os.close(write)
            with open(out) as result:
                text = result.read()
            _, status, usage = os.wait4(child, 0)
            ms = (time.perf_counter() - begin) * 1e3
        answer = {"ms": ms, "exit_code": os.waitstatus_to_exitcode(status), "text": text,
                  "peak_rss_mb": usage.ru_maxrss * 1024 / 1e6}
        print(json.dumps(answer), flush=True)


def main():
    verb, arguments = sys.argv[1], sys.argv[2:]
    if verb == "prepare":
        prepare(arguments[0], pathlib.Path(arguments[1]), json.loads(pathlib.Path(arguments[2]).read_text()))
    elif verb == "serve":
        serve(pathlib.Path(arguments[0]), *arguments[1:])
    elif verb == "launch":
        launch()
    elif verb == "top5":
        top5(pathlib.Path(arguments[0]), *arguments[1:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
