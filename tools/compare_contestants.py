"""The contestants and how each takes its turn: processes of compare_runners.py for the peers, the program for fovea.

Every contestant has `mode` (words for the table), open() -> facts for its row, measure(seconds) -> {"median", "best"}
in ms an image, and close(). open and measure raise RuntimeError with the reason why the contestant cannot run.
Contestants for latency also have agreement() -> the same facts for other pictures.
"""
import json
import os
import pathlib
import subprocess
import sys
import time

from compare_runners import differences

RUNNERS = pathlib.Path(__file__).resolve().parent / "compare_runners.py"
PEERS = [("PyTorch", "f32"), ("PyTorch", "bf16"), ("ONNX Runtime", "f32"), ("ONNX Runtime", "int8 dynamic"),
         ("OpenVINO", "f32"), ("OpenVINO", "bf16"), ("OpenVINO", "int8 (NNCF)")]
MAPS = {"rollout": "hooks", "generic": "hooks and autograd"}  # PyTorch's way to a map
BATCHES = [1, 4, 8]       # fovea's batch sizes in throughput
MOST_TENSOR_BYTES = 3e8   # limit of the prepared pictures that are written for fovea's throughput
QUANTIZED = "fovea_int8.safetensors"  # made if there are pictures for its calibration
MOST_PROCESSES = 16       # for one peer; each process holds its own libraries and weights


class Peer:
    """One peer at one precision in one mode, run by one or more processes that wait for their turn."""

    def __init__(self, folder, peer, precision, mode, log):
        self.mode = mode["text"]
        self.command = [sys.executable, RUNNERS, "serve", folder, peer, precision, json.dumps(mode)]
        self.environment = {**os.environ, "OMP_NUM_THREADS": str(mode["threads"])}
        self.replicas, self.log, self.processes = mode["processes"], log, []

    def open(self):
        for _ in range(self.replicas):
            self.processes.append(subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                   stderr=self.log, text=True, env=self.environment))
        answers = self.answers()
        for facts in answers:
            if "why" in facts:
                raise RuntimeError(facts["why"])
        return answers[0]

    def answers(self):
        lines = [process.stdout.readline() for process in self.processes]
        if not all(lines):
            raise RuntimeError("the process ended early; see log.txt")
        return [json.loads(line) for line in lines]

    def ask(self, request):
        for process in self.processes:
            print(json.dumps(request), file=process.stdin, flush=True)
        return self.answers()

    def agreement(self):
        return self.ask({})[0]

    def measure(self, seconds):
        answers = self.ask({"seconds": seconds})
        if self.replicas == 1:
            return answers[0]
        ms = 1e3 / sum(answer["images_per_second"] for answer in answers)
        return {"median": ms, "best": ms}

    def close(self):
        for process in self.processes:
            process.kill()  # it holds nothing that needs an orderly end
            process.communicate()
        self.processes = []


