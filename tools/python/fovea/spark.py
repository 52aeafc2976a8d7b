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


def schema(frame: Any, *, bytes_column: str = "content", keep_bytes: bool = False, embeddings: bool = False,
           explain: str | None = None, overlay_dir: Any = None, **options: Any) -> str:
    """What the frame becomes: its own columns, and those that `Predictor` adds.

    Args:
        options: as of `predict`.
    """
    own = [f"`{field.name}` {field.dataType.simpleString()}" for field in frame.schema.fields
           if keep_bytes or field.name != bytes_column]
    chosen = {"embedding": embeddings, "map": explain, "overlay": overlay_dir}
    return ", ".join(own + [f"{name} {_sql(kind)}" for name, kind in arrow_fields(chosen).items()])


def _sql(kind: Any) -> str:
    """Arrow's type in Spark's words."""
    import pyarrow
    if pyarrow.types.is_list(kind):
        return f"array<{_sql(kind.value_type)}>"
    return {"int32": "int"}.get(str(kind), str(kind))
