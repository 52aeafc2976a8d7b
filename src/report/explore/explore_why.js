// The view "why": what a class's score is made of, token by token as it enters each block, and what each head brings to
// the read-out. All of it is linear in the score, so a class rather than another one is the difference of the two.

const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(Math.abs(value) < 0.0995 ? 3 : 2);
const why_entries = (picture) => (has_attention(picture) && picture.why) || [];
const is_why = () => view_now()?.key === "why";

/// { entry, label, score, blocks, fields: [blocks, 1 + heads] of [patches] }; in each block the terms come first.
function why_entry(entry) {
  return entry.made ??= (() => {
    const steps = new Int8Array(from_base64(entry.steps).buffer);
    const per = steps.length / entry.maxima.length;
    const fields = entry.maxima.map((maximum, i) =>
      Float32Array.from(steps.subarray(i * per, (i + 1) * per), (step) => (step * maximum) / 127));
    return { entry, label: entry.target[0], score: entry.score, blocks: entry.blocks, fields };
  })();
}
const pairs = new Map();
function difference(a, b) {
  const key = a.label + "\n" + b.label + "\n" + state.picture;
  if (pairs.has(key)) return pairs.get(key);
  const less = (x, y) => (Array.isArray(x) ? x.map((value, i) => less(value, y[i])) : x - y);
  const blocks = a.blocks.map((block, i) => Object.fromEntries(
    Object.entries(block).map(([name, value]) => [name, less(value, b.blocks[i][name])])));
  const fields = a.fields.map((field, i) => field.map((value, j) => value - b.fields[i][j]));
  if (pairs.size > 20) pairs.clear();
  pairs.set(key, { entry: a.entry, label: a.label + " rather than " + b.label, score: a.score - b.score, blocks, fields });
  return pairs.get(key);
}
/// The numbers of the chosen class, less those of the other one where one is chosen.
function why_now(picture = picture_now()) {
  const entries = why_entries(picture);
  const chosen = entries.find((entry) => entry.target[0] === state.target) || entries[0];
  const other = !chosen.contrast && chosen.target[0] !== state.against
    ? entries.find((entry) => !entry.contrast && entry.target[0] === state.against) : null;
  return other ? difference(why_entry(chosen), why_entry(other)) : why_entry(chosen);
}
/// What one of the sheet's rows shows of a block: kTerms, kMean (here the sum over heads), or a head.
function why_field(why, block, row) {
  const first = block * (1 + heads);
  if (row === kTerms) return why.fields[first];
  if (row !== kMean) return why.fields[first + 1 + row];
  why.sums ??= [];
  return why.sums[block] ??= why.fields.slice(first + 1, first + 1 + heads)
    .reduce((sum, field) => sum.map((value, i) => value + field[i]), new Float32Array(patches));
}
/// [from patches, from prefix tokens]
function why_brought(why, block, row) {
  const of_heads = why.blocks[block].heads;
  return row === kMean ? of_heads.reduce((a, b) => [a[0] + b[0], a[1] + b[1]]) : of_heads[row];
}
/// The largest value that is drawn: one for the terms, one for the heads, so that blocks can be compared.
function why_scale(why, row) {
  const key = row === kTerms ? "terms_scale" : "heads_scale";
  const rows = row === kTerms ? [kTerms] : sheet_rows;
  return why[key] ??= Math.max(1e-30, ...blocks.flatMap((_, block) => rows.map((one) =>
    why_field(why, block, one).reduce((most, value) => Math.max(most, Math.abs(value)), 0))));
}
/// 0.5 is 0.
function why_shares(values, scale) {
  return values.map((value) => {
    const share = Math.min(1, Math.abs(value) / scale);
    return 0.5 + 0.5 * Math.sign(value) * (state.root ? Math.sqrt(share) : share);
  });
}
const why_row = () => (state.terms ? kTerms : state.head);
const row_name = (row) => (heads === 1 || row === kMean ? "all heads" : "head " + row);
const verb_of = (row) => (row_name(row) === "all heads" ? " bring " : " brings ");