class Fovea:
    """fovea at one precision, with a new process for each turn."""

    def __init__(self, options, folder, precision, log):
        self.options, self.folder, self.log = options, folder, log
        quantized = folder / QUANTIZED
        self.flags = ["-m", quantized if precision == "int8" and quantized.exists() else folder / "model",
                      "-t", str(options.threads), "-q"]
        if precision in options.fovea_flagged:
            self.flags += ["--precision", precision]

    def run(self, *arguments):
        done = subprocess.run([self.options.fovea, *arguments, *self.flags], capture_output=True, text=True)
        print(done.stderr, file=self.log, end="", flush=True)
        if done.returncode != 0:
            raise RuntimeError((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[0])
        return done.stdout

    def differences(self, pictures, expected):
        import numpy
        result = self.folder / "fovea_logits.npy"
        self.run("classify", "--tensor", self.folder / pictures, "--save-logits", result)
        return differences(numpy.load(result), numpy.load(self.folder / expected))

    def open(self):
        return self.differences("pictures.npy", "logits.npy")

    def agreement(self):
        return self.differences("agreement.npy", "agreement_logits.npy")

    def close(self):
        pass


class FoveaLatency(Fovea):
    mode = "fovea bench"

    def measure(self, seconds):
        ms = json.loads(self.run("bench", "--seconds", str(seconds), "-f", "json"))["ms_per_image"]
        return {"median": ms["median"], "best": ms["min"]}


class FoveaMap(Fovea):
    """fovea computing logits and the map of one method."""

    def __init__(self, options, folder, precision, method, log):
        super().__init__(options, folder, precision, log)
        self.mode, self.method = f"fovea bench --method {method}", method

    def measure(self, seconds):
        bench = json.loads(self.run("bench", "--method", self.method, "--seconds", str(seconds), "-f", "json"))
        return {key: bench["methods"][self.method]["ms"][of] for key, of in [("median", "median"), ("best", "min")]}


class FoveaThroughput(Fovea):
    """`fovea classify --tensor` with many rows, minus the time for a few: a full batch for each thread."""

    def __init__(self, options, folder, precision, batch, log):
        super().__init__(options, folder, precision, log)
        self.mode, self.images, self.for_some = f"fovea classify --batch {batch}", 0, float("inf")
        self.flags += ["--batch", str(batch), "-f", "jsonl", "-k", "1"]

    def seconds_for(self, images):
        import numpy
        file = self.folder / f"pictures_{images}.npy"
        if not file.exists():
            pictures = numpy.load(self.folder / "pictures.npy")
            numpy.save(file, numpy.resize(pictures, (images, *pictures.shape[1:])))
        begin = time.perf_counter()
        self.run("classify", "--tensor", file)
        return time.perf_counter() - begin

    def images_in(self, seconds, some):
        """About as many images as take this long and fit into memory, with equal work for every thread and batch."""
        speed = some / max(self.seconds_for(2 * some) - self.for_some, 1e-3)
        fit = MOST_TENSOR_BYTES * some / (self.folder / f"pictures_{some}.npy").stat().st_size
        return max(round(min(speed * seconds, fit) / some), 1) * some

    def measure(self, seconds):
        some = BATCHES[-1] * self.options.threads
        # The least over all rounds: a disturbance here would be subtracted from the time of the rest.
        self.for_some = min(self.for_some, self.seconds_for(some), self.seconds_for(some))
        if self.images == 0:
            self.images = self.images_in(seconds, some)
        ms = (self.seconds_for(some + self.images) - self.for_some) / self.images * 1e3
        return {"median": ms, "best": ms}


class Start:
    """A whole program from exec to the five best classes, run several times a turn."""

    def __init__(self, command, mode, classes, log):
        self.command, self.mode, self.classes, self.log, self.peak_rss_mb = command, mode, classes, log, 0

    def once(self):
        request = {"command": [str(part) for part in self.command], "log": self.log.name}
        print(json.dumps(request), file=self.launcher.stdin, flush=True)
        answer = json.loads(self.launcher.stdout.readline())
        if answer["exit_code"] != 0:
            raise RuntimeError(f"exit code {answer['exit_code']}; see log.txt")
        self.peak_rss_mb = max(self.peak_rss_mb, answer["peak_rss_mb"])
        return answer["ms"], answer["text"]

    def open(self):
        self.launcher = subprocess.Popen([sys.executable, "-S", RUNNERS, "launch"], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        return {"classes": self.classes(self.once()[1])}  # and brings the files into memory, for all alike

    def measure(self, seconds):
        times, begin = [], time.perf_counter()
        while not times or time.perf_counter() - begin < seconds:
            times.append(self.once()[0])
        times.sort()
        return {"median": times[len(times) // 2], "best": times[0]}

    def close(self):
        self.launcher.kill()
        self.launcher.communicate()


def fovea_classes(text):
    return [best["class_index"] for best in json.loads(text.splitlines()[0])["predictions"]]


def peer_classes(text):
    return [int(line.split()[0]) for line in text.splitlines()]


def peer_modes(peer, duty, options):
    """Every mode worth trying for a duty; the fastest one is compared."""
    def mode(text, how="eager", batch=1, processes=1):
        return {"text": text, "how": how, "batch": batch, "processes": processes,
                "threads": options.threads // processes}

    if peer == "OpenVINO":
        if duty == "latency":
            return [mode("LATENCY", "latency")]
        return [mode(f"THROUGHPUT, batch {batch}", "throughput", batch) for batch in (1, 8)]
    if duty in MAPS:
        return [mode(f"eager, {MAPS[duty]}", duty)]
    batch = 1 if duty == "latency" else 8
    modes = [mode(f"batch {batch}", batch=batch)]
    if duty == "throughput":
        processes = next(n for n in range(min(options.threads, MOST_PROCESSES), 0, -1) if options.threads % n == 0)
        modes.append(mode(f"{processes} processes, batch 1", processes=processes))
        if peer == "PyTorch":
            modes.append(mode(f"{processes} processes, batch 8", batch=8, processes=processes))
    if peer == "PyTorch" and options.compile:
        modes.append(mode(f"torch.compile, frozen, batch {batch}", "compiled", batch))
    return modes


def contestants(duty, folder, options, log):
    """The (runner, precision, modes) of a duty."""
    image = options.images[0]
    for precision in options.fovea_precisions:
        if duty == "latency":
            ways = [FoveaLatency(options, folder, precision, log)]
        elif duty in MAPS:
            ways = [FoveaMap(options, folder, precision, duty, log)]
        elif duty == "throughput":
            ways = [FoveaThroughput(options, folder, precision, batch, log) for batch in BATCHES]
        else:
            flags = Fovea(options, folder, precision, log).flags
            command = [options.fovea, "classify", "-f", "jsonl", *flags, image]
            ways = [Start(command, "fovea classify", fovea_classes, log)]
        yield "fovea", precision, ways
    for peer, precision in PEERS[:1] if duty in MAPS else PEERS:
        if duty != "start":
            modes = peer_modes(peer, duty, options)
            yield peer, precision, [Peer(folder, peer, precision, mode, log) for mode in modes]
        elif precision == "f32":
            command = [sys.executable, RUNNERS, "top5", folder, peer, str(options.threads), image]
            yield peer, precision, [Start(command, "Python", peer_classes, log)]
