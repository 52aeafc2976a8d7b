// Colours and fields: one number for each patch becomes one pixel each.

/// Opaque where strength is 1, else colder patches let more of the picture through; 0 of a signed map lets all of it.
function opacity_of(share, strength, is_signed) {
  if (is_signed) return strength * Math.pow(Math.abs(2 * share - 1), 1 - strength);
  return strength * strength + share * (strength - strength * strength);
}
/// @param shares     [patches], 0..1, as colours
/// @param is_signed  whether 0.5 is the map's 0
function paint(image, shares, strength, { left = 0, top = 0, width = cols, is_signed = false } = {}) {
  for (let patch = 0; patch < patches; ++patch) {
    const share = clamp(shares[patch], 0, 1);
    const color = (is_signed ? kDiverging : kColors)[Math.round(255 * share)];
    const at = 4 * ((top + Math.floor(patch / cols)) * width + left + (patch % cols));
    image.data[at] = color[0];
    image.data[at + 1] = color[1];
    image.data[at + 2] = color[2];
    image.data[at + 3] = 255 * opacity_of(share, strength, is_signed);
  }
}
function draw_field(canvas, shares, is_signed = false) {
  canvas.width = cols;
  canvas.height = rows;
  const image = new ImageData(cols, rows);
  paint(image, shares, state.strength, { is_signed });
  canvas.getContext("2d").putImageData(image, 0, 0);
}
/// A map from its smallest value to its largest.
function map_shares(values, low, high) {
  return values.map((value) => (high > low ? (value - low) / (high - low) : 0));
}
/// Attention from 0 to its largest; a few patches often have most of it, so its square root is drawn unless told not to.
function attention_shares(values) {
  const high = values[strongest(values)];
  return values.map((value) => (high > 0 ? (state.root ? Math.sqrt(value / high) : value / high) : 0));
}
function place_cursor(cursor, token) {
  const patch = token - prefix.length;
  cursor.hidden = patch < 0;
  if (patch < 0) return;
  Object.assign(cursor.style, {
    left: (100 * (patch % cols)) / cols + "%", top: (100 * Math.floor(patch / cols)) / rows + "%",
    width: 100 / cols + "%", height: 100 / rows + "%",
  });
}

// The field that is shown follows the one that is meant, within a moment.
const kEaseMs = 70;  // time constant
const still = matchMedia("(prefers-reduced-motion: reduce)");
let shown = null;
let meant = null;
let shown_signed = false;
let last_frame = 0;
let frame = 0;
function ease(now) {
  const pull = still.matches || !shown ? 1 : 1 - Math.exp(-Math.min(50, now - last_frame) / kEaseMs);
  last_frame = now;
  shown ??= new Float32Array(patches);
  let rest = 0;
  for (let i = 0; i < patches; ++i) {
    shown[i] += pull * (meant[i] - shown[i]);
    rest = Math.max(rest, Math.abs(meant[i] - shown[i]));
  }
  if (rest < 0.004) shown.set(meant);
  draw_field($("field"), shown, shown_signed);
  frame = rest < 0.004 ? 0 : requestAnimationFrame(ease);
}
function show_field(shares, is_signed = false) {
  if (shown && shown_signed !== is_signed) shown = null;  // other colours: nothing to ease from
  shown_signed = is_signed;
  document.querySelector(".ramp").classList.toggle("signed", is_signed);
  meant = shares;
  if (!shown) ease(performance.now());
  else if (!frame) {
    last_frame = performance.now();
    frame = requestAnimationFrame(ease);
  }
}
