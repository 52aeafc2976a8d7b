"""What tools/test_ray and tools/test_spark compare: the rows of `fovea batch`, and a folder of Parquet files."""

import io
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pyarrow
import pyarrow.dataset
import pyarrow.parquet

EXAMPLES = pathlib.Path(__file__).resolve().parent / "examples"


class Work:
    """A folder that is gone afterwards."""

    def __enter__(self):
        self._folder = tempfile.mkdtemp(prefix="fovea-proof-")
        return pathlib.Path(self._folder)

    def __exit__(self, *_):
        shutil.rmtree(self._folder, ignore_errors=True)


def programs_rows(pictures, out):
    """The rows that the program in the wheel gives, as an Arrow table."""
    subprocess.run([sys.executable, "-m", "fovea", "batch", pictures, "-o", out, "-q"], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)  # ends with 1, because some are broken
    subprocess.run([sys.executable, "-m", "fovea.parquet", out], check=True, stdout=subprocess.DEVNULL)
    return pyarrow.parquet.read_table(out / "results.parquet")


def committed(out):
    """The Parquet files that are there under their final names."""
    return [path for path in out.rglob("*.parquet") if not path.name.endswith(".pending.parquet")
            and not any(part.startswith(("_", ".")) for part in path.relative_to(out).parts)]


def table_of(out):
    return pyarrow.concat_tables([pyarrow.parquet.read_table(path) for path in committed(out)])


def parquet_bytes(table, names):
    """The table's columns, by path, as the bytes of one Parquet file."""
    file = io.BytesIO()
    pyarrow.parquet.write_table(table.select(names).sort_by("path").combine_chunks(), file)
    return file.getvalue()


def compare(rows, expected):
    """@return  the number of things that are wrong, after printing them"""
    names = ["path", *(name for name in expected.schema.names if name in rows.schema.names and name != "path")]
    paths = rows["path"].to_pylist()
    twice, missing = len(paths) - len(set(paths)), len(set(expected["path"].to_pylist()) - set(paths))
    cast = rows.select(names).cast(expected.select(names).schema)
    same = parquet_bytes(cast, names) == parquet_bytes(expected, names)
    broken = sum(code is not None for code in rows["error_code"].to_pylist())
    print(f"{len(paths)} rows, {broken} of them errors; {twice} twice, {missing} missing; as Parquet, "
          f"{'equal to' if same else 'DIFFERENT from'} the program's rows byte for byte ({', '.join(names)})")
    return twice + missing + (not same)
