"""The program `fovea`, which lies in the package."""

import os
import pathlib
import sys

PACKAGE = pathlib.Path(__file__).resolve().parent


def main() -> None:
    """Becomes the program."""
    program = PACKAGE / "bin" / "fovea"
    os.execv(program, ["fovea", *sys.argv[1:]])
