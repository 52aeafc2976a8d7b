// The picture under its field, the sentence and the facts about it, and the sheet of all blocks and heads.

const of_patches = (values) => values.subarray(prefix.length);
function strongest(values) {
  let best = 0;
  for (let i = 1; i < values.length; ++i) if (values[i] > values[best]) best = i;
  return best;
}
let target_values = null;  // of the tokens, or of the patches of a map
function draw_attention(token) {
  const values = attention_of(attention, state.block, state.head, token, state.direction);
  target_values = values;
  const seen = of_patches(values);
  const best = strongest(seen);
  show_field(attention_shares(seen));
  $("low").textContent = "0";
  $("high").textContent = percent(seen[best]) + (state.root ? " (√)" : "");
  const looks = state.direction === "row";
  const where = "Block " + blocks[state.block] + ", " + head_name(state.head) + ": ";
  $("sentence").replaceChildren(where, make("b", {}, name_of(token)),
    looks ? " looks most at the " : " is looked at most by the ", make("b", {}, name_of(best + prefix.length)),
    ", " + percent(seen[best]) + ".");
  draw_other(token);
  draw_facts(token, values);
  draw_prefix(values);
}
function draw_map(map, token) {
  const values = values_of(map);
  target_values = values;
  show_field(map_shares(values, map.low, map.high), map.signed);
  $("low").textContent = plain(map.low);
  $("high").textContent = plain(map.high);
  const about = [make("b", {}, map.title), " (" + map.variant + ")"];
  if (map.target) about.push(" for ", make("b", {}, map.target[0]));
  if (map.sum) about.push(" [" + map.sum + "]");
  const patch = token - prefix.length;
  if (patch >= 0) {
    const rank = values.filter((value) => value > values[patch]).length + 1;
    about.push(": " + plain(values[patch]) + " at " + name_of_patch(patch) + ", rank " + rank + " of " + patches + ".");
  } else {
    about.push(": highest at " + name_of_patch(strongest(values)) + ".");
  }
  $("sentence").replaceChildren(...about);
  if (!attention) return;
  const row = attention_of(attention, state.block, state.head, token, state.direction);
  draw_other(token);
  draw_facts(token, row);
  draw_prefix(row);
}
function draw_other(token) {
  const other = state.direction === "row" ? "column" : "row";
  const seen = of_patches(attention_of(attention, state.block, state.head, token, other));
  draw_field($("other-field"), attention_shares(seen));
  place_cursor($("other-cursor"), token);
  $("other-name").textContent = other === "row" ? "What it looks at" : "Who looks at it";
}
function draw_facts(token, values) {
  const sum = values.reduce((a, b) => a + b, 0);
  const five = [...of_patches(values)].sort((a, b) => b - a).slice(0, 5).reduce((a, b) => a + b, 0);
  const tokens_held = Math.exp(values.reduce((a, v) => a - (v > 0 ? (v / sum) * Math.log(v / sum) : 0), 0));  // e^entropy
  const looks = state.direction === "row";
  const facts = [["Itself", percent(values[token])],
                 [looks ? "Five strongest patches" : "Five strongest patches give", percent(sum > 0 ? five / sum : 0)],
                 looks ? ["Spread over", "≈ " + tokens_held.toFixed(tokens_held < 10 ? 1 : 0) + " of " + tokens + " tokens"]
                       : ["Receives", sum.toFixed(2) + " × the average"]];
  $("facts").replaceChildren(...facts.map(([term, value]) => make("div", {}, make("dt", {}, term), make("dd", {}, value))));
}
function draw_prefix(values) {
  [...$("prefix").children].forEach((chip, i) => {
    chip.lastChild.textContent = percent(values[i]);
    chip.setAttribute("aria-pressed", String(token_now() === i));
  });
}

