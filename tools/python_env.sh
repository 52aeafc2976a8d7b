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
