(() => {
  const kOfTable = { insertion_less_deletion: "picture", auroc: "mosaic", mark_average_precision: "mark" };  // what is shown under it
  const shown_name = (method) => ({ random: "(random maps)", centre_gaussian: "(centred Gaussian)" })[method] || method;
  const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);
  const plain = (value) => (value < 0 ? "−" : "") + Math.abs(value).toFixed(3);
  const measure_of = (key) => report.measures.find((one) => one.measure === key);
  const range_of = (one) => (one.low === undefined ? "" : plain(one.low) + " to " + plain(one.high));

  function bytes_of(text) {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  }
  /// A map over the picture, one pixel a patch.
  function field(test, map) {
    const canvas = make("canvas", { width: test.cols, height: test.rows, role: "img", "aria-label": "map of " + shown_name(map.method) });
    const image = new ImageData(test.cols, test.rows);
    bytes_of(map.values).forEach((step, patch) => {
      const share = step / 255;
      image.data.set((map.signed ? kDiverging : kColors)[step], 4 * patch);
      image.data[4 * patch + 3] = 255 * (map.signed ? 0.85 * Math.sqrt(Math.abs(2 * share - 1)) : 0.4 + 0.45 * share);
    });
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }
  /// A frame around the patches of the truth.
  function outline(test) {
    const svg = part("svg", { viewBox: "0 0 " + test.cols + " " + test.rows, preserveAspectRatio: "none", class: "truth", style: "position:absolute;inset:0;width:100%;height:100%" });
    const inside = (row, col) => row >= 0 && col >= 0 && row < test.rows && col < test.cols && test.truth[row * test.cols + col] === 1;
    let path = "";
    for (let row = 0; row < test.rows; ++row) {
      for (let col = 0; col < test.cols; ++col) {
        if (!inside(row, col)) continue;
        if (!inside(row - 1, col)) path += "M" + col + " " + row + "h1";
        if (!inside(row + 1, col)) path += "M" + col + " " + (row + 1) + "h1";
        if (!inside(row, col - 1)) path += "M" + col + " " + row + "v1";
        if (!inside(row, col + 1)) path += "M" + (col + 1) + " " + row + "v1";
      }
    }
    for (const [color, width] of [["#000", 4], ["#fff", 2]]) {
      svg.append(part("path", { d: path, stroke: color, "stroke-width": width, fill: "none", "vector-effect": "non-scaling-stroke" }));
    }
    return svg;
  }
  function stage(test, ...over) {
    const image = make("img", { src: test.image, alt: "" });
    return make("span", { class: "stage" }, image, ...over, ...(test.truth.length > 0 ? [outline(test)] : []));
  }
  function show_test(test) {
    const best = Math.max(...test.maps.map((map) => map.value));
    return make("div", { class: "test" },
      make("figure", {}, stage(test), make("figcaption", {}, test.title)),
      ...test.maps.map((map) => make("figure", { class: map.value === best ? "best" : "" }, stage(test, field(test, map)),
        make("figcaption", {}, shown_name(map.method), make("small", {}, plain(map.value))))));
  }

  function table_rows(columns, ranking) {
    const lowest = Math.min(0, ...ranking.methods.map((one) => one.mean));
    const highest = Math.max(0, ...ranking.methods.map((one) => one.mean));
    return ranking.methods.map((one) => {
      const others = columns.map((column) => measure_of(column.measure).methods.find((other) => other.method === one.method));
      const less = one.less_best;
      const apart = less ? signed(less.mean) + (less.low === undefined ? "" : " (" + signed(less.low) + " to " + signed(less.high) + ")" + (less.told_apart ? "" : ", cannot be told apart")) : "";
      return make("tr", {}, make("th", {}, shown_name(one.method)), ...others.map((other) => make("td", {}, plain(other.mean))),
                  make("td", {}, range_of(one)), make("td", { class: "rank" }, bar(highest > lowest ? (one.mean - lowest) / (highest - lowest) : 0)), make("td", {}, apart));
    });
  }
  function show_table(table) {
    const last = table.columns[table.columns.length - 1];
    const ranking = measure_of(last.measure);
    const section = make("section", { class: "figures", "data-measure": last.measure }, make("h2", {}, table.title), make("p", { class: "soft" }, table.meaning));
    if (ranking) {
      const scroll = make("div", { class: "scroll" }, make("table"));
      fill(scroll.firstChild, ["method", ...table.columns.map((column) => column.title), "95 % of " + last.title, "", "less the best"], table_rows(table.columns, ranking));
      section.append(scroll);
    }
    const tests = report.shown.filter((test) => test.kind === kOfTable[last.measure]);
    if (tests.length > 0) {
      const what = { picture: "The first pictures. The number below a map is its insertion less its deletion.",
                     mosaic: "The first mosaics; the quarter of the class is outlined. The number below a map is its AUROC.",
                     mark: "The first pictures with the mark, which is outlined. The number below a map is its average precision." };
      section.append(make("p", { class: "soft note" }, what[tests[0].kind]), make("div", { class: "tests" }, ...tests.map(show_test)));
    }
    if (ranking) $("tables").append(section);
  }

  const best = report.recommendations[0];
  document.title = report.model + " · fovea explain --test-methods";
  $("title").textContent = best ? best.methods[0] + " leads on " + report.model + (best.methods.length > 1 ? ", not told apart from " + best.methods.slice(1).join(", ") : "") : report.model;
  $("subtitle").textContent = "Explanation methods beside known truth, on the model's own answers to " + report.pictures + " pictures.";
  showStats([["Pictures", report.pictures, report.failed ? report.failed + " could not be read" : "all could be read"],
             ["Mosaics", report.mosaics, "of " + report.confident + " pictures the model is at least half sure of"],
             ...(report.planted && report.planted.measurable ? [["Marked pictures", report.planted.tried[report.planted.tried.length - 1].flipped, "whose answer flips with the mark"]] : [])]);
  const remarks = [];
  if (report.mosaics === 0) remarks.push("No mosaic: the model is at least half sure of " + report.confident + " pictures, and four of different classes are needed.");
  if (report.planted) remarks.push(report.planted.text);
  if (report.single_deletion_missing) remarks.push("No single deletion: " + report.single_deletion_missing + ".");
  if (report.pictures < 2) remarks.push("One picture gives no intervals, so nothing can be told apart.");
  for (const remark of remarks) $("remarks").append(make("li", {}, remark));
  $("recommended").hidden = report.recommendations.length === 0;
  fill($("recommended").querySelector("table"), ["question", "methods, best first", "measured by"], report.recommendations.map((one) =>
    make("tr", {}, make("th", {}, one.question),
         make("td", {}, one.methods.join(", ") + (one.beats_controls ? "" : "; but none is clearly better than random maps and the centred Gaussian")),
         make("td", {}, one.measured_by))));
  for (const table of report.tables) show_table(table);
  $("footer").textContent = "fovea " + report.version + ". Intervals are Student's t over pictures, mosaics or marked pictures, not corrected for several comparisons; each difference is taken case by case. Everything is in this file.";
})();
