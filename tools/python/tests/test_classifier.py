"""The package beside its program: the same numbers to the bit, whatever form a picture comes in."""

import json
import multiprocessing
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import threading
import time

import numpy
import pytest

import fovea

ROOT = pathlib.Path(__file__).resolve().parents[3]
SAMPLES = sorted((ROOT / "samples").glob("*.jpg"))
CAT = str(ROOT / "samples" / "cat_and_espresso.jpg")


@pytest.fixture(scope="module")
def classifier():
    return fovea.Classifier(precision="f32")


def program(*arguments, **options):
    """Standard output of the program in the package."""
    command = [sys.executable, "-c", "from fovea._program import main; main()", *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, **options).stdout.decode()


def rows(*arguments):
    return [json.loads(line) for line in program(*arguments, "--precision", "f32", "-f", "jsonl").splitlines()][:-1]


def test_classes_and_logits_are_the_programs_to_the_bit(classifier, tmp_path):
    expected = rows("classify", *SAMPLES, "--save-logits", tmp_path / "logits.npy")
    results = classifier.classify(SAMPLES)
    for row, result in zip(expected, results, strict=True):
        assert (result.size[1], result.size[0]) == (row["width"], row["height"])
        assert len(result.predictions) == 5
        for want, got in zip(row["predictions"], result.predictions, strict=True):
            assert (got.class_index, got.label, got.synset) == (want["class_index"], want["label"], want["synset"])
            assert numpy.float32(got.probability) == numpy.float32(want["probability"])
    logits = numpy.load(tmp_path / "logits.npy")
    assert numpy.array_equal(numpy.stack(classifier.logits(SAMPLES)), logits)
    assert numpy.array_equal(classifier.logits(SAMPLES[0]), logits[0])
    assert results[0].probabilities.dtype == numpy.float32 and abs(results[0].probabilities.sum() - 1) < 1e-5


def test_features_are_the_programs_to_the_bit(classifier, tmp_path):
    for pool in ("head", "cls", "mean", "tokens"):
        rows("embed", *SAMPLES, "-o", tmp_path / "features.npy", "--pool", pool)
        assert numpy.array_equal(numpy.stack(classifier.embed(SAMPLES, pool)), numpy.load(tmp_path / "features.npy"))


def test_maps_and_overlays_are_the_programs_to_the_bit(classifier, tmp_path):
    image = pytest.importorskip("PIL.Image")
    rows("explain", CAT, "-o", tmp_path, "--method", "rollout", "--method", "generic", "--target", "tabby", "--save-map")
    explanation = classifier.explain(CAT, ["rollout", "generic"], targets="tabby")
    for map_, stem in zip(explanation.maps, ("rollout", "generic.30"), strict=True):
        assert numpy.array_equal(map_.values, numpy.load(tmp_path / f"cat_and_espresso.jpg.{stem}.npy"))
        drawn = numpy.asarray(image.open(tmp_path / f"cat_and_espresso.jpg.{stem}.png"))
        assert numpy.array_equal(map_.overlay(), drawn)
    assert explanation.maps[0].target is None and explanation.maps[1].target.label == "tabby"
    assert explanation.geometry.original == (300, 365) and explanation.geometry.crop == (224, 224)
    assert explanation.maps[1].overlay(style="contour", caption=False).shape == (300, 365, 3)
    libra = classifier.explain(CAT, targets=["tabby", 0], against="top1")
    assert [(m.method, m.is_signed, m.target.class_index) for m in libra.maps] == [("libra", True, 30), ("libra", True, 0)]
    parts = libra.maps[0].sum
    assert abs(parts.patches + parts.prefix + parts.biases - parts.score) < 1e-3


def test_a_notebook_shows_explanations(classifier):
    one = classifier.explain(CAT)
    many = classifier.explain(CAT, ["rollout", "attention"])
    for shown in (one, many, one.maps[0]):
        assert shown._repr_png_().startswith(b"\x89PNG\r\n\x1a\n")
    assert one._repr_png_() == one.maps[0]._repr_png_() != many._repr_png_()


class OnlyDLPack:
    """An array of some other library."""

    def __init__(self, array):
        self._array = array

    def __dlpack__(self, **options):
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


def test_a_picture_is_a_path_bytes_or_an_array(classifier):
    content = pathlib.Path(CAT).read_bytes()
    pixels = classifier.explain(CAT).picture
    assert pixels.dtype == numpy.uint8 and pixels.shape == (300, 365, 3)
    read_only = pixels.copy()
    read_only.flags.writeable = False
    strided = numpy.zeros((600, 365, 4), numpy.uint8)
    strided[::2, :, 2::-1] = pixels
    forms = [CAT, pathlib.Path(CAT), content, bytearray(content), memoryview(content),
             numpy.frombuffer(content, numpy.uint8), pixels, read_only, strided[::2, :, 2::-1],
             numpy.asfortranarray(pixels), OnlyDLPack(pixels)]
    expected = classifier.logits(CAT)
    for i, logits in enumerate(classifier.logits(forms)):
        assert numpy.array_equal(logits, expected), i


def test_what_is_no_picture_is_a_type_error_that_names_it(classifier):
    for wrong, what in ((3, "int"), (None, "NoneType"), (numpy.zeros((4, 4, 3)), r"float64\[4, 4, 3\]"),
                        (numpy.zeros((4, 4), numpy.uint8), r"uint8\[4, 4\]"),
                        (numpy.zeros((4, 4, 4), numpy.uint8), r"uint8\[4, 4, 4\]"),
                        (numpy.zeros((0, 4, 3), numpy.uint8), r"uint8\[0, 4, 3\]")):
        with pytest.raises(TypeError, match=f"picture 1: is .*{what}.*, expected a path"):
            classifier.classify([CAT, wrong])


