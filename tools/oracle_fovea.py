"""Runs fovea on what a draw left, from the picture to the row, and compares each step with the library's answer."""
import dataclasses
import json
import re
import subprocess

import numpy

TIMEOUT = 120  # s; a run takes some hundredths
EXIT_CODES = (0, 1, 2, 3)  # of GUIDE.md, without the signals
LOGITS = 2e-5  # of the largest value of its kind, or of 1, in float32 through the same layers in another order
TOKENS = 5e-5
INPUT = 1e-6  # the pixels are equal; torch's normalisation may fuse a multiplication


@dataclasses.dataclass
class Outcome:
    verdict: str  # "equal", "refused", "WRONG" or "library raises"
    reason: str = ""  # fovea's sentence, or what differs
    library: str = ""  # why the library raises

    @property
    def row(self):
        """The reason without what differs from draw to draw."""
        text = re.sub(r"^(\S*/)?(?=[\w.]+: )", "", self.reason)
        text = re.sub(r"^[\w.-]+\.(safetensors|bin|pth|ckpt|index\.json): ", "checkpoint: ", text)
        text = re.sub(r"\btensors? '[^']*'( \[[^]]*\])?", "tensor '…'", text)
        text = re.sub(r"(dict holds|shards differ).*", r"\1 …", text)
        text = re.sub(r"(raises: .*?)(: |$).*", r"\1", text) if "library raises" in text else text
        text = re.split(r", expected |; |: no other| \(use|, which fovea", text)[0]
        text = re.sub(r"\bis (?!no\b|not\b|absent\b).*", "is …", text)
        return re.sub(r"\d+(\.\d+)?(e-?\d+)?", "N", text)[:110]


class Refused(Exception):
    pass


class Wrong(Exception):
    pass


class Fovea:
    """One model and one picture; the files that fovea writes go to `folder`."""

    def __init__(self, program, model, picture, folder, options):
        self.program, self.model, self.picture, self.folder = program, model, picture, folder
        self.options = list(options)

    def run(self, verb, *arguments):
        """The standard output. Every exit code and sentence is checked against GUIDE.md."""
        model = [self.model] if verb == "doctor" else ["-t", "1", "-m", self.model]
        command = [self.program, verb, "--precision", "f32", *self.options, *model, self.picture, *arguments]
        try:
            done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=TIMEOUT, errors="replace")
        except subprocess.TimeoutExpired:
            raise Wrong(f"{verb} hangs") from None
        if done.returncode not in EXIT_CODES:
            raise Wrong(f"{verb} ends with exit code {done.returncode}: {done.stderr[-300:]}")
        if done.returncode == 0:
            return done.stdout
        sentence = re.search(r"^fovea: error: (.+)$", done.stderr, re.M)
        if not sentence:
            raise Wrong(f"{verb} ends with exit code {done.returncode} and no sentence: {done.stderr[-300:]}")
        raise Refused(sentence.group(1))

    def answer(self, answer):
        """The same things as the library's answer has."""
        found = {}
        if answer.logits is not None:
            scores = self.folder / "logits.npy"
            rows = self.run("classify", "-k", len(answer.logits), "-f", "json", "--save-logits", scores)
            found["logits"] = numpy.load(scores)[0]
            found["predictions"] = json.loads(rows)["results"][0]["predictions"]
        for name, pool in (("features", "head"), ("tokens", "tokens")):
            if getattr(answer, name) is not None:
                features = self.folder / f"{name}.npy"
                self.run("embed", "--pool", pool, "-f", "json", "-o", features)
                found[name] = numpy.load(features)[0]
        tensor = self.folder / "input.npy"
        try:
            self.run("doctor", "-f", "json", "--dump-input", tensor)
        except Refused as error:
            if found:
                raise Wrong(f"doctor refuses what other verbs answer: {error}") from None
            raise
        found["input"] = numpy.load(tensor)
        return found


def _differ(name, actual, expected, share):
    if expected is None:
        return
    if actual.shape != expected.shape:
        raise Wrong(f"{name}: shape {list(actual.shape)}, expected {list(expected.shape)}")
    if not numpy.isfinite(expected).all():
        if (numpy.isfinite(actual) == numpy.isfinite(expected)).all():
            return
        raise Wrong(f"{name}: the library's are not finite")
    scale = max(float(numpy.abs(expected).max()), 1.0)  # a single score may be the small difference of large terms
    largest = float(numpy.abs(actual.astype(float) - expected).max()) / scale
    if not largest <= share:
        raise Wrong(f"{name}: {largest:.1e} of the largest apart")


def _compare(found, answer):
    _differ("input", found["input"], answer.input, INPUT)
    _differ("tokens", found.get("tokens"), answer.tokens, TOKENS)
    _differ("features", found.get("features"), answer.features, TOKENS)
    if answer.logits is None:
        return
    _differ("logits", found["logits"], answer.logits, LOGITS)
    predictions = sorted(found["predictions"], key=lambda p: p["class_index"])
    values = [p["probability"] if "probability" in p else p["value"] for p in predictions]
    if [p["class_index"] for p in predictions] != list(range(len(answer.logits))):
        raise Wrong("names: not every class has a row")
    _differ("probabilities", numpy.array(values), answer.probabilities, LOGITS)
    names = [p["label"] for p in predictions]
    expected = answer.names or [None] * len(names)
    first = [name and name.split(",")[0] for name in expected]  # GUIDE: the description up to its first comma
    if names != first:
        raise Wrong(f"names: {names}, expected {first}")


def judge(fovea, answer):
    """answer: the library's, or the LibraryRaises with which it ended."""
    try:
        if not isinstance(answer, Exception):
            _compare(fovea.answer(answer), answer)
            return Outcome("equal")
        fovea.run("embed", "-o", fovea.folder / "features.npy")  # with a head or without one
        return Outcome("WRONG", f"fovea answers where the library raises: {answer}"[:400])
    except Refused as refusal:
        if isinstance(answer, Exception):
            return Outcome("library raises", str(refusal), str(answer))
        return Outcome("refused", str(refusal))
    except Wrong as wrong:
        return Outcome("WRONG", str(wrong))
