// The parts that depend on the model or the picture: chips, bars and strip; opening a picture.

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
    const all = [...group.children].filter((one) => !one.hidden);
    const next = all[(all.indexOf(option) + step + all.length) % all.length];
    next.focus();
    next.click();
  });
  group.append(option);
}
function choose_view(key) {
  state.view = key;
  if (key !== "attention" && key !== "why") stop();
}
/// A block or a head is chosen: a map has none, but attention and "why" do.
function choose_blocks() {
  if (!is_why()) choose_view("attention");
}
function choose_row(row) {
  state.terms = row === kTerms;
  if (!state.terms) state.head = row;
  choose_blocks();
}
function choose_token(token) {
  state.selected = token;
  state.hovered = null;
}
function choose_target(label) {
  state.target = label;
  const view = view_now();
  if (view && (view.key === "why" || view.maps.some((map) => map.target && map.target[0] === label))) return;
  const fitting = views_of(picture_now()).find((one) => one.maps.some((map) => map.target && map.target[0] === label));
  if (fitting) choose_view(fitting.key);
}
function lay_out_steering() {
  $("block").max = blocks.length - 1;
  radio($("directions"), "looks at", { direction: "row" }, () => { state.direction = "row"; });
  radio($("directions"), "is looked at by", { direction: "column" }, () => { state.direction = "column"; });
  for (const head of [kTerms, ...sheet_rows]) {
    const name = head === kTerms ? "all" : heading.mean_heads ? head_name(0) : head === kMean ? "mean" : String(head);
    radio($("heads"), name, { head }, () => choose_row(head));
    $("heads").lastChild.setAttribute("aria-label", head === kTerms ? "what the score is made of" : head_name(head));
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
  lay_out_why(picture);
  $("outliers").hidden = !picture.outliers;
  $("outliers").textContent = picture.outliers ? "This picture has " + picture.outliers + "." : "";
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
  $("bars").replaceChildren(...[...picture.predictions, ...others].map(([label, p, , value]) => {
    const fill = make("i");
    fill.style.setProperty("--share", (100 * (p ?? 0)).toFixed(2) + "%");
    const parts = [fill, make("b", {}, label), make("span", {}, value !== undefined ? value.toPrecision(4) : p === null ? "" : percent(p))];
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
  cancelAnimationFrame(frame);  // it would ease towards the last picture's patches
  frame = 0;
  const picture = picture_now();
  use_grid_of(picture);
  state.selected = Math.min(state.selected, tokens - 1);
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