def test_one_picture_raises_its_error_and_of_many_each_has_its_own(classifier):
    with pytest.raises(fovea.Error, match="no.jpg: no such file") as raised:
        classifier.classify("no.jpg")
    assert raised.value.code == "not_found"
    results = classifier.classify([CAT, "no.jpg", b"no picture", CAT])
    assert [getattr(result, "code", None) for result in results] == [None, "not_found", "decode", None]
    expected = rows("classify", CAT, "no.jpg")[1]
    assert (results[1].message, results[1].hint) == (expected["message"], expected["hint"])
    assert numpy.array_equal(results[0].logits, results[3].logits)
    assert classifier.classify([]) == []


def test_what_is_wrong_with_a_call_is_raised(classifier):
    for call, what in ((lambda: classifier.explain(CAT, "rolout"), "rolout"),
                       (lambda: classifier.explain([CAT], targets="unicorn"), "unicorn"),
                       (lambda: classifier.explain(CAT, depth=3), "the option 'depth' is unknown"),
                       (lambda: classifier.embed(CAT, "max"), "pool is 'max'"),
                       (lambda: classifier.explain(CAT).maps[0].overlay("dots"), "style is 'dots'"),
                       (lambda: fovea.Classifier("no/model"), "no/model"),
                       (lambda: fovea.Classifier(precision="f16"), "precision is 'f16'"),
                       (lambda: fovea.Classifier(threads=0), "threads is 0")):
        with pytest.raises(fovea.Error, match=what):
            call()


def test_paths_need_not_be_utf8(classifier, tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff.jpg"
    with open(name, "wb") as file:
        file.write(pathlib.Path(CAT).read_bytes())
    assert numpy.array_equal(classifier.logits(os.fsdecode(name)), classifier.logits(CAT))


def test_results_outlive_the_classifier():
    classifier = fovea.Classifier()
    explanation = classifier.explain(CAT)
    logits = classifier.logits(CAT)
    del classifier
    assert logits.sum() == logits.copy().sum() and explanation.maps[0].overlay().shape[2] == 3


def test_other_threads_run_meanwhile_and_share_a_classifier(classifier):
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.wait(0.001):
            ticks.append(time.monotonic())
    ticker = threading.Thread(target=tick)
    ticker.start()
    results = []
    workers = [threading.Thread(target=lambda: results.append(classifier.logits(CAT))) for _ in range(4)]
    begin = time.monotonic()
    for worker in workers:
        worker.start()
    classifier.explain(CAT, "rise", targets="tabby")
    for worker in workers:
        worker.join()
    end = time.monotonic()
    stop.set()
    ticker.join()
    assert all(numpy.array_equal(result, results[0]) for result in results) and len(results) == 4
    assert sum(begin < moment < end for moment in ticks) > 10


def run_python(script, **options):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, **options)


def test_it_works_without_numpy():
    result = run_python(f"""
import sys
sys.modules["numpy"] = None
import fovea
classifier = fovea.Classifier(precision="f32")
logits = classifier.logits({CAT!r})
features = classifier.embed({CAT!r}, "tokens")
print(type(logits).__name__, len(logits), len(features), len(features[0]), classifier.classify({CAT!r}).best.label)
""")
    assert result.stdout == "list 200 196 192 espresso\n", result.stderr


def logits_in_child(queue, pickled):
    try:
        queue.put(pickle.loads(pickled).logits(CAT).tolist())
    except fovea.Error as error:
        queue.put(str(error))


def test_a_fork_is_refused_and_a_spawned_process_works(classifier):
    answers = {}
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        child = context.Process(target=logits_in_child, args=(queue, pickle.dumps(classifier)))
        child.start()
        answers[method] = queue.get(timeout=60)
        child.join(60)
    assert "is a fork of process" in answers["fork"] and "spawn" in answers["fork"]
    assert answers["spawn"] == classifier.logits(CAT).tolist()


def test_it_runs_beside_torch_imported_before_or_after(classifier):
    pytest.importorskip("torch")
    expected = classifier.logits(CAT).tolist()
    for order in ("torch, fovea", "fovea, torch"):
        result = run_python(f"""
import {order}
a = torch.rand(500, 500)
print((a @ a).shape[0], fovea.Classifier(precision="f32").logits({CAT!r}).tolist(), (a @ a).shape[0])
""")
        assert result.stdout == f"500 {expected} 500\n", result.stderr


def test_a_process_may_fork_before_it_uses_fovea():
    result = run_python(f"""
import os, fovea
if os.fork() == 0:
    fovea.Classifier().classify({CAT!r})
    os._exit(0)
print(os.waitstatus_to_exitcode(os.wait()[1]), fovea.Classifier().classify({CAT!r}).best.label)
""")
    assert result.stdout == "0 espresso\n", result.stderr


def test_control_c_ends_a_call_and_the_next_one_works():
    script = f"""
import time, fovea
classifier = fovea.Classifier()
print("ready", flush=True)
begin = time.monotonic()
try:
    classifier.explain([{CAT!r}] * 500, "rise", targets="tabby")
    print("went on")
except KeyboardInterrupt:
    print("stopped", time.monotonic() - begin < 20, classifier.classify({CAT!r}).best.label)
"""
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    time.sleep(1)
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=60)[0] == "stopped True espresso\n"


def test_the_program_finds_the_packages_model(tmp_path):
    assert "espresso" in program("classify", CAT, cwd=tmp_path)
    assert program("--version").startswith("fovea " + fovea.__version__)
