"""Loads the extension, with what OpenMP reads from the environment at that moment."""

import os


def _load():
    # OpenMP's threads spin for milliseconds by default, which is slow beside any other program. The variable is taken
    # back at once: it is for this package's own copy of the runtime.
    name, chosen = "GOMP_SPINCOUNT", "OMP_WAIT_POLICY" in os.environ or "GOMP_SPINCOUNT" in os.environ
    if not chosen:
        os.environ[name] = "3000"
    try:
        from fovea import _core
    finally:
        if not chosen:
            del os.environ[name]
    return _core


core = _load()
