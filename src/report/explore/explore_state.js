// What is shown now, and the same as a part of the link, so that the place can be sent.

const state = {
  picture: Math.max(0, pictures.findIndex((picture) => !picture.failure)),
  view: blocks.length > 0 ? "attention" : null,
  target: null,  // label of the class of class-specific maps
  block: blocks.length - 1,  // index into `blocks`
  head: heads > 1 ? kMean : 0,
  selected: 0,  // token
  hovered: null,  // token under the pointer; comes before the selected one
  direction: "row",
  terms: true,  // of "why": what the score is made of, else what the heads bring
  against: null,  // of "why": label of the class that the shown one is compared with
  strength: 0.68,
  smooth: false,
  root: true,  // attention is drawn by the square root of its share
};
let attention = null;  // of the picture, once it is unpacked
const picture_now = () => pictures[state.picture];
const token_now = () => state.hovered ?? state.selected;

/// The maps of a picture by method and variant, each with its targets.
function views_of(picture) {
  const views = has_attention(picture) ? [{ key: "attention", name: "attention", maps: [] }] : [];
  if (why_entries(picture).length > 0) views.push({ key: "why", name: "why", maps: [] });
  for (const map of picture.maps || []) {
    const key = map.method + "\n" + map.variant;
    let view = views.find((one) => one.key === key);
    if (!view) {
      const twin = picture.maps.some((other) => other.method === map.method && other.variant !== map.variant);
      const name = map.method === "attention" ? "read-out" : map.method;
      views.push(view = { key, name: twin ? name + ", " + map.variant : name, maps: [] });
    }
    view.maps.push(map);
  }
  return views;
}
function view_now() {
  const views = views_of(picture_now());
  return views.find((view) => view.key === state.view) || views[0] || null;
}
function map_now() {
  const view = view_now();
  if (!view || view.maps.length === 0) return null;
  return view.maps.find((map) => map.target && map.target[0] === state.target) || view.maps[0];
}
function values_of(map) {
  map.floats ??= Float32Array.from(from_base64(map.values), (q) => map.low + (q / 255) * (map.high - map.low));
  return map.floats;
}

const name_of_patch = (patch) => "row " + Math.floor(patch / cols) + ", column " + (patch % cols);
function name_of(token) {
  return token < prefix.length ? prefix[token] : "patch at " + name_of_patch(token - prefix.length);
}
function head_name(head) {
  if (heading.mean_heads) return "mean of " + heading.heads + " heads";
  return head === kMean ? "mean of " + heads + " heads" : "head " + head;
}

function remember() {
  const parts = { picture: state.picture, view: (state.view || "").replace("\n", "~"), block: blocks[state.block], head: state.head === kMean ? "mean" : state.head,
                  shows: state.terms ? "terms" : "heads", token: state.selected, direction: state.direction };
  if (state.target) parts.class = state.target;
  if (state.against) parts.against = state.against;
  const text = "#" + new URLSearchParams(parts);
  if (text !== location.hash) try { history.replaceState(null, "", text); } catch { /* not for local files in every browser */ }
}
function recall() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const number = (name, least, most) => {
    const value = Number(parts.get(name));
    return parts.has(name) && Number.isInteger(value) && value >= least && value <= most ? value : null;
  };
  state.picture = number("picture", 0, pictures.length - 1) ?? state.picture;
  use_grid_of(picture_now());
  state.selected = number("token", 0, tokens - 1) ?? state.selected;
  const block = blocks.indexOf(number("block", 0, heading.depth));
  if (block >= 0) state.block = block;
  if (parts.get("head") === "mean" && heads > 1) state.head = kMean;
  else state.head = number("head", 0, heads - 1) ?? state.head;
  if (parts.get("direction") === "column") state.direction = "column";
  if (parts.has("view")) state.view = parts.get("view").replace("~", "\n");
  state.terms = parts.get("shows") !== "heads";
  state.target = parts.get("class");
  state.against = parts.get("against");
}