// ---- drawing
function draw_why(token) {
  const why = why_now();
  const row = why_row();
  const values = why_field(why, state.block, row);
  const scale = why_scale(why, row);
  target_values = values;
  show_field(why_shares(values, scale), true);
  $("low").textContent = signed(-scale);
  $("high").textContent = signed(scale) + (state.root ? " (√)" : "");
  const block = why.blocks[state.block];
  const prefix_sum = block.prefix.reduce((a, b) => a + b, 0);
  const patch = token - prefix.length;
  const here = patch >= 0 ? " " + signed(values[patch]) + " at " + name_of_patch(patch) + "."
    : row === kTerms ? " " + signed(block.prefix[token]) + " in the " + prefix[token] + "." : "";
  const about = row === kTerms
    ? ["Where block " + blocks[state.block] + " begins, ", make("b", {}, why.label), " is made of patches " + signed(block.patches) +
       ", prefix tokens " + signed(prefix_sum) + ", biases " + signed(block.biases) + ": score " + why.score.toFixed(2) + "." + here]
    : (([from_patches, from_prefix]) => ["Block " + blocks[state.block] + ", " + row_name(row) + verb_of(row) +
       signed(from_patches + from_prefix) + " to ", make("b", {}, why.label), ": " + signed(from_patches) + " from patches, " +
       signed(from_prefix) + " from prefix tokens." + here])(why_brought(why, state.block, row));
  $("sentence").replaceChildren(...about);
  [...$("prefix").children].forEach((chip, i) => {
    chip.lastChild.textContent = row === kTerms ? signed(block.prefix[i]) : "";
    chip.setAttribute("aria-pressed", String(token === i));
  });
  draw_ledger(why, row);
}
/// A pillar for each block: what is left in the patches, or what its heads bring.
function draw_ledger(why, row) {
  const sums = blocks.map((_, block) => (row === kTerms ? why.blocks[block].patches
    : why_brought(why, block, row).reduce((a, b) => a + b)));
  const most = Math.max(...sums.map(Math.abs), 1e-30);
  const up = Math.max(0, ...sums) / most;
  const down = Math.max(0, ...sums.map((sum) => -sum)) / most;
  $("ledger-name").textContent = row === kTerms ? "In the patches where each block begins"
    : "What " + row_name(row) + verb_of(row) + "in each block";
  const total = sums.reduce((a, b) => a + b, 0);
  $("ledger-note").textContent = row === kTerms ? "· mean " + signed(total / sums.length) : "· in all " + signed(total);
  $("ledger").replaceChildren(...sums.map((sum, block) => {
    const pillar = make("button", { type: "button", class: "pillar", title: "Block " + blocks[block] + ": " + signed(sum),
                                    "aria-label": "Block " + blocks[block] + ": " + signed(sum), "aria-pressed": String(block === state.block) });
    const bar = make("i", { class: sum < 0 ? "against" : "for" });
    const height = (100 * Math.abs(sum)) / most / (up + down || 1);
    bar.style.height = height.toFixed(2) + "%";
    bar.style.bottom = ((100 * down) / (up + down || 1) - (sum < 0 ? height : 0)).toFixed(2) + "%";
    pillar.append(bar);
    pillar.addEventListener("click", () => { state.block = block; refresh(); });
    return pillar;
  }));
  for (const chip of $("against").children) {
    const label = chip.dataset.against;
    chip.hidden = label === why.entry.target[0] || (label !== "" && why.entry.contrast);
  }
  mark($("against"), (chip) => chip.dataset.against === (why.label === why.entry.target[0] ? "" : state.against));
}
function lay_out_why(picture) {
  const labels = why_entries(picture).filter((entry) => !entry.contrast).map((entry) => entry.target[0]);
  $("against").replaceChildren();
  radio($("against"), "by itself", { against: "" }, () => { state.against = null; });
  for (const label of labels) radio($("against"), "rather than " + label, { against: label }, () => { state.against = label; });
  $("against").hidden = labels.length < 2;
}

// ---- keys
/// The view itself, then by turns its two halves.
function step_why() {
  if (why_entries(picture_now()).length === 0) return;
  if (is_why()) state.terms = !state.terms;
  else choose_view("why");
  say();
}
function step_against() {
  const chips = [...$("against").children].filter((chip) => !chip.hidden);
  if (!is_why() || chips.length < 2) return;
  const at = chips.findIndex((chip) => chip.getAttribute("aria-checked") === "true");
  chips[(at + 1) % chips.length].click();
  say();
}
