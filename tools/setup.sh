# Installs packages, configures and builds; sourced by tools/fovea, tools/test and .ci/run, which set `root`.
# Everything here prints to stderr, because stdout belongs to the program. A step that fails ends the script with 3.
# shellcheck shell=sh disable=SC2154

say() { printf 'fovea: %s\n' "$*" >&2; }
stop() {
  say "error: $1"
  [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
  exit 3
}

# The packages of tools/packages.txt, one a line.
listed_packages() { sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$root/tools/packages.txt"; }

# need_packages NAME...: names the missing packages and installs them.
need_packages() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "this is not a Debian system; fovea is built with these Debian 12 packages:"
    printf '  %s\n' "$@" >&2
    stop "the packages above cannot be installed automatically" \
      "install your system's equivalents, then: cmake --preset release && cmake --build --preset release"
  fi
  missing=$(
    { dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p'
      printf '%s\n' "$@"; } | sort | uniq -u | tr '\n' ' ')
  missing=${missing% }
  [ -n "$missing" ] || return 0
  say "installing the missing Debian packages: $missing"
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || stop "installing packages needs root, and sudo is missing" \
      "as root: apt-get update && apt-get install --no-install-recommends $missing"
    as_root=sudo
  fi
  # $as_root and $missing are lists of words.
  # shellcheck disable=SC2086
  { $as_root apt-get -q update || say "warning: apt-get update failed; trying with the existing package lists"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
      install --no-install-recommends $missing; } </dev/null >&2 ||
    stop "apt-get could not install: $missing" "see its messages above; then run the same command again"
}

# configure PRESET: does nothing if this checkout is already configured at its present place.
configure() {
  cache=$root/build/$1/CMakeCache.txt
  if [ -f "$root/build/$1/build.ninja" ] && grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache" 2>/dev/null; then
    return 0
  fi
  say "configuring build/$1"
  (cd "$root" && cmake --fresh --preset "$1") >&2 || stop "cmake could not configure build/$1" "see its messages above"
}

# build PRESET [TARGET...]: ninja's output goes to stderr.
build() {
  preset=$1
  shift
  [ $# -eq 0 ] || set -- --target "$@"
  (cd "$root" && cmake --build "build/$preset" "$@") >&2 || stop "the build in build/$preset failed" "see its messages above"
}

# Allows one build at a time for each checkout. The lock is released when the shell ends.
lock_build() {
  mkdir -p "$root/build" || stop "$root/build cannot be created"
  exec 9>"$root/build/.lock" || stop "$root/build/.lock cannot be written"
  flock 9
}
