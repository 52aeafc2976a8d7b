(() => {
  const best = report.backbones[0];
  const names = report.classes.map((one) => one.name);

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
  if (report.decisions) stats.push(["Decided", report.decisions.dropped + " dropped", report.decisions.relabelled + " relabelled"]);
  if (report.failed) stats.push(["Failed", report.failed, "could not be read"]);
  showStats(stats);
  for (const remark of report.remarks) $("remarks").append(make("li", {}, remark));

  // ---- classes
  fill($("classes").querySelector("table"), ["class", "recall", "precision", "F1", "pictures"], report.classes.map((one) => {
    const figures = one.support === 0 ? ["not measured", "", ""]
        : [make("span", {}, percent(one.recall), bar(one.recall)), percent(one.precision), percent(one.f1)];
    return make("tr", {}, make("th", {}, one.name), ...figures.map((f) => make("td", {}, f)), make("td", {}, String(one.pictures)));
  }));

  // ---- errors
  const paths = new Map(report.confused.map((pair) => [pair.class + "\n" + pair.taken_for, pair.paths]));
  showConfusion(names, names, report.confusion.flatMap((row, truth) => row.flatMap((pictures, predicted) => pictures === 0 ? [] :
    [{ class: names[truth], taken_for: names[predicted], pictures, paths: paths.get(names[truth] + "\n" + names[predicted]) }])));
  showSurprising(report.surprising);

  // ---- learning curve
  const lowest = axisBegin(Math.min(...report.learning_curve.map((p) => p.top1.low)));
  const most = Math.max(...report.learning_curve.map((p) => p.pictures));
  const curve = plot("learning curve", lowest, (pictures) => pictures / most, report.learning_curve.map((p) => [p.pictures, String(p.pictures)]));
  for (const p of report.learning_curve) {
    const x = curve.x(p.pictures);
    curve.svg.append(part("line", { x1: x, x2: x, y1: curve.y(p.top1.low), y2: curve.y(p.top1.high), stroke: "var(--accent)", "stroke-width": 2, opacity: 0.5 }));
    curve.svg.append(part("circle", { cx: x, cy: curve.y(p.top1.value), r: 4, fill: "var(--accent)" }));
  }
  curve.svg.append(part("polyline", { points: report.learning_curve.map((p) => curve.x(p.pictures) + "," + curve.y(p.top1.value)).join(" "), fill: "none", stroke: "var(--accent)", "stroke-width": 2 }));
  $("curve").querySelector("div").append(curve.svg);

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
