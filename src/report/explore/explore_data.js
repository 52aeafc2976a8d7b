// What the page holds: the heading, the pictures, and their attention, which is unpacked at its first use.
//
// Words of all the explore_*.js: a *view* is "attention", "why" or a method's map; a *token* is one of the prefix tokens or of
// the patches, which follow them; a *field* is one number for each patch, as it is drawn. A[q, k] is what query q gives
// to key k: q's *row* is what q looks at, k's *column* is by whom k is looked at.

const heading = JSON.parse($("heading").textContent);
const pictures = [...document.querySelectorAll("script.picture")].map((element) => {
  const picture = JSON.parse(element.textContent);
  picture.packed = element.nextElementSibling.textContent;
  return picture;
});
const { prefix, blocks } = heading;
let rows = 1, cols = 1, patches = 1, tokens = prefix.length + 1;  // of the picture that is shown
function use_grid_of(picture) {
  if (!picture || picture.failure) return;
  ({ rows, cols } = picture);
  patches = rows * cols;
  tokens = prefix.length + patches;
}
use_grid_of(pictures.find((picture) => !picture.failure));
const heads = heading.mean_heads ? 1 : heading.heads;
const kMean = -1;  // in the place of a head
const kTerms = -2;  // likewise: what a score is made of, in the view "why"

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const percent = (p) => (100 * p).toFixed(p < 0.01 ? 2 : 1) + " %";
const plain = (value) => (value === 0 ? "0" : Math.abs(value) >= 0.01 && Math.abs(value) < 1000
  ? value.toPrecision(3) : value.toExponential(1));

function from_base64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; ++i) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}
const unpacked = new Map();  // picture → promise of its attention; the last few only
function unpack(picture) {
  const found = unpacked.get(picture);
  if (found) return found;
  const promise = inflate(from_base64(picture.packed)).then((buffer) => {
    const tokens = prefix.length + picture.rows * picture.cols;
    const count = blocks.length * heads * tokens;
    return { tokens, maxima: new Float32Array(buffer, 0, count), steps: new Uint8Array(buffer, 4 * count) };
  });
  unpacked.set(picture, promise);
  if (unpacked.size > 6) unpacked.delete(unpacked.keys().next().value);
  return promise;
}
const has_attention = (picture) => !picture.failure && blocks.length > 0 && picture.packed.length > 0;

/// @returns {Float32Array} [tokens], a row or a column of A, of one head or the mean of all
function attention_of({ tokens, maxima, steps }, block, head, token, direction) {
  const values = new Float32Array(tokens);
  const first = head === kMean ? 0 : head;
  const last = head === kMean ? heads - 1 : head;
  for (let h = first; h <= last; ++h) {
    const row = (block * heads + h) * tokens;  // of query 0
    for (let i = 0; i < tokens; ++i) {
      const query = direction === "row" ? token : i;
      const key = direction === "row" ? i : token;
      values[i] += maxima[row + query] * steps[(row + query) * tokens + key];
    }
  }
  const scale = 1 / (255 * (last - first + 1));
  return values.map((value) => value * scale);
}
