# Virtual environments for the tools that need Python packages; sourced after tools/setup.sh by scripts that set `env`.
# shellcheck shell=sh disable=SC2154

# install REQUIREMENT...: pip prints to stderr.
install() { "$env/bin/python" -m pip install --disable-pip-version-check --retries 1 -q "$@" >&2; }

# PyTorch's own index has wheels without CUDA, a tenth of the size. If it cannot be reached, PyPI's wheels work as well.
install_torch() {
  install --timeout 15 --retries 0 --index-url https://download.pytorch.org/whl/cpu "$1" "$2" 2>/dev/null ||
    say "download.pytorch.org cannot be reached; PyTorch comes from PyPI, with some GB of unused CUDA libraries"
}

# make_environment VARIABLE: an empty one in $env; VARIABLE is the name of the variable that chooses another place.
make_environment() {
  python3 -c 'import ensurepip, venv' 2>/dev/null || need_packages python3 python3-venv
  python3 -m venv "$env" || stop "$env cannot be created" "see the message above; \$$1 names another place"
}

# requirement_lines FILE: without comments and empty lines.
requirement_lines() { sed 's/#.*//; /^[[:space:]]*$/d' "$1"; }

# environment_with_wheel VARIABLE REQUIREMENT...: these, and the wheel that tools/test_python left, in $env.
environment_with_wheel() {
  wheel=$(ls "$root"/build/wheel/fovea-*.whl 2>/dev/null) || stop "build/wheel has no wheel" "tools/test_python builds it"
  [ -x "$env/bin/python" ] || make_environment "$1"
  shift
  install "$@" || stop "$* cannot be installed from PyPI" "check the network and pip's messages above"
  install nanobind-backend && install --no-deps --no-index --force-reinstall "$wheel"
}

# wheel_environment VARIABLE: what tools/python/requirements.txt names, in $env; nothing is done where it is there.
wheel_environment() {
  requirements=$root/tools/python/requirements.txt
  cmp -s "$requirements" "$env/requirements.txt" && return 0
  make_environment "$1"
  # shellcheck disable=SC2046
  install $(requirement_lines "$requirements") ||
    stop "the libraries cannot be installed from PyPI" "check the network and pip's messages above; then run the same command again"
  cp "$requirements" "$env/requirements.txt"
}

# make_wheel OUT: builds the wheel in build/python, with what wheel_environment() installed, and lets it carry its libraries.
make_wheel() {
  # The compiler by the name that the other builds use, so that ccache finds what they have compiled.
  CXX=${CXX:-c++} "$env/bin/python" -m pip wheel -q --no-deps --no-build-isolation --config-settings build-dir="$root/build/python" \
    -w "$1/raw" "$root/tools/python"
  # libheif brings x265, which is under the GPL; libjxl needs glibc 2.35; libcurl's TLS needs the system's updates and
  # certificates; libarchive brings 30 MB of Unicode tables; and imgcodecs needs 141 libraries. Their modules find the
  # system's, or say which package is missing.
  # build/python/carried has what is carried in place of JBIG's library, which is under the GPL, too.
  PATH=$env/bin:$PATH LD_LIBRARY_PATH=$root/build/python/carried "$env/bin/python" -m auditwheel repair \
    --plat manylinux_2_34_x86_64 --only-plat --exclude 'libheif.so.*' --exclude 'libjxl.so.*' --exclude 'libcurl.so.*' --exclude 'libarchive.so.*' \
    --exclude 'libopencv_*' -w "$1" "$1"/raw/*.whl
  rm -r "$1/raw"
  "$env/bin/python" -m abi3audit --strict "$1"/*.whl
}
