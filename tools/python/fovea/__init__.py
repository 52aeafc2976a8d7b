"""Classifies pictures with a Vision Transformer on a CPU, and shows where it looked.

    import fovea
    classifier = fovea.Classifier()                     # the default model, or a folder or file of yours
    result = classifier.classify("cat.jpg")             # a path, bytes, or an array uint8[height, width, 3]
    print(result.best.label, result.best.probability)
    classifier.explain("cat.jpg", targets="tabby")      # in a notebook: the picture with the map over it

The numbers are those of the program `fovea`, to the bit. A list of pictures runs on all cores, and a picture that cannot
be read is an `Error` in the list that comes back. A single one raises it.
"""

from fovea._classifier import (Classification, Classifier, Explanation, Geometry, Map, Prediction, ScoreSum, Target)
from fovea._errors import Error
from fovea._load import core as _core
from fovea.predictor import Predictor

__version__: str = _core.__version__
__all__ = ["Classification", "Classifier", "Error", "Explanation", "Geometry", "Map", "Prediction", "Predictor",
           "ScoreSum", "Target", "__version__"]
