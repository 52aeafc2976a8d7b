(() => {
  const nameOf = (m) => m.precision ? m.model + " in " + m.precision : m.model;

  function stats(m) {
    const all = [["Right", percent(m.top1.value), between(m.top1)]];
    if (m.top5) all.push(["Among 5 best", percent(m.top5.value), between(m.top5)]);
    all.push(["Macro F1", percent(m.macro_f1.value), between(m.macro_f1)],
             ["Weighted F1", percent(m.weighted_f1.value), between(m.weighted_f1)],
             ["Balanced accuracy", percent(m.balanced_accuracy.value), between(m.balanced_accuracy)]);
    if (m.mean_average_precision !== undefined) all.push(["Mean AP", percent(m.mean_average_precision), "over classes with pictures"]);
    all.push(["Calibration error", percent(m.ece), "largest gap " + percent(m.largest_gap)]);
    if (m.log_loss) all.push(["Log-loss", m.log_loss.value.toFixed(3), m.log_loss.low.toFixed(3) + " to " + m.log_loss.high.toFixed(3)]);
    if (m.brier !== undefined) all.push(["Brier score", m.brier.toFixed(3), "0 is best, 2 worst"]);
    if (m.temperature) all.push(["Best temperature", m.temperature.value.toFixed(3), "log-loss " + m.temperature.log_loss.toFixed(3) + " with it"]);
    for (const [precision, pictures] of Object.entries(m.decided_by || {})) all.push(["Decided by " + precision, pictures, "pictures"]);
    if (m.unknown) all.push(["Called unknown", m.unknown.pictures, m.unknown.wrong + " of them wrong"]);
    if (report.failed) all.push(["Failed", report.failed, "could not be read"]);
    return all;
  }

  function sure(m) {
    const lowest = axisBegin(Math.min(0.99, ...m.coverage.map((s) => s.accuracy)));
    const chart = plot("accuracy over coverage", lowest, (share) => share, [0, 0.25, 0.5, 0.75, 1].map((s) => [s, Math.round(100 * s) + " %"]));
    const line = m.coverage.map((s) => chart.x(s.coverage) + "," + chart.y(s.accuracy)).join(" ");
    chart.svg.append(part("polyline", { points: line, fill: "none", stroke: "var(--accent)", "stroke-width": 2 }));
    $("sure").querySelector(".plot").replaceChildren(chart.svg);
    fill($("sure").querySelector("table"), ["right", "above", "share of pictures", "pictures", "of which are right (Wilson)"], m.right_above.map((r) =>
      make("tr", {}, make("th", {}, 100 * r.wanted + " %"), ...(r.pictures === 0 ? ["no probability", "", "", ""]
        : [r.threshold.toFixed(2), percent(r.coverage), String(r.pictures), between(r.accuracy)]).map((text) => make("td", {}, text)))));
  }

  function reliability(m) {
    const chart = plot("reliability diagram", 0, (share) => share, [0, 0.25, 0.5, 0.75, 1].map((s) => [s, Math.round(100 * s) + " %"]));
    chart.svg.append(part("line", { x1: chart.x(0), y1: chart.y(0), x2: chart.x(1), y2: chart.y(1), stroke: "var(--soft)", "stroke-dasharray": "4 4" }));
    for (const bin of m.reliability.filter((b) => b.pictures > 0)) {
      const point = part("circle", { cx: chart.x(bin.confidence), cy: chart.y(bin.accuracy), r: 3 + 9 * Math.sqrt(bin.pictures / m.pictures), fill: "var(--accent)", opacity: 0.8 });
      point.append(part("title", {}, bin.pictures + " pictures: " + percent(bin.confidence) + " sure, " + percent(bin.accuracy) + " right"));
      chart.svg.append(point);
    }
    $("reliability").querySelector(".plot").replaceChildren(chart.svg);
  }

  function classes(m) {
    const known = m.classes.filter((one) => one.support > 0);
    const areas = known.some((one) => one.average_precision !== undefined);
    fill($("classes").querySelector("table"), ["class", "recall", "95 % (Wilson)", "precision", "F1", ...(areas ? ["AP"] : []), "pictures"], known.map((one) =>
      make("tr", {}, make("th", {}, one.name), make("td", {}, make("span", {}, percent(one.recall.value), bar(one.recall.value))),
           make("td", {}, (100 * one.recall.low).toFixed(1) + " to " + (100 * one.recall.high).toFixed(1)),
           ...[percent(one.precision), percent(one.f1), ...(areas ? [one.average_precision === undefined ? "" : percent(one.average_precision)] : []),
               String(one.support)].map((text) => make("td", {}, text)))));
  }

  function show(m) {
    $("title").textContent = percent(m.top1.value) + " of " + m.pictures + " pictures are right";
    $("subtitle").textContent = nameOf(m) + " on " + report.folder + ", classes by " + report.labels + ".";
    showStats(stats(m));
    sure(m);
    reliability(m);
    classes(m);
    const known = [...m.classes.filter((one) => one.support > 0), ...m.classes.filter((one) => one.support === 0)].map((one) => one.name);
    showConfusion(known.slice(0, m.classes.filter((one) => one.support > 0).length), known, m.confusion);
    showSurprising(m.surprising);
    const missing = [...m.missing, ...(report.comparison ? report.comparison.missing : [])];
    $("missing").hidden = missing.length === 0;
    $("missing").querySelector("ul").replaceChildren(...missing.map((one) => make("li", {}, one.figure + ": " + one.why)));
    [...$("models").children].forEach((tab, i) => tab.setAttribute("aria-pressed", String(report.models[i] === m)));
  }

  function compared(c) {
    const apart = c.mcnemar_p <= 0.05;
    $("verdict").textContent = (apart ? "The two are told apart" : "The two cannot be told apart") + " on these " + c.pictures +
        " pictures: the second is right by " + points(c.difference.value) + " points more (95 %: " + points(c.difference.low) + " to " +
        points(c.difference.high) + "), McNemar's exact test p = " + c.mcnemar_p.toPrecision(2) + ".";
    const rows = [["both right", c.both_right], ["only the first right", c.only_first_right], ["only the second right", c.only_second_right],
                  ["both wrong", c.both_wrong], ["different answers", c.different_answers]];
    if (c.largest_change) {
      const change = c.largest_change;
      rows.push(["largest change of a probability", change.first.toFixed(3) + " → " + change.second.toFixed(3) + " of “" + change.class + "”, " + change.path]);
    }
    if (c.maps && c.maps.pictures > 0) {
      rows.push(["maps of " + c.maps.method + ": correlation", c.maps.correlation.value.toFixed(3) + ", lowest " + c.maps.lowest_correlation.toFixed(3)],
                ["maps: best tenth of the patches shared", percent(c.maps.best_tenth_shared.value)]);
    }
    fill($("compared").querySelector("table"), ["", "pictures"], rows.map(([text, value]) => make("tr", {}, make("th", {}, text), make("td", {}, String(value)))));
    const tell = (answer, right) => "“" + answer + "”" + (right ? " ✓" : "");
    const kMost = 60;
    if (c.flips.length > 0) $("flips").append(make("h3", {}, "Answers that differ"), make("div", { class: "grid" }, ...c.flips.slice(0, kMost).map((flip) =>
      figure(flip.path, [tell(flip.first, flip.first_right), make("small", {}, "becomes " + tell(flip.second, flip.second_right))]))));
  }

  document.title = report.folder + " · fovea eval";
  if (report.models.length > 1) {
    for (const m of report.models) {
      const tab = make("button", { "aria-pressed": "false" }, nameOf(m));
      tab.addEventListener("click", () => show(m));
      $("models").append(tab);
    }
  }
  for (const remark of report.remarks) $("remarks").append(make("li", {}, remark));
  $("compared").hidden = !report.comparison;
  if (report.comparison) compared(report.comparison);
  show(report.models[0]);
  $("footer").textContent = "Intervals are bootstrapped" + (report.groups ? " over " + report.groups + " groups" : "") + "; those of Wilson take pictures as independent of each other.";
})();
