"""Pictures in; classes, explanations and features out."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Union

from fovea._errors import Error
from fovea._load import core

try:
    import numpy
except ImportError:  # arrays are then lists of numbers
    numpy = None

PACKAGE = pathlib.Path(__file__).resolve().parent

# A path, the bytes of an image file, or an array uint8[height, width, 3] of numpy, PyTorch or anything with DLPack or
# the buffer protocol.
Picture = Union[str, os.PathLike, bytes, Any]


class Prediction(NamedTuple):
    """One class of a picture."""

    class_index: int
    label: str | None  #: the first of its names
    synset: str | None  #: WordNet's id, where it is known
    probability: float | None  #: None for a regression
    value: float | None  #: the output itself, of a regression


class Target(NamedTuple):
    """The class that a map is about."""

    class_index: int
    label: str | None


class Geometry(NamedTuple):
    """Where the model's input lies in the picture: `original` is resized to `resized`, and `crop` is cut out of that with
    its upper left corner at (`top`, `left`). Sizes are (height, width) in pixels; a negative corner is padding."""

    original: tuple[int, int]
    resized: tuple[int, int]
    crop: tuple[int, int]
    top: int
    left: int


class ScoreSum(NamedTuple):
    """What a score is made of: patches + prefix + biases is the score, but for rounding."""

    patches: float
    prefix: float
    biases: float
    score: float


@dataclasses.dataclass(frozen=True, eq=False)
class Classification:
    """The classes of a picture."""

    predictions: list[Prediction]  #: the best `top_k`, best first
    logits: Any  #: float32 [classes]
    probabilities: Any  #: float32 [classes]; empty for a regression
    size: tuple[int, int]  #: of the picture, upright: (height, width) in pixels

    @property
    def best(self) -> Prediction:
        return self.predictions[0]

    def __repr__(self) -> str:
        best = ", ".join(
            f"{p.label or p.class_index} " + (f"{p.probability:.1%}" if p.value is None else f"{p.value:g}")
            for p in self.predictions)
        return f"Classification({best})"


class Map:
    """One map of a picture. In a notebook it shows itself over the picture."""

    def __init__(self, explanation: Any, index: int, fields: dict, geometry: Geometry) -> None:
        self._explanation, self._index = explanation, index
        self.method: str = fields["method"]
        self.variant: str = fields["variant"]
        self.is_signed: bool = fields["is_signed"]  #: values below 0 speak against the class
        self.target: Target | None = Target(*fields["target"]) if fields["target"] else None
        self.values = _array(fields["values"])  #: float32 [rows, columns], one for each patch, raw
        self.sum: ScoreSum | None = ScoreSum(*fields["sum"]) if fields["sum"] else None
        self.geometry = geometry

    def overlay(self, style: str = "heat", *, colormap: str = "auto", alpha: float = 0.55, caption: bool = True,
                side_by_side: bool = False) -> Any:
        """The map over the picture, as `fovea explain` draws it.

        Args:
            style: heat, contour or mask.
            colormap: inferno, viridis … ; auto: coolwarm for signed maps, else inferno.
            alpha: 0 shows the picture alone, 1 the map alone; for heat.
            caption: with a strip below that says what the map is.
            side_by_side: with the picture itself to the left.

        Returns:
            uint8 [height, width, 3], in the picture's own pixels.
        """
        return _array(self._explanation.overlay(self._index, style, colormap, alpha, caption, side_by_side))

    def _repr_png_(self) -> bytes:
        return self._explanation.overlay_png(self._index)

    def __repr__(self) -> str:
        about = f" of {self.target.label or self.target.class_index}" if self.target else ""
        return f"Map({self.method}{about})"


class Explanation:
    """All maps of a picture. In a notebook it shows them beside each other."""

    def __init__(self, explanation: Any) -> None:
        self._explanation = explanation
        self.classification = _classification(explanation.classification())
        self.geometry = Geometry(*explanation.geometry())
        self.maps = [Map(explanation, i, fields, self.geometry) for i, fields in enumerate(explanation.maps())]

    @property
    def picture(self) -> Any:
        """The picture, upright: uint8 [height, width, 3]."""
        return _array(self._explanation.picture())

    def panel(self) -> Any:
        """The picture and its maps side by side: uint8 [height, width, 3]."""
        return _array(self._explanation.panel())

    def _repr_png_(self) -> bytes:
        return self._explanation.overlay_png(0) if len(self.maps) == 1 else self._explanation.panel_png()

    def __repr__(self) -> str:
        return f"Explanation({self.classification!r}, {self.maps!r})"


class Classifier:
    """A model that classifies and explains pictures. Threads may share one.

    Every method takes one picture or a list of them. One picture gives its value, or raises its `Error`. A list runs on
    all threads and gives a list in the same order, in which a picture that failed is its `Error`. What is wrong with the
    whole call is raised in both cases. The GIL is released while the model runs, and Ctrl-C ends a call.

    A process that was forked after its parent has used fovea cannot use it: start workers by "spawn".

    Args:
        model: a folder or a checkpoint file, or the name of a model of the package.
        precision: auto, f32, bf16x6, bf16x3, bf16 or int8.
        threads: compute threads of one call; None: all cores that this process may use.
        top_k: predictions of each picture.
        exif: apply or ignore the orientation that the camera noted.
        decode: exact, or fast for large JPEGs.

    Raises:
        Error: if the model cannot be read, or does not run in this precision on this CPU.
    """

    def __init__(self, model: str | os.PathLike = "vit_tiny_tin200", precision: str = "auto",
                 threads: int | None = None, *, top_k: int = 5, exif: str = "apply", decode: str = "exact") -> None:
        for name, value, choices in (("exif", exif, ("apply", "ignore")), ("decode", decode, ("exact", "fast"))):
            if value not in choices:
                raise Error("usage", f"{name} is '{value}', expected one of {', '.join(choices)}")
        for name, value in (("threads", 1 if threads is None else threads), ("top_k", top_k)):
            if not isinstance(value, int) or value < 1:
                raise Error("usage", f"{name} is {value!r}, expected a whole number from 1")
        self._arguments = ((os.fspath(model), precision, threads), {"top_k": top_k, "exif": exif, "decode": decode})
        self._model = core.Model(_find_model(os.fspath(model)), precision, threads or 0, top_k, exif, decode)

    @property
    def name(self) -> str:
        return self._model.info()["name"]

    @property
    def precision(self) -> str:
        """What auto came to on this CPU."""
        return self._model.info()["precision"]

    def classify(self, pictures: Picture | Sequence[Picture]) -> Classification | list[Classification | Error]:
        """The best classes of each picture, with all logits and probabilities."""
        return _run(self._model.classify, pictures, _classification)

    def logits(self, pictures: Picture | Sequence[Picture]) -> Any:
        """The raw scores of each picture: float32 [classes]."""
        return _run(self._model.classify, pictures, lambda value: _array(value[1]))

    def embed(self, pictures: Picture | Sequence[Picture], pool: str = "head") -> Any:
        """The features of each picture: float32 [width], or [patches, width] with tokens.

        Args:
            pool: head (what the head reads), cls, mean (of the patch tokens) or tokens (all patch tokens).
        """
        return _run(lambda all_: self._model.embed(all_, pool), pictures, _array)

    def explain(self, pictures: Picture | Sequence[Picture], methods: str | Iterable[str] = (), *,
                targets: str | int | Iterable[str | int] = (), against: str | int | None = None,
                faithfulness: bool = False, **options: Any) -> Explanation | list[Explanation | Error]:
        """Where the model looked, or why it chose a class.

        Args:
            methods: as `fovea explain --method`; none: rollout, or libra where a class is named.
            targets: "top1", "top5", "true" (the class that the file's folder is called after), or classes by index,
                WordNet id or name; none: top1.
            against: why the target rather than this class; "top2" is the runner-up.
            faithfulness: measure how far the maps can be trusted; takes some hundred passes.
            options: residual, discard, start_block, gamma, libra_gradients, block, head, seed, as the program's.
        """
        def call(all_: list) -> list:
            return self._model.explain(all_, _texts(methods), _texts(targets),
                                       None if against is None else str(against), faithfulness, options)
        return _run(call, pictures, Explanation)

    def __reduce__(self) -> tuple:  # by its arguments: the model is loaded where it is unpickled
        positional, named = self._arguments
        return _make, (positional, named)

    def __repr__(self) -> str:
        return f"Classifier({self._arguments[0][0]!r}, precision={self.precision!r})"


def _make(positional: tuple, named: dict) -> Classifier:
    return Classifier(*positional, **named)


def _find_model(model: str) -> bytes:
    shipped = PACKAGE / "share" / "fovea" / "weights" / model
    return os.fsencode(shipped if not os.path.exists(model) and os.sep not in model and shipped.is_dir() else model)


def _texts(words: Any) -> list[str]:
    return [str(words)] if isinstance(words, (str, int)) else [str(word) for word in words]


def _array(buffer: memoryview) -> Any:
    return buffer.tolist() if numpy is None else numpy.asarray(buffer)


def _classification(value: tuple) -> Classification:
    predictions, logits, probabilities, size = value
    return Classification([Prediction(*prediction) for prediction in predictions], _array(logits),
                          _array(probabilities), size)


def _source(picture: Picture) -> Any:
    """As the extension takes it: a path is a tuple of its bytes."""
    if isinstance(picture, (str, os.PathLike)):
        return (os.fsencode(picture),)
    return picture


def _run(call: Any, pictures: Any, convert: Any) -> Any:
    many = isinstance(pictures, (list, tuple))
    rows = call([_source(picture) for picture in (pictures if many else [pictures])])
    results = [Error(**error) if error else convert(value) for value, error in rows]
    if many:
        return results
    if isinstance(results[0], Error):
        raise results[0]
    return results[0]
