// Pointer, keys and buttons.

// ---- moving over the patches
function token_at(event) {
  const box = $("cover").getBoundingClientRect();
  const col = clamp(Math.floor(((event.clientX - box.left) / box.width) * cols), 0, cols - 1);
  const row = clamp(Math.floor(((event.clientY - box.top) / box.height) * rows), 0, rows - 1);
  return prefix.length + row * cols + col;
}
function hover(event) {
  const token = token_at(event);
  if (token === state.hovered) return;
  state.hovered = token;
  refresh();
}
$("stage").addEventListener("pointermove", (event) => {
  if (event.pointerType === "mouse" || event.pressure > 0) hover(event);
});
$("stage").addEventListener("pointerdown", hover);
$("stage").addEventListener("pointerup", (event) => {
  choose_token(token_at(event));
  if (event.pointerType === "mouse") state.hovered = state.selected;
  refresh();
});
for (const leaving of ["pointerleave", "pointercancel"]) {
  $("stage").addEventListener(leaving, () => { state.hovered = null; refresh(); });
}
function step_patch(down, right) {
  const patch = token_now() - prefix.length;
  const at = patch < 0 ? Math.floor(rows / 2) * cols + Math.floor(cols / 2)  // from no patch into the middle
                       : clamp(Math.floor(patch / cols) + down, 0, rows - 1) * cols + clamp((patch % cols) + right, 0, cols - 1);
  choose_token(prefix.length + at);
  say();
}
function step_block(by) {
  state.block = clamp(state.block + by, 0, blocks.length - 1);
  choose_blocks();
  say();
}
function step_head(by) {
  const all = rows_of_sheet();
  choose_row(all[(row_of_sheet() + by + all.length) % all.length]);
  say();
}
function step_view(by) {
  const views = views_of(picture_now());
  const at = views.indexOf(views.find((view) => view.key === (view_now() || {}).key));
  if (views.length > 0) choose_view(views[(at + by + views.length) % views.length].key);
  say();
}
function step_target() {
  const labels = [...$("bars").querySelectorAll("button")].map((bar) => bar.dataset.target);
  if (labels.length === 0) return;
  const map = map_now();
  const shown_label = is_why() ? why_now().entry.target[0] : map && map.target ? map.target[0] : null;
  choose_target(labels[(labels.indexOf(shown_label) + 1) % labels.length]);
  say();
}

// ---- playing the blocks
const kPlayMs = 750;  // a block
let player = 0;
function stop() {
  clearInterval(player);
  player = 0;
  $("play").setAttribute("aria-label", "Play the blocks");
  $("playing").setAttribute("d", "M8 5.2v13.6L19 12z");
}
function play() {
  if (player) { stop(); return; }
  if (!attention) return;
  choose_blocks();
  state.block = state.block + 1 < blocks.length ? state.block : 0;
  refresh();
  player = setInterval(() => {
    state.block = (state.block + 1) % blocks.length;
    draw_now();
  }, kPlayMs);
  $("play").setAttribute("aria-label", "Stop");
  $("playing").setAttribute("d", "M7 5h3.6v14H7zM13.4 5H17v14h-3.6z");
}

// ---- events
$("play").addEventListener("click", play);
$("block").addEventListener("input", () => { state.block = Number($("block").value); choose_blocks(); refresh(); });
$("strength").addEventListener("input", () => {
  state.strength = Number($("strength").value) / 100;
  if (shown) draw_field($("field"), shown, shown_signed);
  refresh();
});
for (const name of ["smooth", "root"]) {
  $(name).addEventListener("change", () => { state[name] = $(name).checked; if (shown) draw_field($("field"), shown, shown_signed); refresh(); });
}
$("other").addEventListener("click", () => { state.direction = state.direction === "row" ? "column" : "row"; refresh(); });
$("cells").addEventListener("click", (event) => {
  const box = $("cells").getBoundingClientRect();
  state.block = clamp(Math.floor(((event.clientX - box.left) / box.width) * blocks.length), 0, blocks.length - 1);
  const all = rows_of_sheet();
  choose_row(all[clamp(Math.floor(((event.clientY - box.top) / box.height) * all.length), 0, all.length - 1)]);
  refresh();
});
$("previous").addEventListener("click", () => open_picture(state.picture - 1));
$("next").addEventListener("click", () => open_picture(state.picture + 1));
$("about").addEventListener("click", () => $("help").showModal());
$("help").addEventListener("click", (event) => { if (event.target === $("help")) $("help").close(); });

const keys = {
  ArrowLeft: () => step_patch(0, -1), ArrowRight: () => step_patch(0, 1), ArrowUp: () => step_patch(-1, 0), ArrowDown: () => step_patch(1, 0),
  c: () => { if (prefix.length > 0) choose_token(token_now() < prefix.length ? (token_now() + 1) % prefix.length : 0); say(); },
  "[": () => step_block(-1), "]": () => step_block(1), h: () => step_head(1), H: () => step_head(-1),
  m: () => { choose_row(sheet_rows[0]); say(); },
  w: step_why, r: step_against,
  d: () => { state.direction = state.direction === "row" ? "column" : "row"; say(); },
  v: () => step_view(1), V: () => step_view(-1), k: step_target, " ": play,
  ",": () => open_picture(state.picture - 1), ".": () => open_picture(state.picture + 1),
  t: () => $("theme").click(), "?": () => $("help").showModal(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const on = event.target;
  // What the focused control does with a key itself stays its own.
  if (event.key.startsWith("Arrow") && on.tagName === "INPUT") return;
  if (event.key === " " && on !== document.body && on !== $("stage")) return;
  const digit = /^[0-9]$/.test(event.key) ? Number(event.key) : null;
  const act = digit === null ? keys[event.key] : () => {
    if (digit < heads) { choose_row(digit); say(); }
  };
  if (!act) return;
  event.preventDefault();
  act();
});
