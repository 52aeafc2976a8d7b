"""tools/test_spark's proof: kills a Spark job, runs it again, and compares its rows with the program's."""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import time

import pyarrow.compute
from pyspark.sql import SparkSession

from proof_pictures import make_pictures
from proof_rows import EXAMPLES, Work, compare, programs_rows


os.environ["PYSPARK_PYTHON"] = sys.executable  # Spark's workers need the same packages


def drive(pictures, out):
    """The example, as a user starts it, in a process group of its own: Java belongs to it."""
    log = open(f"{out}.log", "ab")
    return subprocess.Popen([sys.executable, EXAMPLES / "spark_folder.py", pictures, out], stdout=log, stderr=log,
                            start_new_session=True)


def batches_of(out):
    return len([path for path in (out / "_spark_metadata").glob("*") if path.name.isdigit()])


def rows_of(out):
    """As Spark reads them, with the paths as the program spells them."""
    spark = SparkSession.builder.appName("rows").getOrCreate()
    table = spark.read.parquet(str(out)).toArrow()
    spark.stop()
    for name in ("path", "error_message"):
        plain = pyarrow.compute.replace_substring_regex(table[name], "^file:/+", "/")
        table = table.set_column(table.schema.get_field_index(name), name, plain)
    return table


def without_empty(rows):
    """Spark's binaryFile passes over files of 0 bytes: they never reach fovea."""
    has_bytes = [os.path.getsize(path) > 0 for path in rows["path"].to_pylist()]
    print(f"{has_bytes.count(False)} empty files, which Spark's binaryFile passes over, have no row")
    return rows.filter(has_bytes)


def prove(work, count):
    pictures, out = work / "pictures", work / "rows"
    make_pictures(pictures, count)
    expected = without_empty(programs_rows(pictures, work / "batch"))
    begin = time.monotonic()
    driver = drive(pictures, out)
    while batches_of(out) == 0 and driver.poll() is None:
        time.sleep(0.05)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    print(f"Spark killed (SIGKILL) with {batches_of(out)} batches written, {time.monotonic() - begin:.0f} s")
    for rerun in ("the same command again", "and once more, when all is done"):
        driver = drive(pictures, out)
        if driver.wait(900) != 0:
            print(pathlib.Path(f"{out}.log").read_text()[-3000:])
            return 1
        print(f"{rerun}: {batches_of(out)} batches written, {time.monotonic() - begin:.0f} s")
    return compare(rows_of(out), expected)


def main():
    parser = argparse.ArgumentParser(prog="tools/test_spark")
    parser.add_argument("--pictures", type=int, default=2500, help="every 50th is broken")
    args = parser.parse_args()
    with Work() as work:
        return 1 if prove(work, args.pictures) else 0


if __name__ == "__main__":
    sys.exit(main())
