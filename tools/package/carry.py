#!/usr/bin/env python3
"""tools/package/carry.py PREFIX --first DIR: makes an installed prefix run wherever it is put.

Copies the libraries that its program and modules want into PREFIX/lib/fovea/carried, with their licences, and lets every file
look for them there alone. The copies have names of their own, so that a library of the system that wants another version of
the same name gets the system's. What glibc and GCC own stays the system's; so do the libraries in LEFT_OUT, whose modules then
name what is missing. Ends with an error if a file wants a newer glibc or libstdc++ than said. Prints the packages whose code
is in the prefix, for sbom.py. Runs on Debian, needs patchelf.
"""
import argparse
import pathlib
import re
import shutil
import subprocess

# Those of glibc and of GCC's runtime: every system has them.
SYSTEM = re.compile(r"^(lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s)\.so\.\d|ld-linux)")
# libheif brings x265, which is under the GPL; libjxl wants a newer glibc; libcurl wants the system's certificates;
# libarchive wants 30 MB of Unicode tables; and imgcodecs wants 141 libraries.
LEFT_OUT = re.compile(r"^lib(heif|jxl|curl|archive|opencv_\w+)\.so\.")
# Archives and headers whose code is in the program.
COMPILED_IN = ["libcli11-dev", "libeigen3-dev", "libhwy-dev", "libopencv-core-dev", "libopencv-imgproc-dev", "libspectra-dev",
               "nlohmann-json3-dev"]


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def is_elf(path):
    if path.is_symlink() or not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def needed(path):
    return output("patchelf", "--print-needed", str(path)).split()


class Carrier:
    def __init__(self, prefix, first):
        self.folder = prefix / "lib/fovea/carried"
        self.folder.mkdir()
        self.first = first
        self.places = dict(re.findall(r"^\s+(\S+) \(libc6,x86-64.*=> (\S+)$", output("/sbin/ldconfig", "-p"), re.M))
        self.sources = {}  # library's name -> the file that it was copied from

    def is_carried(self, name):
        return not SYSTEM.match(name) and not LEFT_OUT.match(name)

    def new_name(self, name):
        stem, suffix = name.split(".so", 1)
        return f"{stem}-fovea.so{suffix}"

    def carry(self, name):
        if name in self.sources:
            return
        source = self.first / name
        if not source.exists():
            if name not in self.places:
                raise SystemExit(f"{name} is not found, expected in ldconfig's cache")
            source = pathlib.Path(self.places[name]).resolve()
        self.sources[name] = source
        copy = self.folder / self.new_name(name)
        shutil.copyfile(source, copy)
        copy.chmod(0o644)
        subprocess.run(["patchelf", "--set-soname", copy.name, str(copy)], check=True)
        self.mend(copy, "$ORIGIN")

    def mend(self, path, places):
        """Carries what a file wants, and lets it look there."""
        wanted = [name for name in needed(path) if self.is_carried(name)]
        for name in wanted:
            subprocess.run(["patchelf", "--replace-needed", name, self.new_name(name), str(path)], check=True)
        if wanted:
            subprocess.run(["patchelf", "--set-rpath", places, str(path)], check=True)
        for name in wanted:
            self.carry(name)


def check_versions(files, limits):
    """Every version of a symbol that a file wants is at most the limit."""
    for path in files:
        for library, version in re.findall(r"\b(GLIBC|GLIBCXX|CXXABI)_([\d.]+)", output("readelf", "-W", "--version-info", str(path))):
            if [int(n) for n in version.split(".")] > limits[library]:
                raise SystemExit(f"{path}: wants {library}_{version}, expected at most "
                                 + ".".join(map(str, limits[library])))


def owner(file):
    """The package that owns a file, and None for a file of fovea's own."""
    found = subprocess.run(["dpkg-query", "-S", str(file)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if found.returncode and str(file).startswith("/usr/lib"):
        return owner(pathlib.Path("/", *file.parts[2:]))  # it is listed as it lay before /lib became /usr/lib
    return found.stdout.split(":")[0] if not found.returncode else None


def copy_licences(packages, folder):
    folder.mkdir(parents=True)
    common = set()
    for package in packages:
        text = pathlib.Path("/usr/share/doc", package, "copyright").read_text()
        (folder / package).write_text(text)
        common |= set(re.findall(r"/usr/share/common-licenses/([A-Z][\w.-]*\w)", text))
    for name in sorted(common):
        shutil.copyfile(pathlib.Path("/usr/share/common-licenses", name).resolve(), folder / name)
    lines = output("dpkg-query", "-W", "-f", "${Package}\t${Version}\t${source:Package}\t${source:Version}\n", *packages)
    (folder / "PACKAGES").write_text(
        "The libraries in this package are those of Debian, unchanged but for their names and where they look for each other.\n"
        "Debian has the source of each: package, version, source package, its version.\n\n" + lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prefix", type=pathlib.Path)
    parser.add_argument("--first", type=pathlib.Path, required=True, help="a folder whose libraries come before the system's")
    parser.add_argument("--glibc", default="2.34")
    parser.add_argument("--glibcxx", default="3.4.29")
    arguments = parser.parse_args()
    prefix = arguments.prefix

    carrier = Carrier(prefix, arguments.first)
    carrier.mend(prefix / "libexec/fovea", "$ORIGIN/../lib/fovea/carried")
    for module in sorted((prefix / "lib/fovea").glob("*.so")):
        carrier.mend(module, "$ORIGIN/carried")

    def numbers(text):
        return [int(n) for n in text.split(".")]
    files = [path for path in sorted(prefix.rglob("*")) if is_elf(path)]
    check_versions(files, {"GLIBC": numbers(arguments.glibc), "GLIBCXX": numbers(arguments.glibcxx), "CXXABI": [1, 3, 13]})
    packages = {owner(source) for source in carrier.sources.values()} - {None}
    copy_licences(sorted(packages | set(COMPILED_IN)), prefix / "share/doc/fovea/licenses")
    for name, source in sorted(carrier.sources.items()):
        if owner(source):
            print(f"CONTAINS\t{owner(source)}\t{name}")
    for package in COMPILED_IN:
        print(f"STATIC_LINK\t{package}")


if __name__ == "__main__":
    main()
