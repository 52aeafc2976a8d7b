"""Keeps small draws with their library's answers. tests/golden/oracle_test.cpp runs them without Python."""
import json
import shutil

import numpy

SAMPLE = 64  # draws
BYTES = 60_000  # of a model, at most
HALF = {"file.dtype": "float16"}
SMALL = {  # keys that make the weights of each kind small
    "timm": {"args.embed_dim": 24, "args.depth": 1, "args.num_heads": 2, **HALF},
    "transformers": {"args.hidden_size": 24, "args.num_hidden_layers": 1, "args.num_attention_heads": 2,
                     "args.intermediate_size": 32, **HALF},
    "open_clip": {"vision.width": 24, "vision.head_width": 12, "vision.layers": 1, **HALF},
    "timm_wrapper": {"args.embed_dim": 24, "args.depth": 1, **HALF},
    "torchvision": HALF,  # its heads are too wide for a small file: tests/golden/families has one
}


def chosen(rows):
    """Equal draws, each with a family or a value that those before it lack; those with the most new ones first."""
    left = [(row, {("family", row["family"]), *((k, str(v)) for k, v in row["keys"].items())})
            for row in sorted(rows, key=lambda row: row["seed"]) if row["verdict"] == "equal" and row["kind"] != "torchvision"]
    seen, sample = set(), []
    while left and len(sample) < SAMPLE:
        best = max(range(len(left)), key=lambda i: len(left[i][1] - seen))
        row, has = left.pop(best)
        if not has - seen:
            break
        seen |= has
        sample.append(row)
    return sample


def keep(folder, row, target):
    """Adds a draw to target/index.json and its files to target/SEED, unless they are too large."""
    files = [path for path in (folder / "model").rglob("*") if path.is_file()]
    expected = json.loads((folder / "expected.json").read_text())
    if sum(path.stat().st_size for path in files) > BYTES or (folder / expected["picture"]).stat().st_size > BYTES:
        return
    name = row["seed"].replace(":", "-").replace("'", "a")
    shutil.rmtree(target / name, ignore_errors=True)
    shutil.copytree(folder / "model", target / name / "model")
    shutil.copy(folder / expected["picture"], target / name)
    for array in ("logits", "probabilities", "features"):
        path = folder / f"expected_{array}.npy"
        expected[array] = [float(f"{v:.9g}") for v in numpy.load(path).flatten()] if path.exists() else None
    index_path = target / "index.json"
    index = json.loads(index_path.read_text()) if index_path.exists() else {}
    index[name] = {"family": row["family"], "keys": row["keys"], **expected}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in sorted(index.items())]
    index_path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
