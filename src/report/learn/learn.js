(() => {
  const { report, thumbnails } = JSON.parse(document.getElementById("content").textContent);
  const best = report.backbones[0];
  const names = report.classes.map((one) => one.name);

  const percent = (p) => (100 * p).toFixed(1) + " %";
  const points = (p) => (p < 0 ? "−" : "+") + Math.abs(100 * p).toFixed(1);
  const between = (share) => "95 %: " + (100 * share.low).toFixed(1) + " to " + (100 * share.high).toFixed(1);

  // ---- heading
  document.title = report.folder + " · fovea learn";
  $("title").textContent = percent(best.top1.value) + " right on pictures that were held out";
  const where = report.validation ? "the pictures of " + report.validation
                                  : report.measured + " pictures, each held out once, in " + report.folds + " folds";
  $("subtitle").textContent = "Measured on " + where + ". " + report.pictures + " pictures of " + names.length +
      " classes in " + report.folder + ", learned from the features of " + best.model + "; written to " + report.output + ".";
  const stats = [["Right", percent(best.top1.value), between(best.top1)],
                 ["Macro F1", percent(best.macro_f1.value), between(best.macro_f1)],
                 ["Balanced accuracy", percent(best.balanced_accuracy.value), between(best.balanced_accuracy)],
                 ["Calibration error", percent(best.ece), percent(best.ece_before) + " before the temperature"],
                 ["Log-loss", best.log_loss.toFixed(3), best.log_loss_before.toFixed(3) + " before"]];
  if (report.near_duplicates) stats.push(["Near-duplicates", report.near_duplicates, report.groups + " groups, never divided"]);
  if (report.unknown) stats.push(["Called unknown", percent(report.unknown.rejected), "of pictures of the classes"]);
  if (report.failed) stats.push(["Failed", report.failed, "could not be read"]);
  for (const [term, value, more] of stats) {
    $("stats").append(make("div", {}, make("dt", {}, term), make("dd", {}, String(value), make("small", {}, more))));
  }
  for (const remark of report.remarks) $("remarks").append(make("li", {}, remark));

  // ---- classes
  function fill(table, head, rows) {
    table.append(make("thead", {}, make("tr", {}, ...head.map((text) => make("th", {}, text)))));
    table.append(make("tbody", {}, ...rows));
  }
  const bar = (share) => make("span", { class: "bar" }, make("i", { style: "width:" + 100 * share + "%" }));
  fill($("classes").querySelector("table"), ["class", "recall", "precision", "F1", "pictures"], report.classes.map((one) => {
    const figures = one.support === 0 ? ["not measured", "", ""]
        : [make("span", {}, percent(one.recall), bar(one.recall)), percent(one.precision), percent(one.f1)];
    return make("tr", {}, make("th", {}, one.name), ...figures.map((f) => make("td", {}, f)), make("td", {}, String(one.pictures)));
  }));

  // ---- pictures
  function figure(path, caption) {
    const image = thumbnails[path] ? make("img", { src: "data:image/jpeg;base64," + thumbnails[path], alt: "", loading: "lazy" })
                                   : make("div", { class: "none" }, "not in this page");
    return make("figure", { title: path }, image, make("figcaption", {}, ...caption, make("small", {}, path.split("/").pop())));
  }

  // ---- confusion
  const pairs = new Map(report.confused.map((pair) => [pair.class + "\n" + pair.taken_for, pair]));
  let pressed = null;
  function show(pair, button) {
    if (pressed) pressed.setAttribute("aria-pressed", "false");
    pressed = button;
    button.setAttribute("aria-pressed", "true");
    const title = make("h3", {}, pair.paths.length + " of “" + pair.class + "” taken for “" + pair.taken_for + "”");
    $("cell").replaceChildren(title, make("div", { class: "grid" }, ...pair.paths.map((path) => figure(path, []))));
  }
  const kMostCells = 40;  // classes; more are a list of pairs
  if (names.length <= kMostCells) {
    const table = $("confusion").querySelector("table");
    table.append(make("thead", {}, make("tr", {}, make("th"), ...names.map((n) => make("th", { title: n }, make("span", {}, n))))));
    table.append(make("tbody", {}, ...report.confusion.map((row, truth) => {
      const all = row.reduce((sum, count) => sum + count, 0) || 1;
      return make("tr", {}, make("th", { title: names[truth] }, names[truth]), ...row.map((count, predicted) => {
        const tone = "--tone:var(" + (truth === predicted ? "--good" : "--bad") + ");--share:" + Math.round(70 * count / all) + "%";
        const pair = pairs.get(names[truth] + "\n" + names[predicted]);
        const cell = make(pair ? "button" : "span", { style: tone }, count ? String(count) : "");
        if (pair) {
          cell.setAttribute("aria-label", count + " of " + names[truth] + " taken for " + names[predicted]);
          cell.addEventListener("click", () => show(pair, cell));
        }
        return make("td", {}, cell);
      }));
    })));
  } else {
    for (const pair of report.confused.slice(0, 100)) {
      const button = make("button", { "aria-pressed": "false" }, pair.paths.length + "× “" + pair.class + "” taken for “" + pair.taken_for + "”");
      button.addEventListener("click", () => show(pair, button));
      $("pairs").append(button);
    }
  }
  if (pairs.size === 0) $("cell").append(make("p", { class: "soft" }, "No picture was taken for another class."));

  // ---- surprising
  $("surprising").hidden = report.surprising.length === 0;
  $("surprising").querySelector(".grid").append(...report.surprising.map((one) =>
    figure(one.path, ["“" + one.class + "” " + percent(one.probability), make("small", {}, "taken for “" + one.taken_for + "”")])));

  // ---- learning curve
  function draw() {
    const kNamespace = "http://www.w3.org/2000/svg";
    const part = (tag, attributes, text) => {
      const element = document.createElementNS(kNamespace, tag);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      if (text !== undefined) element.textContent = text;
      return element;
    };
    const [width, height, left, bottom, top] = [560, 220, 52, 34, 12];
    const low = Math.max(0, Math.floor(Math.min(...report.learning_curve.map((p) => p.top1.low)) * 10) / 10);
    const most = Math.max(...report.learning_curve.map((p) => p.pictures));
    const x = (pictures) => left + (width - left - 24) * pictures / most;
    const y = (share) => top + (height - top - bottom) * (1 - share) / (1 - low || 1);
    const svg = part("svg", { viewBox: "0 0 " + width + " " + height, width, role: "img", "aria-label": "learning curve", style: "max-width:100%" });
    for (let share = low; share < 1.0001; share += (1 - low) / 4) {
      svg.append(part("line", { x1: left, x2: width - 12, y1: y(share), y2: y(share), stroke: "var(--line)" }));
      svg.append(part("text", { x: left - 8, y: y(share) + 4, "text-anchor": "end" }, Math.round(100 * share) + " %"));
    }
    for (const p of report.learning_curve) {
      svg.append(part("line", { x1: x(p.pictures), x2: x(p.pictures), y1: y(p.top1.low), y2: y(p.top1.high), stroke: "var(--accent)", "stroke-width": 2, opacity: 0.5 }));
      svg.append(part("circle", { cx: x(p.pictures), cy: y(p.top1.value), r: 4, fill: "var(--accent)" }));
      svg.append(part("text", { x: x(p.pictures), y: height - 12, "text-anchor": "middle" }, String(p.pictures)));
    }
    svg.append(part("polyline", { points: report.learning_curve.map((p) => x(p.pictures) + "," + y(p.top1.value)).join(" "), fill: "none", stroke: "var(--accent)", "stroke-width": 2 }));
    $("curve").querySelector("div").append(svg);
  }
  draw();

  // ---- compared
  const rows = [["this model: " + best.model, best.top1.value, null],
                ...report.backbones.slice(1).map((b) => ["backbone " + b.model, b.top1.value, b.behind]),
                ...report.baselines.map((b) => [b.name + ", same features", b.top1, b.ahead])];
  fill($("compared").querySelector("table"), ["", "right", "this model is ahead by", "95 % interval"], rows.map(([name, top1, ahead]) => {
    const kind = !ahead ? "" : ahead.low > 0 ? "ahead" : ahead.high < 0 ? "behind" : "";
    return make("tr", {}, make("th", {}, name), make("td", {}, percent(top1)),
                make("td", { class: kind }, ahead ? points(ahead.value) : ""),
                make("td", {}, ahead ? points(ahead.low) + " to " + points(ahead.high) : ""));
  }));
  $("footer").textContent = "All figures are of pictures that were not learned from.";
})();
