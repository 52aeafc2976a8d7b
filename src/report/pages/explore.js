"use strict";
// Words: a *view* is "attention" or a method's map; a *token* is one of the prefix tokens or a patch behind them; a
// *field* is one number for each patch, as it is drawn. A[q, k] is what query q gives to key k: q's *row* is what it
// looks at, k's *column* by whom it is looked at.
(() => {
  const $ = (id) => document.getElementById(id);
  const heading = JSON.parse($("heading").textContent);
  const pictures = [...document.querySelectorAll("script.picture")].map((element) => {
    const picture = JSON.parse(element.textContent);
    picture.packed = element.nextElementSibling.textContent;
    return picture;
  });
  const { rows, cols, prefix, blocks } = heading;
  const patches = rows * cols;
  const tokens = prefix.length + patches;
  const heads = heading.mean_heads ? 1 : heading.heads;
  const kMean = -1;  // in the place of a head
  const kPlayMs = 750;  // a block
  const kEaseMs = 70;   // time constant of a changing field

  // Text only ever enters the page as text nodes and attributes, never as markup.
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const percent = (p) => (100 * p).toFixed(p < 0.01 ? 2 : 1) + " %";
  const plain = (value) => (value === 0 ? "0" : Math.abs(value) >= 0.01 && Math.abs(value) < 1000
    ? value.toPrecision(3) : value.toExponential(1));

  // ---- attention: unpacked when it is first looked at
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
      const count = blocks.length * heads * tokens;
      return { maxima: new Float32Array(buffer, 0, count), steps: new Uint8Array(buffer, 4 * count) };
    });
    unpacked.set(picture, promise);
    if (unpacked.size > 6) unpacked.delete(unpacked.keys().next().value);
    return promise;
  }
  const has_attention = (picture) => !picture.failure && blocks.length > 0 && picture.packed.length > 0;

  /// @returns {Float32Array} [tokens], a row or a column of A, of one head or the mean of all
  function attention_of({ maxima, steps }, block, head, token, direction) {
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

  // ---- what is looked at now
  const state = {
    picture: Math.max(0, pictures.findIndex((picture) => !picture.failure)),
    view: blocks.length > 0 ? "attention" : null,
    target: null,  // label of the class of class-specific maps
    block: blocks.length - 1,  // index into `blocks`
    head: heads > 1 ? kMean : 0,
    selected: 0,  // token
    hovered: null,  // token under the pointer; comes before the selected one
    direction: "row",
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

  // ---- drawing
  const kInferno = ["000004", "160b39", "420a68", "6a176e", "932667", "bc3754", "dd513a", "f37819", "fca50a", "f6d746",
                    "fcffa4"].map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const kColors = Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (kInferno.length - 1);
    const below = Math.min(Math.floor(at), kInferno.length - 2);
    return kInferno[below].map((c, channel) => Math.round(c + (at - below) * (kInferno[below + 1][channel] - c)));
  });
  /// @param shares  [patches], 0..1, as colours; opaque where strength is 1, else colder patches let more of the picture through
  function paint(image, shares, strength, left = 0, top = 0, width = cols) {
    for (let patch = 0; patch < patches; ++patch) {
      const share = clamp(shares[patch], 0, 1);
      const color = kColors[Math.round(255 * share)];
      const at = 4 * ((top + Math.floor(patch / cols)) * width + left + (patch % cols));
      image.data[at] = color[0];
      image.data[at + 1] = color[1];
      image.data[at + 2] = color[2];
      image.data[at + 3] = 255 * (strength * strength + share * (strength - strength * strength));
    }
  }
  function draw_field(canvas, shares) {
    canvas.width = cols;
    canvas.height = rows;
    const image = new ImageData(cols, rows);
    paint(image, shares, state.strength);
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
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let shown = null;
  let meant = null;
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
    draw_field($("field"), shown);
    frame = rest < 0.004 ? 0 : requestAnimationFrame(ease);
  }
  function show_field(shares) {
    meant = shares;
    if (!shown) ease(performance.now());
    else if (!frame) {
      last_frame = performance.now();
      frame = requestAnimationFrame(ease);
    }
  }

  // ---- the stage and what is said below it
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
    show_field(map_shares(values, map.low, map.high));
    $("low").textContent = plain(map.low);
    $("high").textContent = plain(map.high);
    const about = [make("b", {}, map.title), " (" + map.variant + ")"];
    if (map.target) about.push(" for ", make("b", {}, map.target[0]));
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
  function draw_sheet(token) {
    const canvas = $("cells");
    const width = blocks.length * (cols + 1) - 1;
    const height = sheet_rows.length * (rows + 1) - 1;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const image = new ImageData(width, height);
    blocks.forEach((_, b) => sheet_rows.forEach((head, h) => {
      const seen = of_patches(attention_of(attention, b, head, token, state.direction));
      paint(image, attention_shares(seen), 1, b * (cols + 1), h * (rows + 1), width);
    }));
    canvas.getContext("2d").putImageData(image, 0, 0);
    const chosen = sheet_rows.indexOf(state.head);
    Object.assign($("chosen").style, {
      left: (100 * state.block * (cols + 1)) / width + "%", width: (100 * cols) / width + "%",
      top: (100 * chosen * (rows + 1)) / height + "%", height: (100 * rows) / height + "%",
    });
  }
  function label_sheet() {
    const every = Math.ceil(blocks.length / 14);
    blocks.forEach((block, b) => {
      if (b % every !== 0) return;
      const label = make("span", {}, String(block));
      label.style.left = (100 * (b + 0.5)) / blocks.length + "%";
      $("sheet-blocks").append(label);
    });
    sheet_rows.forEach((head, h) => {
      const label = make("span", {}, head === kMean || heads === 1 ? "mean" : String(head));
      label.style.top = (100 * (h + 0.5)) / sheet_rows.length + "%";
      $("sheet-heads").append(label);
    });
    $("sheet-note").textContent = "· blocks to the right, heads down";
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
    else if (attention) draw_attention(token);
    if (attention) {
      draw_sheet(token);
      $("block").value = state.block;
      $("block-name").replaceChildren("Block " + blocks[state.block] + " ", make("span", {}, "of 0 to " + (heading.depth - 1)));
      $("block").setAttribute("aria-valuetext", "block " + blocks[state.block]);
      mark($("heads"), (chip) => Number(chip.dataset.head) === state.head);
      mark($("directions"), (button) => button.dataset.direction === state.direction);
    }
    mark($("views"), (chip) => view && chip.dataset.view === view.key);
    $("root").disabled = Boolean(map);
    const target = map && map.target ? map.target[0] : null;
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

  // ---- choices
  function radio(group, text, data, choose) {
    const option = make("button", { type: "button", role: "radio" }, text);
    if (group.classList.contains("chips")) option.className = "chip";
    Object.assign(option.dataset, data);
    option.addEventListener("click", () => { choose(); refresh(); });
    option.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      const all = [...group.children];
      const next = all[(all.indexOf(option) + step + all.length) % all.length];
      next.focus();
      next.click();
    });
    group.append(option);
  }
  function choose_view(key) {
    state.view = key;
    if (key !== "attention") stop();
  }
  function choose_token(token) {
    state.selected = token;
    state.hovered = null;
  }
  function choose_target(label) {
    state.target = label;
    const view = view_now();
    if (view && view.maps.some((map) => map.target && map.target[0] === label)) return;
    const fitting = views_of(picture_now()).find((one) => one.maps.some((map) => map.target && map.target[0] === label));
    if (fitting) choose_view(fitting.key);
  }
  function lay_out_steering() {
    label_sheet();
    $("block").max = blocks.length - 1;
    radio($("directions"), "looks at", { direction: "row" }, () => { state.direction = "row"; });
    radio($("directions"), "is looked at by", { direction: "column" }, () => { state.direction = "column"; });
    for (const head of sheet_rows) {
      const name = heading.mean_heads ? head_name(0) : head === kMean ? "mean" : String(head);
      radio($("heads"), name, { head }, () => { state.head = head; choose_view("attention"); });
      $("heads").lastChild.setAttribute("aria-label", head_name(head));
    }
    prefix.forEach((name, token) => {
      const chip = make("button", { type: "button", class: "chip" }, name, make("span"));
      chip.addEventListener("click", () => { choose_token(token); refresh(); });
      $("prefix").append(chip);
    });
    $("prefix").hidden = prefix.length === 0;
  }
  function lay_out_picture() {
    const picture = picture_now();
    const failed = Boolean(picture.failure);
    $("path").textContent = picture.path.split("/").pop();
    $("path").title = picture.path;
    document.title = picture.path + " · fovea";
    $("place").textContent = state.picture + 1 + " / " + pictures.length;
    $("previous").disabled = state.picture === 0;
    $("next").disabled = state.picture + 1 === pictures.length;
    [...$("strip").children].forEach((button, i) => {
      button.setAttribute("aria-current", String(i === state.picture));
      if (i === state.picture) button.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
    $("failure").hidden = !failed;
    $("figure").hidden = failed;
    document.querySelector(".adjust").hidden = failed;
    document.querySelector(".steer").hidden = failed;
    $("views").replaceChildren();
    if (failed) {
      $("failure").replaceChildren(make("p", {}, picture.failure.message));
      if (picture.failure.hint) $("failure").append(make("p", {}, picture.failure.hint));
      return;
    }
    for (const view of views_of(picture)) {
      radio($("views"), view.name, { view: view.key }, () => choose_view(view.key));
    }
    $("image").src = $("other-image").src = picture.image;
    $("image").alt = "";
    $("stage").setAttribute("aria-label", "Patches of " + picture.path + ": " + rows + " rows of " + cols + "; arrow keys move over them");
    lay_out_predictions(picture);
  }
  function lay_out_predictions(picture) {
    const explained = new Set((picture.maps || []).filter((map) => map.target).map((map) => map.target[0]));
    $("predicted").hidden = picture.predictions.length === 0 && explained.size === 0;
    const known = new Set(picture.predictions.map(([label]) => label));
    const others = [...explained].filter((label) => !known.has(label)).map((label) => [label, null]);
    $("bars").replaceChildren(...[...picture.predictions, ...others].map(([label, p]) => {
      const fill = make("i");
      fill.style.setProperty("--share", (100 * (p ?? 0)).toFixed(2) + "%");
      const parts = [fill, make("b", {}, label), make("span", {}, p === null ? "" : percent(p))];
      if (!explained.has(label)) return make("div", { class: "bar-row", title: label }, ...parts);
      const bar = make("button", { type: "button", class: "bar-row", title: "Explain " + label }, ...parts);
      bar.dataset.target = label;
      bar.addEventListener("click", () => { choose_target(label); refresh(); });
      return bar;
    }));
  }

  // ---- pictures
  let opening = 0;
  async function open_picture(index) {
    state.picture = clamp(index, 0, pictures.length - 1);
    state.hovered = null;
    attention = null;
    shown = null;
    const picture = picture_now();
    lay_out_picture();
    const ticket = ++opening;
    const wanted = has_attention(picture);
    $("steering").hidden = !wanted;
    $("absent").hidden = wanted;
    $("waiting").hidden = !wanted;
    if (!wanted) {
      $("absent").textContent = "The page was made without attention; it holds the maps alone.";
      draw_now();
      return;
    }
    $("waiting").textContent = "Unpacking the attention …";
    try {
      const found = await unpack(picture);
      if (ticket !== opening) return;
      attention = found;
      $("waiting").hidden = true;
    } catch (error) {
      if (ticket !== opening) return;
      picture.packed = "";
      $("waiting").hidden = $("steering").hidden = true;
      $("absent").hidden = false;
      $("absent").textContent = typeof DecompressionStream === "undefined"
        ? "This browser cannot unpack the attention (it has no DecompressionStream); the maps are shown alone."
        : "The attention in this page is damaged (" + error.message + "); the maps are shown alone.";
      lay_out_picture();
    }
    draw_now();
  }
  function lay_out_strip() {
    const several = pictures.length > 1;
    $("strip").hidden = $("turn").hidden = !several;
    document.body.classList.toggle("several", several);
    if (!several) return;
    pictures.forEach((picture, i) => {
      const button = make("button", { type: "button", title: picture.path, "aria-label": picture.path });
      if (picture.failure) {
        button.className = "failed";
        button.textContent = "!";
      } else {
        const image = make("img", { alt: "", loading: "lazy", decoding: "async" });
        image.src = picture.image;
        button.append(image);
      }
      button.addEventListener("click", () => open_picture(i));
      $("strip").append(button);
    });
  }

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
    choose_view("attention");
    say();
  }
  function step_head(by) {
    const at = sheet_rows.indexOf(state.head);
    state.head = sheet_rows[(at + by + sheet_rows.length) % sheet_rows.length];
    choose_view("attention");
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
    choose_target(labels[(labels.indexOf(map && map.target ? map.target[0] : null) + 1) % labels.length]);
    say();
  }

  // ---- playing the blocks
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
    state.view = "attention";
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
  $("block").addEventListener("input", () => { state.block = Number($("block").value); state.view = "attention"; refresh(); });
  $("strength").addEventListener("input", () => {
    state.strength = Number($("strength").value) / 100;
    if (shown) draw_field($("field"), shown);
    refresh();
  });
  for (const name of ["smooth", "root"]) {
    $(name).addEventListener("change", () => { state[name] = $(name).checked; if (shown) draw_field($("field"), shown); refresh(); });
  }
  $("other").addEventListener("click", () => { state.direction = state.direction === "row" ? "column" : "row"; refresh(); });
  $("cells").addEventListener("click", (event) => {
    const box = $("cells").getBoundingClientRect();
    state.block = clamp(Math.floor(((event.clientX - box.left) / box.width) * blocks.length), 0, blocks.length - 1);
    state.head = sheet_rows[clamp(Math.floor(((event.clientY - box.top) / box.height) * sheet_rows.length), 0, sheet_rows.length - 1)];
    choose_view("attention");
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
    m: () => { state.head = sheet_rows[0]; choose_view("attention"); say(); },
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
      if (digit < heads) { state.head = digit; choose_view("attention"); say(); }
    };
    if (!act) return;
    event.preventDefault();
    act();
  });

  // ---- the place in the page, so that it can be sent as a link
  function remember() {
    const parts = { picture: state.picture, view: (state.view || "").replace("\n", "~"), block: blocks[state.block], head: state.head === kMean ? "mean" : state.head,
                    token: state.selected, direction: state.direction };
    if (state.target) parts.class = state.target;
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
    state.selected = number("token", 0, tokens - 1) ?? state.selected;
    const block = blocks.indexOf(number("block", 0, heading.depth));
    if (block >= 0) state.block = block;
    if (parts.get("head") === "mean" && heads > 1) state.head = kMean;
    else state.head = number("head", 0, heads - 1) ?? state.head;
    if (parts.get("direction") === "column") state.direction = "column";
    if (parts.has("view")) state.view = parts.get("view").replace("~", "\n");
    state.target = parts.get("class");
  }

  // The reader's own choice outlives the page where the browser allows it; until then the system's holds.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let theme = null;
  try { theme = localStorage.getItem("fovea-theme"); } catch { /* not for local files in every browser */ }
  const paint_theme = () => { document.documentElement.dataset.theme = theme || (dark.matches ? "dark" : "light"); };
  dark.addEventListener("change", paint_theme);
  $("theme").addEventListener("click", () => {
    theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("fovea-theme", theme); } catch { /* holds for this visit */ }
    paint_theme();
  });

  function describe() {
    $("model").textContent = heading.model + " · " + heading.depth + " blocks, " + heading.heads + " heads, " + rows + " × " + cols + " patches";
    $("footer").textContent = "fovea " + heading.version + " · everything is in this file; nothing is loaded, nothing is sent";
    const about = new Map(pictures.flatMap((picture) => picture.maps || []).map((map) => [map.title, map.shows]));
    for (const [title, shows] of about) $("methods").append(make("dt", {}, title), make("dd", {}, shows));
    for (const cover of [$("cover"), $("other-cover")]) {
      cover.style.height = 100 * heading.covered[0] + "%";
      cover.style.width = 100 * heading.covered[1] + "%";
    }
    $("image").addEventListener("load", () => {
      document.documentElement.style.setProperty("--aspect", String($("image").naturalWidth / $("image").naturalHeight));
    });
  }

  // For the console and for tests: what is shown, in numbers. Tokens are counted with the prefix tokens first.
  window.fovea = {
    heading,
    /// A row or a column of A as it is drawn from, [tokens].
    attention: async ({ picture = state.picture, block = blocks[state.block], head = "mean", token = 0, direction = "row" } = {}) =>
      [...attention_of(await unpack(pictures[picture]), blocks.indexOf(block), head === "mean" ? kMean : head, token, direction)],
    state: () => ({ ...state, block: blocks[state.block], head: state.head === kMean ? "mean" : state.head, token: token_now(), playing: player !== 0,
                    values: target_values ? [...target_values] : null, sentence: $("sentence").textContent }),
    ready: null,
  };

  paint_theme();
  describe();
  lay_out_strip();
  if (blocks.length > 0) lay_out_steering();
  recall();
  window.fovea.ready = pictures.length > 0 ? open_picture(state.picture) : Promise.resolve();
})();
