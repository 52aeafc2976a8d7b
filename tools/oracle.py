#!/usr/bin/env python3
"""Draws models at random, lets their own library save and run them, and compares fovea from the picture to the row.

    tools/oracle --draws 3000 --seed 1 --jobs 2       # installs the libraries into build/oracle-env first
    tools/oracle --replay 1:17                        # one draw again, with everything that it leaves

Each draw ends as `equal`, as `refused` (fovea names what it does not compute), as `library raises` (fovea must refuse it,
too) or as WRONG. A wrong draw is shrunk to the keys that make it wrong, and written to DIR/wrong with the model, the
picture, the library's answer and the command.
"""
import argparse
import collections
import dataclasses
import json
import multiprocessing
import os
import pathlib
import shlex
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
KINDS = {"timm": 0.46, "transformers": 0.36, "open_clip": 0.1, "timm_wrapper": 0.05, "torchvision": 0.03}  # shares of the draws
NOTHING = "nothing built"  # the library refuses the arguments: there is no file to read
FIXED = ("class",)  # a draw without it is another model, not a smaller one


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=300, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="processes, one thread each")
    parser.add_argument("--only", metavar="KIND", help=f"{', '.join(KINDS)}, or a family such as dinov2")
    parser.add_argument("--replay", metavar="SEED:N", help="one draw, as its folder or the table names it")
    parser.add_argument("--freeze", type=pathlib.Path, metavar="DIR", help="also keep small equal draws as tests")
    parser.add_argument("--fovea", type=pathlib.Path, default=ROOT / "tools" / "fovea", help="the program")
    parser.add_argument("-o", type=pathlib.Path, default=ROOT / "build" / "oracle", dest="output", metavar="DIR")
    return parser.parse_args()


def library(kind):
    import importlib
    return importlib.import_module(f"oracle_{kind}")


def draw_of(seed, options):
    import oracle_draws
    import oracle_freeze
    import oracle_layouts
    import oracle_pictures
    only = options.only
    rng = oracle_draws.random.Random(seed)
    kind = only if only in KINDS else rng.choices(list(KINDS), KINDS.values())[0]
    if only and only not in KINDS:
        kind = next((k for k in KINDS if only in library(k).families()), None)
        if kind is None:
            sys.exit(f"oracle: --only is '{only}', expected one of {', '.join(KINDS)} or a family's name")
    family = only if only and only not in KINDS else rng.choice(library(kind).families())
    keys = library(kind).draw_keys(rng, family)
    keys |= oracle_draws.pick(rng, oracle_layouts.SPACE, rng.choice([0, 0, 0.2]))
    keys |= oracle_draws.pick(rng, oracle_pictures.SPACE, 0.3)
    if options.freeze:
        keys |= oracle_freeze.SMALL[kind]
    return oracle_draws.Draw(seed, kind, family, keys)


def run(draw, folder, program):
    """Leaves the library's folder, fovea's model, the picture and the answer in `folder`."""
    import oracle_draws
    import oracle_fovea
    import oracle_layouts
    import oracle_pictures
    from PIL import Image
    kind = library(draw.kind)
    try:
        kind.make(draw, folder / "library")
    except Exception as error:
        return oracle_fovea.Outcome(NOTHING, repr(error))
    picture = oracle_pictures.write(draw, folder)
    try:
        answer = kind.answer(draw, folder / "library", Image.open(picture))
    except Exception as error:
        answer = oracle_draws.LibraryRaises("loads or runs", error)
        answer.options = getattr(error, "options", ())
    model = oracle_layouts.write(draw, folder / "library", folder / "model", kind.STEMS)
    fovea = oracle_fovea.Fovea(program, model, picture, folder, getattr(answer, "options", ()))
    if not isinstance(answer, Exception):
        answer.save(folder, model=str(model.relative_to(folder)), picture=picture.name)
    write_command(draw, folder, fovea, isinstance(answer, oracle_draws.Answer) and answer.logits is not None)
    return oracle_fovea.judge(fovea, answer)


def write_command(draw, folder, fovea, classifies):
    """The draw and one command, for people."""
    (folder / "draw.json").write_text(draw.text() + "\n")
    verb = ["classify"] if classifies else ["embed", "-o", "features.npy"]
    command = ["fovea", *verb, *fovea.options, "-m", str(fovea.model.relative_to(folder)), fovea.picture.name]
    (folder / "run.sh").write_text(shlex.join(command) + "\n")


