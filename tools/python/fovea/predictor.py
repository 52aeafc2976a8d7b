"""Rows of pictures in, the same rows with classes out: for Ray Data's map_batches, and for anything with tables."""

from __future__ import annotations

import os
import pathlib
from typing import Any

from fovea._classifier import Classifier, Explanation, Picture
from fovea._errors import Error


class Predictor:
    """Classifies the pictures of a batch and answers in kind: a dict of numpy arrays, a pyarrow.Table or a
    pandas.DataFrame. Every row of the batch is one row of the answer. A picture that cannot be read has its error in
    `error_code` and `error_message`, and nulls elsewhere; it never ends the job.

        ds = ray.data.read_binary_files(folder, include_paths=True)
        ds.map_batches(fovea.Predictor, batch_format="pyarrow", batch_size=64, num_cpus=1,
                       compute=ray.data.ActorPoolStrategy(size=8)).write_parquet(out)

    The answer has the batch's own columns, without the pictures' bytes unless `keep_bytes` is set, and after them
    `class_index`, `label` and `probability` of the best class, `labels` and `probabilities` of the best `top_k`,
    `width` and `height` in pixels, `error_code` and `error_message`; with `embeddings` the `embedding`, with `explain`
    the `map` (rows of float32), and with `overlay_dir` the file `overlay`. An overlay is named after the row's path and
    is renamed into place, so doing a batch again changes nothing.

    It is pickled by its arguments: the model is loaded where the work is done.

    Args:
        model, precision, threads, top_k, exif, decode: as of `Classifier`. `threads` should be the worker's `num_cpus`.
        bytes_column: of encoded pictures; where the batch has none, pictures are read from `path_column`.
        path_column: names the overlays.
        explain: the method of a map for each picture; None: no maps.
        target: the class that the map is about; None: as the method has it.
    """

    def __init__(self, model: str | os.PathLike = "vit_tiny_tin200", *, top_k: int = 5, bytes_column: str = "bytes",
                 path_column: str = "path", keep_bytes: bool = False, embeddings: bool = False,
                 explain: str | None = None, target: str | None = None, overlay_dir: str | os.PathLike | None = None,
                 precision: str = "auto", threads: int | None = 1, exif: str = "apply",
                 decode: str = "exact") -> None:
        if overlay_dir is not None and explain is None:
            raise Error("usage", "overlay_dir is given without explain, expected a method beside it",
                        "explain='rollout' shows where the model looked")
        self._arguments = {name: value for name, value in locals().items() if name != "self"}
        self._bytes_column, self._path_column, self._keep_bytes = bytes_column, path_column, keep_bytes
        self._embeddings, self._explain, self._target, self._overlay_dir = embeddings, explain, target, overlay_dir
        self._classifier = Classifier(model, precision, threads, top_k=top_k, exif=exif, decode=decode)

    def __reduce__(self) -> tuple:
        return _make, (self._arguments,)

    def arrow_schema(self) -> Any:
        """The columns that it adds to an Arrow table: a pyarrow.Schema."""
        import pyarrow
        chosen = {"embedding": self._embeddings, "map": self._explain, "overlay": self._overlay_dir}
        return pyarrow.schema(arrow_fields(chosen).items())

    def __call__(self, batch: Any) -> Any:
        kind = _kind_of(batch)
        columns = kind.columns(batch)
        column = next((name for name in (self._bytes_column, self._path_column) if name in columns), None)
        if column is None:
            raise Error("usage", f"the batch has the columns {', '.join(columns)}, expected {self._bytes_column} or "
                                 f"{self._path_column}", "bytes_column and path_column name others")
        pictures = kind.values(batch, column)
        paths = kind.values(batch, self._path_column) if self._path_column in columns else [None] * len(pictures)
        answer = self._predict(pictures, paths)
        return kind.answer(batch, [self._bytes_column] if not self._keep_bytes else [], answer)

    def _predict(self, pictures: list[Picture], paths: list[str | None]) -> dict[str, list]:
        classifier, n = self._classifier, len(pictures)
        readable = [picture is not None for picture in pictures]
        given = [picture for picture in pictures if picture is not None]
        if self._explain is None:
            results = classifier.classify(given)
        else:
            results = classifier.explain(given, self._explain, targets=[self._target] if self._target else [])
        null = Error("unreadable", f"{_IN_MEMORY}: is null, expected bytes or a path")
        results = _spread(results, readable, null)
        classes = [result.classification if isinstance(result, Explanation) else result for result in results]
        fine = [result if not isinstance(result, Error) else None for result in classes]
        best = [result.best if result and result.predictions else None for result in fine]
        score = [p and (p.probability if p.value is None else p.value) for p in best]
        errors = [result if isinstance(result, Error) else None for result in classes]
        answer = {
            "class_index": [p and p.class_index for p in best],
            "label": [p and p.label for p in best],
            "probability": score,
            "labels": [r and [p.label for p in r.predictions] for r in fine],
            "probabilities": [r and [p.probability if p.value is None else p.value for p in r.predictions]
                              for r in fine],
            "width": [r and r.size[1] for r in fine],
            "height": [r and r.size[0] for r in fine],
            "error_code": [e and e.code for e in errors],
            "error_message": [e and _about(path, e) for path, e in zip(paths, errors)],
        }
        if self._embeddings:
            features = _spread(classifier.embed(given), readable, None)
            answer["embedding"] = [None if isinstance(f, Error) or f is None else f for f in features]
        if self._explain is not None:
            answer["map"] = [None if isinstance(r, Error) else [list(row) for row in r.maps[0].values]
                             for r in results]
        if self._overlay_dir is not None:
            answer["overlay"] = [None if isinstance(results[i], Error) else self._draw(results[i], paths[i])
                                 for i in range(n)]
        return answer

    def _draw(self, explanation: Explanation, path: str | None) -> str | None:
        if path is None:
            return None
        name = os.path.normpath(str(path).split("://")[-1]).lstrip("/").replace("../", "")
        file = pathlib.Path(self._overlay_dir) / f"{name}.{explanation.maps[0].method}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{file.name}.{os.getpid()}.part")
        part.write_bytes(explanation.maps[0]._repr_png_())
        os.replace(part, file)
        return str(file)


