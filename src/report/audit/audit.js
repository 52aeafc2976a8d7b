(() => {
  const names = report.classes.map((one) => one.name);
  const few = (count, what) => count + " " + what + (count === 1 ? "" : "s");

  // ---- heading
  document.title = report.folder + " · fovea audit";
  $("title").textContent = report.findings.length === 0 ? "Nothing stands out in " + report.folder
                                                        : few(report.findings.length, "finding") + " in " + report.folder;
  $("subtitle").textContent = report.tried + " comparisons were made on " + few(report.pictures, "picture") + " of " + names.length +
      " classes. Audited was " + (report.own_head ? "the head of " : "a head that was learned from them, ") + report.audited + ".";
  const stats = [["Right, held out", percent(report.figures.top1.value), between(report.figures.top1)],
                 ["Calibration error", percent(report.figures.ece), "0 is best"],
                 ["Doubtful labels", report.label_issues.length, "by confident learning"],
                 ["Near-duplicates", report.duplicates.length, "pairs"],
                 ["Experiments", report.passes, "passes of " + report.budget]];
  if (report.atlas.length) stats.push(["Never seen", percent(report.unseen), "of a picture, by the crop"]);
  if (report.on_outlier_tokens > 0) stats.push(["On outlier tokens", percent(report.on_outlier_tokens), "of the maps"]);
  if (report.failed) stats.push(["Broken files", report.failed, "could not be read"]);
  if (report.dropped) {
    const d = report.dropped;
    stats.push(["Without “" + d.class + "” " + d.direction, percent(d.right_after), percent(d.right_before) + " before, held out"]);
  }
  showStats(stats);
  for (const remark of report.remarks) $("remarks").append(make("li", {}, remark));

  // ---- findings
  function tile(path, box) {
    const inside = thumbnails[path] ? make("img", { src: "data:image/jpeg;base64," + thumbnails[path], alt: "", loading: "lazy" })
                                    : make("div", { class: "none" }, "not here");
    const element = make("div", { class: "tile", title: path }, inside);
    if (box && thumbnails[path]) {
      const part = (share) => 100 * share + "%";
      element.append(make("i", { style: "top:" + part(box.top) + ";left:" + part(box.left) + ";width:" + part(box.right - box.left) +
                                        ";height:" + part(box.bottom - box.top) }));
    }
    return element;
  }
  // The interval of a difference on a line from −1 to 1.
  function intervalLine(effect) {
    const [width, height] = [260, 34];
    const x = (value) => width * (0.5 + 0.48 * Math.max(-1, Math.min(1, value)));
    const svg = part("svg", { viewBox: "0 0 " + width + " " + height, width, role: "img",
                              "aria-label": points(effect.value) + " points, " + points(effect.low) + " to " + points(effect.high) });
    svg.append(part("line", { x1: x(-1), x2: x(1), y1: 13, y2: 13, stroke: "var(--line)" }));
    svg.append(part("line", { x1: x(0), x2: x(0), y1: 4, y2: 22, stroke: "var(--soft)" }));
    svg.append(part("text", { x: x(0), y: 33, "text-anchor": "middle", style: "font-size:10px" }, "no difference"));
    svg.append(part("line", { x1: x(effect.low), x2: x(effect.high), y1: 13, y2: 13, stroke: "var(--accent)", "stroke-width": 4, "stroke-linecap": "round", opacity: 0.45 }));
    svg.append(part("circle", { cx: x(effect.value), cy: 13, r: 5, fill: "var(--accent)" }));
    return svg;
  }
  // The picture that an experiment changed most, beside its control.
  function example(name, trial) {
    const one = (which, probability) => make("figure", {},
      make("img", { src: "data:image/jpeg;base64," + thumbnails[name + which], alt: which, loading: "lazy" }),
      make("figcaption", {}, which + " " + percent(probability)));
    return make("div", { class: "example" }, one("changed", trial.changed_probability), one("control", trial.control_probability));
  }
  function trialTable(trials, name) {
    const table = make("table", { class: "trials figures" });
    const called = (t, share) => (t.not_called ? "not " : "") + "called so " + percent(share);
    fill(table, ["experiment", "most changed: the class's probability", "mean change", "95 % interval", "pictures", "under the control"], trials.map((t, i) => {
      const kind = t.change.low > 0 ? "ahead" : t.change.high < 0 ? "behind" : "soft";
      return make("tr", {}, make("th", {}, t.what, make("div", { class: "soft" }, "against " + t.control)),
                  make("td", {}, example(name + i + " ", t)),
                  make("td", { class: kind }, points(t.change.value)),
                  make("td", {}, points(t.change.low) + " to " + points(t.change.high)),
                  make("td", {}, called(t, t.flips)), make("td", {}, percent(t.control_flips)));
    }));
    return make("div", { class: "scroll" }, table);
  }
  function finding(one, index) {
    const element = make("article", { class: "finding" },
      make("h3", {}, make("span", { class: "kind" }, one.kind), index + 1 + ". ", make("b", {}, "“" + one.class + "”"), ": " + one.what),
      make("div", { class: "effect" }, intervalLine(one.effect),
        make("span", { class: "soft" }, one.measure + ": " + percent(one.own) + ", other classes " + percent(one.others) + ". " +
          points(one.effect.value) + " points (" + points(one.effect.low) + " to " + points(one.effect.high) + ")")),
      make("div", { class: "strip" }, ...one.paths.slice(0, 12).map((path) => tile(path, one.box))));
    if (one.trials.length) element.append(trialTable(one.trials, "finding " + index + " trial "));
    if (one.verdict) element.append(make("p", { class: "verdict" }, one.verdict[0].toUpperCase() + one.verdict.slice(1) + "."));
    element.append(make("code", { class: "command" }, one.command));
    return element;
  }
  $("findings").querySelector("div").replaceChildren(...report.findings.map(finding));
  if (report.findings.length === 0) {
    $("findings").querySelector("div").append(make("p", {}, "None of " + report.tried + " comparisons stands out. That is no proof that there is nothing: " +
      "marks that move, and marks on a few pictures only, are not seen."));
  }

  // ---- lists of pictures, and what is decided about them
  const decisions = new Map();  // file_name → { decision, label, figures }
  const cards = new Map();      // file_name → its figures
  function decide(name, decision, label) {
    decision ? decisions.set(name, { decision, label }) : decisions.delete(name);
    for (const card of cards.get(name)) {
      card.classList.toggle("decided", Boolean(decision));
      for (const box of card.querySelectorAll("input")) box.checked = box.value === decision;
      if (label) card.querySelector("select").value = label;
    }
    $("take").querySelector("button").disabled = decisions.size === 0;
    $("take").querySelector("span").textContent = decisions.size === 0 ? "Nothing is decided yet."
        : few(decisions.size, "picture") + " decided about. Then: fovea learn " + report.folder + " --decisions decisions.csv -o better.safetensors";
  }
  function decidable(path, name, given, likely, caption) {
    const card = figure(path, caption);
    const select = make("select", { "aria-label": "label of " + name }, ...names.map((n) => make("option", { value: n }, n)));
    select.value = likely || given;
    const choice = (value, text) => {
      const box = make("input", { type: "checkbox", value });
      box.addEventListener("change", () => decide(name, box.checked ? value : "", value === "relabel" && box.checked ? select.value : ""));
      return make("label", {}, box, text);
    };
    select.addEventListener("change", () => decide(name, "relabel", select.value));
    card.append(make("div", { class: "decide" }, choice("keep", "keep"), choice("drop", "drop"), choice("relabel", "relabel as"), select));
    cards.set(name, [...(cards.get(name) || []), card]);
    return card;
  }
  // The first items, and a button that shows more.
  function inPieces(place, atOnce, items, make_one) {
    const more = make("button", { type: "button", class: "more" }, "");
    let shown = 0;
    const show = () => {
      place.append(...items.slice(shown, shown + atOnce).map(make_one));
      shown = Math.min(shown + atOnce, items.length);
      more.hidden = shown === items.length;
      more.textContent = "Show " + Math.min(items.length - shown, atOnce) + " more of " + (items.length - shown);
    };
    more.addEventListener("click", show);
    show();
    place.after(more);
  }
  function list(id, title, items, card) {
    if (items.length === 0) return;
    const grid = make("div", { class: "grid" });
    $(id).append(make("h3", {}, title), grid);
    inPieces(grid, 12, items, card);
  }
  list("labels", few(report.label_issues.length, "label") + " to doubt", report.label_issues, (one) =>
    decidable(one.path, one.file_name, one.class, one.likely,
              ["“" + one.class + "” " + percent(one.probability), make("small", {}, "rather “" + one.likely + "” " + percent(one.likely_probability))]));
  list("duplicates", few(report.duplicates.length, "pair") + " of near-duplicates",
       report.duplicates.flatMap((pair, i) => [
         [pair.path, pair.file_name, pair.class, pair, i], [pair.other, pair.other_file_name, pair.other_class, pair, i]]),
       ([path, name, own, pair, i]) => decidable(path, name, own, "", ["Pair " + (i + 1) + ": “" + own + "”",
         make("small", {}, pair.across_splits ? "across the split" : pair.class !== pair.other_class ? "across classes" : "same class")]));
  list("outliers", few(report.outliers.length, "picture") + " far from every class", report.outliers, (one) =>
    decidable(one.path, one.file_name, one.class, "", ["“" + one.class + "”", make("small", {}, one.distance.toFixed(1) + " times as far as usual")]));
  $("lists").hidden = cards.size === 0;
  $("take").querySelector("span").textContent = "Nothing is decided yet.";
  const quoted = (text) => /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  const table = () => "file_name,decision,label\n" +
      [...decisions].map(([name, one]) => [name, one.decision, one.label].map(quoted).join(",") + "\n").join("");
  $("take").querySelector("button").addEventListener("click", () => {
    const link = make("a", { download: "decisions.csv", href: "data:text/csv;charset=utf-8," + encodeURIComponent(table()) });
    document.body.append(link);
    link.click();
    link.remove();
  });
  window.decisionsTable = table;

  // ---- maps
  function drawMap(values, most, colours) {
    const canvas = make("canvas", { width: report.map_cols, height: report.map_rows });
    const pixels = new ImageData(report.map_cols, report.map_rows);
    values.forEach((value, cell) => {
      const share = colours === kDiverging ? 0.5 + 0.5 * value / (most || 1) : value / (most || 1);
      pixels.data.set([...colours[Math.max(0, Math.min(255, Math.round(255 * share)))], 255], 4 * cell);
    });
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    return canvas;
  }
  const less = (map) => map.map((value, cell) => value - report.overall_map[cell]);
  const largest = Math.max(1e-9, ...report.atlas.flatMap((one) => less(one.map).map(Math.abs)));
  $("atlas").hidden = report.atlas.length === 0;
  $("atlas").querySelector(".maps").replaceChildren(
    ...(report.atlas.length ? [make("figure", {}, drawMap(report.overall_map, Math.max(...report.overall_map), kColors),
                                    make("figcaption", {}, "all classes", make("small", {}, "the mean map itself")))] : []),
    ...report.atlas.map((one) => make("figure", {}, drawMap(less(one.map), largest, kDiverging),
                                      make("figcaption", {}, one.class, make("small", {}, few(one.pictures, "picture"))))));
  $("strategies").hidden = report.strategies.length === 0;
  const kRowsAtOnce = 12;
  inPieces($("strategies").querySelector("div"), kRowsAtOnce, report.strategies, (one) =>
    make("div", { class: "strategy" }, drawMap(one.map, Math.max(...one.map), kColors),
         make("div", {}, make("div", {}, "“" + one.class + "”, by " + (one.by === "what" ? "what was looked at" : "where it lies") + ": " +
                                         few(one.pictures, "picture") + ", " + percent(one.right) + " right"),
              make("div", { class: "strip" }, ...one.paths.map((path) => tile(path))))));

  $("directions").hidden = report.directions.length === 0;
  inPieces($("directions").querySelector("div"), kRowsAtOnce, report.directions, (one) =>
    make("div", {}, make("div", {}, "“" + one.class + "” " + one.direction + ": " + percent(one.share) + " of the variance"),
         make("div", { class: "strip" }, ...one.paths.map((path) => tile(path)))));

  // ---- confusion, reliability, what is left
  showConfusion(names, names, report.confusion);
  const most = Math.max(1, ...report.reliability.map((bin) => bin.pictures));
  const chart = plot("reliability", 0, (p) => p, [0, 0.25, 0.5, 0.75, 1].map((p) => [p, Math.round(100 * p) + " %"]));
  chart.svg.append(part("line", { x1: chart.x(0), y1: chart.y(0), x2: chart.x(1), y2: chart.y(1), stroke: "var(--soft)", "stroke-dasharray": "4 4" }));
  for (const bin of report.reliability) {
    chart.svg.append(part("circle", { cx: chart.x(bin.confidence), cy: chart.y(bin.right), r: 3 + 7 * Math.sqrt(bin.pictures / most), fill: "var(--accent)", opacity: 0.75 }));
  }
  $("reliability").querySelector(".plot").append(chart.svg);
  $("untried").hidden = report.untried.length === 0;
  $("untried").querySelector("ul").replaceChildren(...report.untried.map((one) => make("li", {}, one.what + ": " + one.why)));
  $("failed").hidden = report.failures.length === 0;
  $("failed").querySelector("ul").replaceChildren(...report.failures.map((one) => make("li", {}, one.message)));
  $("footer").textContent = report.command;
})();
