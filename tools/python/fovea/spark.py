"""fovea in Spark's mapInArrow.

    df = spark.read.format("binaryFile").load(folder)
    df.mapInArrow(fovea.spark.predict(), fovea.spark.schema(df)).write.parquet(out)

Spark hands over batches of `spark.sql.execution.arrow.maxRecordsPerBatch` rows, 10,000 by default. Set it to 64: a batch
lies in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fovea.predictor import Predictor, arrow_fields

_SQL = {"int32": "int", "float": "float", "string": "string", "list<item: string>": "array<string>",
        "list<item: float>": "array<float>", "list<element: float>": "array<float>"}


def predict(model: str = "vit_tiny_tin200", **options: Any) -> Callable[[Iterator], Iterator]:
    """A function for mapInArrow over the columns of `binaryFile`.

    Args:
        model, options: as of `Predictor`. The model is loaded once in each Python worker.
    """
    arguments = {"bytes_column": "content", "path_column": "path", **options}

    def batches(tables: Iterator) -> Iterator:
        predictor = Predictor(model, **arguments)
        import pyarrow
        for batch in tables:
            yield from predictor(pyarrow.Table.from_batches([batch])).to_batches()
    return batches


def schema(frame: Any, *, keep_bytes: bool = False) -> str:
    """What the frame becomes: its own columns, and those of `Predictor` without options."""
    own = [f"`{field.name}` {field.dataType.simpleString()}" for field in frame.schema.fields
           if keep_bytes or field.name != "content"]
    extra = [f"{name} {_SQL[str(kind)]}" for name, kind in arrow_fields().items()
             if name not in ("embedding", "map", "overlay")]
    return ", ".join(own + extra)