_IN_MEMORY = "picture in memory"  # as errors call a picture that was given as bytes


def _about(path: Any, error: Error) -> str:
    """What the program says of the file of this path."""
    if path is None or not error.message.startswith(_IN_MEMORY):
        return error.message
    return str(path) + error.message.removeprefix(_IN_MEMORY)


def _make(arguments: dict) -> Predictor:
    return Predictor(**arguments)


def _spread(values: list, there: list[bool], other: Any) -> list:
    """One of `values` in each place that has one, in their order."""
    rest = iter(values)
    return [next(rest) if is_there else other for is_there in there]


class _Dict:
    """A batch of numpy arrays."""

    @staticmethod
    def columns(batch: dict) -> list[str]:
        return list(batch)

    @staticmethod
    def values(batch: dict, column: str) -> list:
        return list(batch[column])

    @staticmethod
    def answer(batch: dict, without: list[str], answer: dict[str, list]) -> dict:
        import numpy
        table = {name: values for name, values in batch.items() if name not in without}
        for name, values in answer.items():
            table[name] = numpy.empty(len(values), dtype=object)
            for i, value in enumerate(values):
                table[name][i] = value
        return table


class _Pandas:
    @staticmethod
    def columns(batch: Any) -> list[str]:
        return list(batch.columns)

    @staticmethod
    def values(batch: Any, column: str) -> list:
        return list(batch[column])

    @staticmethod
    def answer(batch: Any, without: list[str], answer: dict[str, list]) -> Any:
        import pandas
        table = batch.drop(columns=[name for name in without if name in batch.columns])
        return table.assign(**{name: pandas.Series(values, index=table.index, dtype=object)
                               for name, values in answer.items()})


class _Arrow:
    @staticmethod
    def columns(batch: Any) -> list[str]:
        return batch.schema.names

    @staticmethod
    def values(batch: Any, column: str) -> list:
        import pyarrow
        values = batch.column(column)
        if not (pyarrow.types.is_binary(values.type) or pyarrow.types.is_large_binary(values.type)):
            return values.to_pylist()
        buffers = [scalar.as_buffer() for scalar in values]  # of the table itself: no picture is copied
        return [None if buffer is None else memoryview(buffer).cast("B") if buffer.size else b"" for buffer in buffers]

    @staticmethod
    def answer(batch: Any, without: list[str], answer: dict[str, list]) -> Any:
        import pyarrow
        fields = arrow_fields()
        names = [name for name in batch.schema.names if name not in without]
        arrays = [batch.column(name) for name in names]
        arrays += [pyarrow.array([None if v is None else list(v) if name == "embedding" else v for v in values],
                                 fields[name]) for name, values in answer.items()]
        return pyarrow.table(arrays, names=names + list(answer))


def arrow_fields(chosen: dict[str, Any] | None = None) -> dict[str, Any]:
    """The types of the columns that a Predictor adds to an Arrow table.

    Args:
        chosen: whether it adds `embedding`, `map` and `overlay`; None: all of them.
    """
    import pyarrow
    floats = pyarrow.list_(pyarrow.float32())
    fields = {"class_index": pyarrow.int32(), "label": pyarrow.string(), "probability": pyarrow.float32(),
            "labels": pyarrow.list_(pyarrow.string()), "probabilities": floats, "width": pyarrow.int32(),
            "height": pyarrow.int32(), "error_code": pyarrow.string(), "error_message": pyarrow.string(),
            "embedding": floats, "map": pyarrow.list_(floats), "overlay": pyarrow.string()}
    return {name: kind for name, kind in fields.items() if chosen is None or chosen.get(name, True)}


def _kind_of(batch: Any) -> Any:
    if isinstance(batch, dict):
        return _Dict
    module = type(batch).__module__.partition(".")[0]
    kinds = {"pyarrow": _Arrow, "pandas": _Pandas}
    if module in kinds:
        return kinds[module]
    raise Error("usage", f"the batch is a {type(batch).__name__}, expected a dict of arrays, a pyarrow.Table or a "
                         "pandas.DataFrame")
