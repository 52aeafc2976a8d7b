"""The rows of `fovea batch` as a Parquet file, in the columns of `fovea.Predictor`.

    python -m fovea.parquet OUT             # OUT/results.jsonl becomes OUT/results.parquet
    python -m fovea.parquet OUT FILE

Each picture is one row, in the order of the batch: `index` and `path` (and `path_base64`, the path's bytes, where it is no
UTF-8), the columns that `Predictor` adds, and `overlay`, the picture's first, as a name below OUT. Everything else that a row
says stays in results.jsonl. A batch of shards has to be merged before.
"""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

from fovea._errors import Error
from fovea.predictor import arrow_fields

_ROWS_AT_ONCE = 50_000


def write(out: str | os.PathLike, file: str | os.PathLike | None = None) -> pathlib.Path:
    """Writes the rows of the batch in `out` to `file`, which is replaced in one step.

    Returns:
        the file's path.
    Raises:
        Error: if there are no rows, or something that is no row of this version.
    """
    import pyarrow
    import pyarrow.parquet
    rows = pathlib.Path(out) / "results.jsonl"
    path = pathlib.Path(file) if file is not None else pathlib.Path(out) / "results.parquet"
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    schema = arrow_schema()
    if not rows.is_file():
        hint = "`fovea merge` makes it of a batch's shards" if (pathlib.Path(out) / "shards").exists() else ""
        raise Error("not_found", f"{rows}: no such file, expected the rows of a batch", hint)
    try:
        with open(rows, encoding="utf-8") as lines, pyarrow.parquet.ParquetWriter(part, schema) as writer:
            records = _records(lines, rows)
            while some := list(itertools.islice(records, _ROWS_AT_ONCE)):
                writer.write_table(pyarrow.Table.from_pylist(some, schema))
        os.replace(part, path)
    except OSError as error:
        raise Error("output", f"{path}: cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def arrow_schema() -> Any:
    """Of the file: a pyarrow.Schema."""
    import pyarrow
    added = arrow_fields({"embedding": False, "map": False})
    return pyarrow.schema({"index": pyarrow.int64(), "path": pyarrow.string(), "path_base64": pyarrow.string(), **added}.items())


def _records(lines: Any, rows: pathlib.Path) -> Iterator[dict]:
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or row.get("schema") != 1:
            raise Error("unreadable", f"{rows}: line {number} is {line[:40]!r}, expected a row of schema 1",
                        "run the batch again: it keeps the rows that are whole")
        if row["type"] in ("result", "error"):
            yield _record(row)


def _record(row: dict) -> dict:
    record = {name: row.get(name) for name in ("index", "path", "path_base64", "width", "height")}
    if row["type"] == "error":
        return {**record, "error_code": row["code"], "error_message": row["message"]}
    predictions = row["predictions"]
    scores = [p["probability"] if "probability" in p else p["value"] for p in predictions]
    if predictions:
        best = predictions[0]
        record.update(class_index=best["class_index"], label=best["label"], probability=scores[0])
    overlays = [map_["overlay"] for map_ in row.get("maps", []) if "overlay" in map_]
    return {**record, "labels": [p["label"] for p in predictions], "probabilities": scores,
            "overlay": overlays[0] if overlays else None}


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    try:
        print(write(*sys.argv[1:]))
    except Error as failure:
        print(f"fovea: error: {failure}", file=sys.stderr)
        sys.exit(3)
