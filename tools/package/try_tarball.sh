# Run in a bare system by tools/test_packages: fovea from the tarball in /packages, wherever it lies and whoever calls it.
# shellcheck shell=sh
set -eu
fail() { printf 'try_tarball: %s\n' "$*" >&2; exit 1; }
tarball=$(echo /packages/fovea-*.tar)
mkdir -p "/opt/a place" /elsewhere
tar -C "/opt/a place" -xf "$tarball"
place=$(echo "/opt/a place/fovea-"*)
samples=$place/share/fovea/samples
cd /elsewhere
ln -s "$place/bin/fovea" /usr/local/bin/fovea

# From any folder, through a link, and moved.
answer=$(fovea classify -f csv "$samples/coffee.jpg")
case $answer in *"coffee.jpg,600,400,espresso,0.9"*) ;; *) fail "coffee.jpg is $answer" ;; esac
fovea explain "$samples/coffee.jpg" -o why --method generic >/dev/null
[ -s "$(echo why/coffee.jpg.generic.*.png)" ] || fail "explain drew no map"
fovea batch "$samples" -o out -q >/dev/null
[ "$(grep -c '"type":"result"' out/results.jsonl)" = 4 ] || fail "batch did not classify the four samples"
mv "$place" /opt/moved
rm /usr/local/bin/fovea
again=$(/opt/moved/bin/fovea classify -f csv /opt/moved/share/fovea/samples/coffee.jpg)
[ "${again#*coffee.jpg,}" = "${answer#*coffee.jpg,}" ] || fail "the moved program answers $again"

# What it carries reads TIFF and JPEG 2000; what it does not carry is named, and works when it is installed.
/opt/moved/bin/fovea classify -f csv /pictures/tiff_black0_8_strips.tif /pictures/j2_3x7.jp2 >rows 2>errors || fail "$(cat errors)"
[ "$(grep -c '^[01],/pictures/' rows)" = 2 ] || fail "TIFF and JPEG 2000 give $(cat rows)"
/opt/moved/bin/fovea classify /pictures/jbig.tif >rows 2>errors && fail "a TIFF with JBIG gives $(cat rows)"
grep -q 'compression 34661' errors || fail "a TIFF with JBIG: $(cat errors)"
code=0
/opt/moved/bin/fovea classify -f csv /pictures/heif_* /pictures/jxl_* >rows 2>errors || code=$?
[ "$code" = 1 ] || fail "exit $code without libheif and libjxl"
grep -q 'libheif.so.1 (on Debian 12: apt install libheif1)' errors || fail "libheif's hint: $(cat errors)"
grep -q 'libjxl.so.0.7 (on Debian 12: apt install libjxl0.7)' errors || fail "libjxl's hint: $(cat errors)"
code=0
/opt/moved/bin/fovea inspect -m hf:some/model >rows 2>errors || code=$?
[ "$code" = 3 ] && grep -q 'apt install libcurl4' errors || fail "exit $code without libcurl: $(cat errors)"
apt-get -qq update && apt-get -qq -y --no-install-recommends install libheif1 >/dev/null 2>&1
/opt/moved/bin/fovea classify -f csv /pictures/heif_* >rows 2>errors || fail "with libheif1: $(cat errors)"
