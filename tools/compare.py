#!/usr/bin/env python3
"""Compares the speed of fovea, PyTorch (timm), ONNX Runtime and OpenVINO in one run on this machine, with the same
pictures and threads, turn by turn.

tools/compare installs the peers and starts this script. compare_contestants.py gives each contestant its turn,
compare_runners.py holds the peers' own code, and compare_table.py turns the times into tables.
"""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time

import compare_table
from compare_contestants import QUANTIZED, RUNNERS, Start, contestants

HERE = pathlib.Path(__file__).resolve().parent
PICTURES = {".jpg", ".jpeg", ".png"}
MOST_PICTURES = 200  # taken from a folder, evenly spread
MODELS = ["deit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch16_224"]


def stop(message, hint, code=3):
    print(f"compare: error: {message}\nhint: {hint}", file=sys.stderr)
    sys.exit(code)


def say(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


def choose(ways, seconds, row):
    """Opens every mode and tries it for a turn. The fastest mode stays open and is returned. The row records the times
    of the others, or why they failed.
    """
    best, least, tried, failed = None, float("inf"), {}, {}
    for way in ways:
        try:
            facts = way.open()
            tried[way.mode] = way.measure(seconds)["median"]
        except (RuntimeError, OSError) as error:
            failed[way.mode] = str(error)
            way.close()
            continue
        if tried[way.mode] >= least:
            way.close()
            continue
        if best:
            best.close()
        best, least = way, tried[way.mode]
        row.update(facts)
    if len(tried) > 1:
        row["tried_ms"] = tried
    if failed:
        row["failed"] = failed
    if best:
        row["mode"] = best.mode
    else:
        row["why"] = next(iter(failed.values()))
    return best


def take_turn(row, runner, seconds):
    if "why" in row:
        return
    time.sleep(0.05)  # the previous contestant's threads may still spin
    try:
        measured = runner.measure(seconds)
    except (RuntimeError, OSError) as error:  # half of the rounds are not a result
        row["why"] = f"ended in the middle: {error}"
        del row["rounds_ms"], row["best_ms"]
        return
    row["rounds_ms"].append(measured["median"])
    row["best_ms"] = min(row["best_ms"], measured["best"])
    if isinstance(runner, Start):
        row["peak_rss_mb"] = runner.peak_rss_mb


def compare_duty(duty, folder, options, log):
    """The rows of one duty: opens every contestant first, then runs the rounds."""
    rows, running = [], []
    with contextlib.ExitStack() as stack:
        for runner, precision, ways in contestants(duty, folder, options, log):
            row = {"runner": runner, "precision": precision}
            rows.append(row)
            log.flush()
            best = choose(ways, options.seconds, row)
            say(f"{duty}: {compare_table.name(row)}: " + (row["mode"] if best else row["why"]))
            if best:
                stack.callback(best.close)
                running.append((row, best))
                row.update({"rounds_ms": [], "best_ms": float("inf")})
        for turn in range(options.rounds):
            first = turn % len(running)
            for row, runner in running[first:] + running[:first]:
                take_turn(row, runner, options.seconds)
    return rows


def count_agreement(folder, options, log):
    """How often each runner finds PyTorch's class, running as it does in the latency duty."""
    rows = []
    for runner, precision, ways in contestants("latency", folder, options, log):
        row = {"runner": runner, "precision": precision}
        rows.append(row)
        try:
            with contextlib.closing(ways[0]) as way:
                way.open()
                row.update(way.agreement())
            say(f"agreement: {compare_table.name(row)}: {row['same_top1']} of {row['pictures']}")
        except (RuntimeError, OSError) as error:
            row["why"] = str(error)
    return rows


def quantize(folder, options, log):
    done = subprocess.run([options.fovea, "quantize", folder / "model", folder / QUANTIZED, "--calibrate",
                           options.calibration], stdout=log, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        say(f"fovea quantize failed, int8 is rounded as it is loaded: {done.stderr.strip()}")


def compare_model(model, options, log, versions):
    folder = options.work / "model"
    say(f"{model}: weights, ONNX, int8")
    is_trained = pathlib.Path(model).is_dir()
    files = {"images": options.images, "calibration": pictures_in(options.calibration),
             "agreement": pictures_in(options.agreement) if is_trained else []}
    listed = options.work / "pictures.json"
    listed.write_text(json.dumps(files, default=str))
    done = subprocess.run([sys.executable, RUNNERS, "prepare", model, folder, listed],
                          stdout=subprocess.PIPE, stderr=log, text=True)
    if done.returncode != 0:
        stop(f"{model} cannot be made by timm, see {log.name}",
             "--models takes names that timm knows, and timm's hub folders")
    facts = json.loads(done.stdout.splitlines()[-1])
    if options.calibration and "int8" in options.fovea_precisions:
        quantize(folder, options, log)
    if files["agreement"]:
        facts["agreement"] = count_agreement(folder, options, log)
    duties = {}
    for duty in options.duties:
        duties[duty] = compare_duty(duty, folder, options, log)
        for row in duties[duty]:
            if "version" in row:
                versions[row["runner"]] = row.pop("version")
    versions["timm"] = facts.pop("timm")
    shutil.rmtree(folder)
    return {"name": pathlib.Path(model).name, **facts, "duties": duties}


# ---- the machine, fovea, the command line

def pictures_in(folder):
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in PICTURES) if folder else []
    count = min(len(files), MOST_PICTURES)
    return [files[i * len(files) // count] for i in range(count)]


def fovea_facts(options):
    """Asks the program which precisions it offers, so that a new one is compared without a change here."""
    try:
        asked = subprocess.run([options.fovea, "bench", "-h"], capture_output=True, text=True, check=True).stdout
        version = subprocess.run([options.fovea, "--version", "-v"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        stop(f"{options.fovea} cannot be run: {error}", "--fovea takes the program, e.g. build/release/bin/fovea")
    offered = re.search(r"--precision\s+\{([^}]*)\}", asked)
    # What a cascade takes depends on the pictures: `fovea bench --folder` measures it.
    options.fovea_flagged = [name for name in offered[1].split("|") if name not in ("auto", "cascade")] if offered else []
    options.fovea_precisions = options.fovea_flagged or ["f32"]
    facts = dict(line.split(None, 1) for line in version.splitlines() if " " in line)
    return f"{facts['fovea']} ({facts['commit']}, {facts['backend']})", facts["isa"]


def cpu_name():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def parsed():
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(prog="tools/compare", description=__doc__.split("\n\n")[0].replace("\n", " "))
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="DIR",
                        help="where comparison.md, comparison.json and log.txt go")
    parser.add_argument("--models", nargs="+", metavar="MODEL",
                        help="timm's model names, run with random weights, or timm's hub folders (default: "
                        + " ".join(MODELS) + ")")
    parser.add_argument("--images", nargs="+", metavar="FILE",
                        help="pictures that go through the models (default: samples/*.jpg)")
    parser.add_argument("--calibration", type=pathlib.Path, metavar="DIR",
                        help="pictures to calibrate int8 with (default: the images for NNCF, none for fovea)")
    parser.add_argument("--agreement", type=pathlib.Path, metavar="DIR",
                        help=f"pictures, up to {MOST_PICTURES}, on which a runner should find PyTorch's class; a runner "
                        "that finds it too seldom is not compared. For models from folders: random weights say nothing")
    parser.add_argument("--duties", nargs="+", choices=compare_table.DUTIES, default=list(compare_table.DUTIES),
                        metavar="DUTY", help="one or more of " + ", ".join(compare_table.DUTIES) + " (default: all)")
    parser.add_argument("--threads", type=int, default=cores, metavar="N",
                        help="cores for each runner; the first N are used (default: all, %(default)s)")
    parser.add_argument("--seconds", type=float, metavar="S", help="seconds for a runner's turn in a round (default: 3)")
    parser.add_argument("--rounds", type=int, metavar="N", help="how many turns each runner has (default: 7)")
    parser.add_argument("--quick", action="store_true",
                        help="a first look: DeiT-tiny, 3 rounds of 0.5 s, no torch.compile")
    parser.add_argument("--fovea", default=HERE / "fovea", metavar="PROGRAM",
                        help="the program to compare (default: tools/fovea)")
    parser.add_argument("--table", type=pathlib.Path, metavar="FILE.json",
                        help="measure nothing; print the tables from this comparison.json")
    # Looks at the options only, before anything is installed.
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.table and not options.output:
        parser.error("-o DIR is missing, expected the folder for the tables")
    if not 1 <= options.threads <= cores:
        parser.error(f"--threads is {options.threads}, expected 1 to {cores}, the number of cores here")
    options.models = options.models or (MODELS[:1] if options.quick else MODELS)
    options.seconds = options.seconds or (0.5 if options.quick else 3)
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.compile = not options.quick
    samples = sorted((HERE.parent / "samples").glob("*.jpg"))
    options.images = [pathlib.Path(image) for image in options.images or samples]
    for image in options.images:
        if not options.table and not image.is_file():
            parser.error(f"{image}: no such file")
    for folder in (options.calibration, options.agreement):
        if folder and not pictures_in(folder):
            parser.error(f"{folder}: no pictures in it, expected files in " + ", ".join(sorted(PICTURES)))
    return options


def main():
    options = parsed()
    if options.check:
        return
    if options.table:
        comparison = compare_table.add_statistics(json.loads(options.table.read_text()))
        print(compare_table.markdown(comparison), end="")
        return
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
    options.output.mkdir(parents=True, exist_ok=True)
    version, isa = fovea_facts(options)
    versions = {"fovea": version, "Python": platform.python_version()}
    machine = {"cpu": cpu_name(), "isa": isa, "cores": os.cpu_count(), "load_before": os.getloadavg()[0]}
    comparison = {"schema": 1, "type": "comparison", "date": datetime.date.today().isoformat(), "machine": machine,
                  "versions": versions, "models": [],
                  "settings": {"threads": options.threads, "rounds": options.rounds, "seconds": options.seconds,
                               "pictures": len(options.images)}}
    with tempfile.TemporaryDirectory(prefix="fovea-compare-") as work, open(options.output / "log.txt", "w") as log:
        options.work = pathlib.Path(work)
        for model in options.models:
            comparison["models"].append(compare_model(model, options, log, versions))
            machine["load_after"] = os.getloadavg()[0]
            compare_table.add_statistics(comparison)  # written after each model: the next may take long
            text = json.dumps(comparison, indent=1, ensure_ascii=False) + "\n"
            (options.output / "comparison.json").write_text(text)
            (options.output / "comparison.md").write_text(compare_table.markdown(comparison))
    print(compare_table.markdown(comparison), end="")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