// ---- the sheet of all blocks and heads
const sheet_rows = heads > 1 ? [kMean, ...Array(heads).keys()] : [0];
const rows_of_sheet = () => (is_why() ? [kTerms, ...sheet_rows] : sheet_rows);
const row_of_sheet = () => rows_of_sheet().indexOf(is_why() ? why_row() : state.head);
function draw_sheet(token) {
  const why = is_why() ? why_now() : null;
  const shown_rows = rows_of_sheet();
  const canvas = $("cells");
  const width = blocks.length * (cols + 1) - 1;
  const height = shown_rows.length * (rows + 1) - 1;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  blocks.forEach((_, b) => shown_rows.forEach((head, h) => {
    const shares = why ? why_shares(why_field(why, b, head), why_scale(why, head))
      : attention_shares(of_patches(attention_of(attention, b, head, token, state.direction)));
    paint(image, shares, 1, { left: b * (cols + 1), top: h * (rows + 1), width, is_signed: Boolean(why) });
  }));
  canvas.getContext("2d").putImageData(image, 0, 0);
  Object.assign($("chosen").style, {
    left: (100 * state.block * (cols + 1)) / width + "%", width: (100 * cols) / width + "%",
    top: (100 * row_of_sheet() * (rows + 1)) / height + "%", height: (100 * rows) / height + "%",
  });
}
/// Where the kind of the view has changed.
let labelled_why = null;
function label_sheet() {
  const why = is_why();
  if (why === labelled_why) return;
  labelled_why = why;
  $("sheet-blocks").replaceChildren();
  $("sheet-heads").replaceChildren();
  const shown_rows = rows_of_sheet();
  const every = Math.ceil(blocks.length / 14);
  blocks.forEach((block, b) => {
    if (b % every !== 0) return;
    const label = make("span", {}, String(block));
    label.style.left = (100 * (b + 0.5)) / blocks.length + "%";
    $("sheet-blocks").append(label);
  });
  shown_rows.forEach((head, h) => {
    const label = make("span", {}, head === kTerms ? "all" : head === kMean || heads === 1 ? (why ? "sum" : "mean") : String(head));
    label.style.top = (100 * (h + 0.5)) / shown_rows.length + "%";
    $("sheet-heads").append(label);
  });
  $("sheet-note").textContent = why ? "· all: what the score is made of; below: what the heads bring" : "· blocks to the right, heads down";
  for (const chip of $("heads").children) {
    chip.hidden = chip.dataset.head === String(kTerms) && !why;
    if (chip.dataset.head === String(kMean)) chip.textContent = why ? "sum" : "mean";
  }
  $("directions").hidden = why;
  $("beside").hidden = why;
  $("why").hidden = !why;
}

// ---- all of it, at most once a frame
let refresh_pending = 0;
function refresh() {
  if (!refresh_pending) refresh_pending = requestAnimationFrame(draw_now);
}
function draw_now() {
  if (refresh_pending) cancelAnimationFrame(refresh_pending);
  refresh_pending = 0;
  remember();
  if (picture_now().failure) return;
  const token = token_now();
  const view = view_now();
  const map = map_now();
  place_cursor($("cursor"), token);
  document.body.classList.toggle("smooth", state.smooth);
  $("stage").style.setProperty("--grey", (0.75 * state.strength).toFixed(2));
  document.querySelector(".other").style.setProperty("--grey", (0.75 * state.strength).toFixed(2));
  if (map) draw_map(map, token);
  else if (attention && is_why()) draw_why(token);
  else if (attention) draw_attention(token);
  if (attention) {
    label_sheet();
    draw_sheet(token);
    $("block").value = state.block;
    $("block-name").replaceChildren("Block " + blocks[state.block] + " ", make("span", {}, "of 0 to " + (heading.depth - 1)));
    $("block").setAttribute("aria-valuetext", "block " + blocks[state.block]);
    mark($("heads"), (chip) => Number(chip.dataset.head) === (is_why() ? why_row() : state.head));
    mark($("directions"), (button) => button.dataset.direction === state.direction);
  }
  mark($("views"), (chip) => view && chip.dataset.view === view.key);
  $("root").disabled = Boolean(map);
  const target = is_why() ? why_now().entry.target[0] : map && map.target ? map.target[0] : null;
  for (const bar of $("bars").children) {
    if (bar.tagName === "BUTTON") bar.setAttribute("aria-pressed", String(bar.dataset.target === target));
  }
}
/// The chosen one of a radio group; the others are reached from it with the arrow keys.
function mark(group, is_chosen) {
  for (const option of group.children) {
    const chosen = is_chosen(option);
    option.setAttribute("aria-checked", String(chosen));
    option.tabIndex = chosen ? 0 : -1;
  }
}
function say() {
  draw_now();
  $("spoken").textContent = $("sentence").textContent;
}
