#!/usr/bin/env python3
"""tools/package/wheel_packages.py WHEEL: prints the Debian packages of the libraries that auditwheel has put into a wheel, and of
the archives and headers whose code is in it, for sbom.py."""
import pathlib
import re
import sys
import zipfile

from carry import COMPILED_IN, owner

FOLDER = pathlib.Path("/usr/lib/x86_64-linux-gnu")

for name in sorted(zipfile.ZipFile(sys.argv[1]).namelist()):
    if match := re.fullmatch(r"fovea\.libs/(.*)-[0-9a-f]{8}(\.so.*)", name):
        library = match[1] + match[2]
        if library == "libjbig.so.0":  # fovea's own; FoveaRelocatable.cmake
            continue
        package = owner(FOLDER / library)
        if package is None:
            raise SystemExit(f"{library} in {sys.argv[1]} belongs to no package")
        print(f"CONTAINS\t{package}")
for package in COMPILED_IN:
    print(f"STATIC_LINK\t{package}")
