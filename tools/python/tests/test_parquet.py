"""`python -m fovea.parquet`: the rows of the program are those of Predictor, to the bit."""

import json
import pathlib
import subprocess
import sys

import pytest

import fovea
from test_predictor import BROKEN, SAMPLES

pyarrow = pytest.importorskip("pyarrow")
import pyarrow.parquet  # noqa: E402


def run(*arguments):
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """A folder of pictures, and what `fovea batch` makes of it."""
    folder = tmp_path_factory.mktemp("batch")
    (folder / "pictures").mkdir()
    for i, picture in enumerate([path.read_bytes() for path in SAMPLES] + BROKEN):
        (folder / f"pictures/{i:02}.jpg").write_bytes(picture)
    result = run("-m", "fovea", "batch", folder / "pictures", "-o", folder / "out", "-q", "--precision", "f32")
    assert result.returncode == 1, result.stderr  # some are broken
    return folder


def test_the_programs_rows_are_the_predictors_to_the_bit(batch):
    result = run("-m", "fovea.parquet", batch / "out")
    assert result.returncode == 0 and result.stdout == f"{batch}/out/results.parquet\n", result.stderr
    rows = pyarrow.parquet.read_table(batch / "out/results.parquet")
    files = sorted((batch / "pictures").iterdir())
    assert rows["path"].to_pylist() == [str(file) for file in files] and rows["index"].to_pylist() == list(range(len(files)))
    predictor = fovea.Predictor(precision="f32")
    table = pyarrow.table({"bytes": pyarrow.array([file.read_bytes() for file in files], pyarrow.binary()),
                           "path": [str(file) for file in files]})
    assert rows.select(["path", *predictor.arrow_schema().names]).equals(predictor(table))
    overlays = rows["overlay"].to_pylist()
    assert (batch / "out" / overlays[0]).is_file() and overlays[-1] is None


def test_a_path_that_is_no_utf8_keeps_its_bytes(batch, tmp_path):
    row = {"schema": 1, "type": "error", "index": 0, "path": "\ufffd.jpg", "path_base64": "/y5qcGc=", "code": "decode",
           "message": "", "hint": ""}
    (tmp_path / "results.jsonl").write_text(json.dumps(row) + "\n")
    assert run("-m", "fovea.parquet", tmp_path, tmp_path / "rows.parquet").returncode == 0
    assert pyarrow.parquet.read_table(tmp_path / "rows.parquet")["path_base64"].to_pylist() == ["/y5qcGc="]


def test_what_are_no_rows_is_refused_by_name(tmp_path):
    result = run("-m", "fovea.parquet", tmp_path)
    assert result.returncode == 3 and f"{tmp_path}/results.jsonl: no such file" in result.stderr
    (tmp_path / "results.jsonl").write_text('{"schema":1,"type":"summary"}\n{"schema":2}\n')
    result = run("-m", "fovea.parquet", tmp_path)
    assert result.returncode == 3 and "line 2 is" in result.stderr
    assert run("-m", "fovea.parquet", tmp_path, "no/such.parquet").returncode == 3
    assert [path.name for path in tmp_path.iterdir()] == ["results.jsonl"]
    assert run("-m", "fovea.parquet").returncode == 2


def test_duckdb_reads_the_programs_rows(batch, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    line = next(line for line in (pathlib.Path(__file__).resolve().parents[3] / "GUIDE.md").read_text().splitlines()
                if line.startswith("copy (") and "read_json" in line)
    duckdb.sql(line.replace("out/", f"{tmp_path}/").replace(f"{tmp_path}/results.jsonl", f"{batch}/out/results.jsonl"))
    (file,) = tmp_path.glob("*.parquet")
    rows = pyarrow.parquet.read_table(file)
    assert len(rows) == len(SAMPLES) + len(BROKEN) and "predictions" in rows.column_names
