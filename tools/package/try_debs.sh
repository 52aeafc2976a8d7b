# Run in a bare system by tools/test_packages: the packages in /packages are installed, used, built against and purged.
# shellcheck shell=sh
set -eu
fail() { printf 'try_debs: %s\n' "$*" >&2; exit 1; }
apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 "$@" >/tmp/apt.log 2>&1 || fail "apt-get $*: $(tail -n 5 /tmp/apt.log)"; }
apt update

# Without what is recommended, a rare format names its package, and reads when that is installed.
apt install --no-install-recommends /packages/fovea_*.deb /packages/fovea-models_*.deb
samples=/usr/share/fovea/samples
answer=$(fovea classify -f csv $samples/coffee.jpg)
case $answer in *"coffee.jpg,600,400,espresso,0.9"*) ;; *) fail "coffee.jpg is $answer" ;; esac
fovea batch $samples -o /tmp/out -q >/dev/null
[ "$(grep -c '"type":"result"' /tmp/out/results.jsonl)" = 4 ] || fail "batch did not classify the four samples"
for picture in tiff_black0_8_strips.tif j2_3x7.jp2 heif_color.heic jxl_color.jxl; do
  code=0
  fovea classify -f csv "/pictures/$picture" >/dev/null 2>/tmp/errors || code=$?
  if [ "$code" != 0 ]; then
    package=$(sed -n 's/.*: apt install \([a-z0-9.+-]*\)).*/\1/p' /tmp/errors)
    [ -n "$package" ] || fail "$picture: $(cat /tmp/errors)"
    apt install --no-install-recommends "$package"
    fovea classify -f csv "/pictures/$picture" >/dev/null 2>/tmp/errors || fail "$picture with $package: $(cat /tmp/errors)"
    echo "$picture: $package"
  fi
done
[ -s /usr/share/man/man1/fovea.1.gz ] || [ -e /etc/dpkg/dpkg.cfg.d/docker ] || fail "there is no manual"

# A program against the library.
apt install --no-install-recommends /packages/libfovea-dev_*.deb g++ make
mkdir -p /tmp/three
cat >/tmp/three/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(three CXX)
find_package(fovea REQUIRED)
add_executable(three three.cpp)
target_link_libraries(three PRIVATE fovea::fovea)
target_compile_definitions(three PRIVATE MODEL="${fovea_DEFAULT_MODEL}")
CMAKE
cat >/tmp/three/three.cpp <<'CPP'
#include <fovea/classifier.hpp>
#include <iostream>
int main(int, char** arguments) { std::cout << *fovea::Classifier(MODEL).classify(fovea::read_image(arguments[1])).predictions.front().label << '\n'; }
CPP
cmake -S /tmp/three -B /tmp/three/build >/tmp/three/log 2>&1 && cmake --build /tmp/three/build >>/tmp/three/log 2>&1 ||
  fail "the three lines do not build: $(tail -n 20 /tmp/three/log)"
[ "$(/tmp/three/build/three $samples/coffee.jpg)" = espresso ] || fail "the three lines do not say espresso"
# The program lies elsewhere, so its modules are those that are installed.
[ -n "$(/tmp/three/build/three /pictures/tiff_black0_8_strips.tif)" ] || fail "the three lines do not read TIFF"
rm -r /tmp/three /tmp/out

apt purge fovea fovea-models libfovea-dev
left=$(find / -xdev \( -path /proc -o -path /packages -o -path /pictures \) -prune -o -path '*fovea*' -print)
[ -z "$left" ] || fail "purging left $left"