def run_apart(draw, program, keep=None):
    """In a folder of its own, which becomes `keep` or goes."""
    with tempfile.TemporaryDirectory(prefix="oracle-") as name:
        folder = pathlib.Path(name)
        outcome = run(draw, folder, program)
        if keep:
            shutil.rmtree(keep, ignore_errors=True)
            shutil.copytree(folder, keep)
        return outcome


def folder_name(seed):
    return seed.replace(":", "-").replace("'", "a")


def shrink(draw, program):
    """The draw without every key that it is wrong without."""
    for key in list(draw.keys):
        smaller = draw.without(key)
        if key not in FIXED and run_apart(smaller, program).verdict == "WRONG":
            draw = smaller
    return draw


def start_job():
    os.nice(max(0, 15 - os.nice(0)))  # whatever runs beside it comes first
    os.environ["OMP_NUM_THREADS"] = "1"
    import logging
    import torch
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)


def one(task):
    """One draw to its end, as a row."""
    seed, options = task
    draw = draw_of(seed, options)
    outcome = run_apart(draw, options.fovea)
    while outcome.verdict == NOTHING:
        seed += "'"
        draw = draw_of(seed, options)
        outcome = run_apart(draw, options.fovea)
    if outcome.verdict == "WRONG":
        draw = shrink(draw, options.fovea)
        outcome = run_apart(draw, options.fovea, options.output / "wrong" / folder_name(seed))
    return {**dataclasses.asdict(draw), **dataclasses.asdict(outcome), "row": outcome.row}


def table(rows):
    """Markdown: verdicts by kind, then refusals by reason."""
    verdicts = ["equal", "refused", "library raises", "WRONG"]
    count = collections.Counter((row["kind"], row["verdict"]) for row in rows)
    lines = [f"| drawn from | draws | {' | '.join(verdicts)} |", "| --- " * (len(verdicts) + 2) + "|"]
    for kind in KINDS:
        numbers = [count[kind, verdict] for verdict in verdicts]
        if sum(numbers):
            lines.append(f"| {kind} | {sum(numbers)} | {' | '.join(map(str, numbers))} |")
    totals = [sum(count[kind, verdict] for kind in KINDS) for verdict in verdicts]
    lines.append(f"| all | {len(rows)} | {' | '.join(map(str, totals))} |")
    for verdict, title in (("refused", "fovea refuses"), ("library raises", "the library raises, and fovea says"),
                           ("WRONG", "WRONG")):
        reasons = collections.Counter(row["row"] for row in rows if row["verdict"] == verdict)
        lines += ["", f"| {title} | draws |", "| --- | --- |"] if reasons else []
        lines += [f"| {reason.replace('|', '/')} | {n} |" for reason, n in reasons.most_common()]
    return "\n".join(lines) + "\n"


def versions():
    import importlib.metadata as metadata
    packages = ("torch", "timm", "transformers", "open_clip_torch", "torchvision", "pillow")
    return ", ".join(f"{package} {metadata.version(package)}" for package in packages)


def main():
    options = parse_arguments()
    options.output.mkdir(parents=True, exist_ok=True)
    options.output, options.fovea = options.output.resolve(), options.fovea.resolve()
    if options.replay:
        start_job()
        draw = draw_of(options.replay, options)
        folder = options.output / "replay" / folder_name(options.replay)
        outcome = run_apart(draw, options.fovea, folder)
        print(draw.text(), f"{outcome.verdict}: {outcome.reason}", folder, sep="\n")
        return outcome.verdict == "WRONG"
    tasks = [(f"{options.seed}:{i}", options) for i in range(options.draws)]
    rows = []
    with multiprocessing.get_context("spawn").Pool(options.jobs, start_job) as pool, \
            open(options.output / "rows.jsonl", "w") as file:
        for row in pool.imap_unordered(one, tasks):
            rows.append(row)
            file.write(json.dumps(row) + "\n")
            file.flush()
            if row["verdict"] == "WRONG":
                print(f"WRONG {row['seed']} {row['family']} {json.dumps(row['keys'])}: {row['reason']}", flush=True)
    if options.freeze:
        import oracle_freeze
        for row in oracle_freeze.chosen(rows):
            with tempfile.TemporaryDirectory(prefix="oracle-") as name:
                run(draw_of(row["seed"], options), pathlib.Path(name), options.fovea)
                oracle_freeze.keep(pathlib.Path(name), row, options.freeze)
    text = f"{len(rows)} draws, seed {options.seed}; {versions()}\n\n{table(rows)}"
    (options.output / "table.md").write_text(text)
    print(text)
    return any(row["verdict"] == "WRONG" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
