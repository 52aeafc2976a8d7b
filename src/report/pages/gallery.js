(() => {
  const { summary, records } = JSON.parse(document.getElementById("content").textContent);
  const kChunk = 60;  // cards made at a time, as the end of the page comes near

  const percent = (p) => (100 * p).toFixed(1) + " %";
  const count = (n) => n.toLocaleString("en");
  const first = (record) => (record.predictions && record.predictions[0] ? record.predictions[0] : null);
  // It is of none of the classes: its best class is only the nearest one.
  const kUnknown = "unknown";
  const best = (record) => (record.unknown ? [kUnknown, first(record) ? first(record)[1] : 0] : first(record));

  // ---- heading
  function describe() {
    document.title = summary.model ? summary.model + " · fovea" : "fovea";
    $("model").textContent = summary.model || "fovea";
    const hash = summary.model_sha256;
    $("subtitle").textContent = hash ? "SHA-256 " + hash.slice(0, 16) + "…" : "";
    $("subtitle").title = hash;
    const stats = [["Pictures", count(records.length)], ["Classified", count(summary.succeeded)],
                   ["Failed", count(summary.failed), summary.failed > 0]];
    if (summary.skipped > 0) stats.push(["Kept from before", count(summary.skipped)]);
    if (summary.images_per_second > 0) stats.push(["Images a second", summary.images_per_second.toFixed(1)]);
    if (summary.interrupted) stats.push(["State", "interrupted", true]);
    for (const [term, value, bad] of stats) {
      $("stats").append(make("div", bad ? { class: "bad" } : {}, make("dt", {}, term), make("dd", {}, value)));
    }
    const options = Object.entries(summary.options);
    $("options").hidden = options.length === 0;
    for (const [flag, value] of options) {
      $("options").querySelector("dl").append(make("dt", {}, flag), make("dd", {}, value));
    }
    $("footer").textContent = "fovea " + summary.version;
  }

  // ---- filters
  const wanted = { text: "", label: null, failures: false, sort: "input" };
  for (const record of records) {
    const labels = (record.predictions || []).map((prediction) => prediction[0]);
    record.haystack = [record.path, ...labels, record.unknown ? kUnknown : "", record.failure ? record.failure.code : ""].join("\n").toLowerCase();
  }
  const certainty = (record) => (best(record) ? best(record)[1] : -1);
  const uncertainty = (record) => (best(record) ? best(record)[1] : 2);
  const orders = {
    input: (a, b) => a.index - b.index,
    sure: (a, b) => certainty(b) - certainty(a) || a.index - b.index,
    unsure: (a, b) => uncertainty(a) - uncertainty(b) || a.index - b.index,
    name: (a, b) => a.path.localeCompare(b.path, undefined, { numeric: true }) || a.index - b.index,
  };
  function fits(record) {
    if (wanted.failures && !record.failure) return false;
    if (wanted.label !== null && (!best(record) || best(record)[0] !== wanted.label)) return false;
    return record.haystack.includes(wanted.text);
  }

  let labels = [];
  function fillFilters() {
    const tally = new Map();
    for (const record of records) {
      if (best(record)) tally.set(best(record)[0], (tally.get(best(record)[0]) || 0) + 1);
    }
    labels = [...tally].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
    $("label").append(make("option", { value: "" }, "All labels (" + count(labels.length) + ")"));
    labels.forEach(([label, n], i) => $("label").append(make("option", { value: i }, label + " (" + count(n) + ")")));
    const failed = records.filter((record) => record.failure).length;
    $("failures").textContent = "Failures (" + count(failed) + ")";
    $("failures").disabled = failed === 0;
  }

  // ---- cards
  function bars({ predictions, unknown }) {
    const list = make("span", { class: "bars" });
    if (unknown) list.append(make("b", { class: "unknown" }, kUnknown + (predictions.length > 0 ? ", nearest:" : "")));
    for (const [label, p, value] of predictions) {
      const fill = make("i");
      fill.style.setProperty("--share", (100 * p).toFixed(2) + "%");
      list.append(make("span", { class: "bar", title: label }, fill, make("b", {}, label), make("span", {}, value === undefined ? percent(p) : value.toPrecision(4))));
    }
    return list;
  }
  function cardOf(record, place) {
    const picture = make("span", { class: "picture" });
    const body = make("span", { class: "body" });
    if (record.failure) {
      picture.append($("warning").content.cloneNode(true), record.failure.code.replaceAll("_", " "));
      body.append(make("span", { class: "message" }, record.failure.message));
    } else {
      const source = record.thumbnail || (record.maps[0] && record.maps[0].image);
      if (source) {
        const image = make("img", { loading: "lazy", decoding: "async", alt: "" });
        image.addEventListener("error", () => picture.classList.add("lost"));
        image.src = source;
        picture.append(image);
      } else {
        picture.classList.add("lost");
      }
      body.append(bars(record));
    }
    body.append(make("span", { class: "name", title: record.path }, record.path));
    const card = make("button", { type: "button", class: record.failure ? "card failed" : "card" }, picture, body);
    card.addEventListener("click", () => open(place));
    return card;
  }

  let chosen = [];
  let shown = 0;
  const watcher = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) showMore();
  }, { rootMargin: "900px" });
  function showMore() {
    const end = Math.min(shown + kChunk, chosen.length);
    const cards = document.createDocumentFragment();
    for (; shown < end; ++shown) cards.append(cardOf(chosen[shown], shown));
    $("grid").append(cards);
    watcher.unobserve($("more"));  // to be told again if the end is still near
    if (shown < chosen.length) watcher.observe($("more"));
  }
  function refresh() {
    chosen = records.filter(fits).sort(orders[wanted.sort]);
    shown = 0;
    $("grid").replaceChildren();
    $("empty").hidden = chosen.length > 0;
    $("count").textContent = chosen.length === records.length ? count(records.length) + " pictures"
                                                              : count(chosen.length) + " of " + count(records.length);
    showMore();
  }

  // ---- one picture, large
  let place = 0;
  let view = 0;
  function draw() {
    const record = chosen[place];
    const maps = record.maps || [];
    const map = maps[Math.min(view, maps.length - 1)];
    const source = (map && map.image) || record.thumbnail;
    $("large").hidden = !source;
    $("broken").textContent = source ? "" : record.failure ? "This input could not be classified." : "No picture was written.";
    if (source) $("large").src = source;
    $("place").textContent = count(place + 1) + " / " + count(chosen.length);
    $("previous").disabled = place === 0;
    $("next").disabled = place + 1 === chosen.length;

    const about = [make("h2", {}, record.path)];
    if (record.failure) {
      about.push(make("p", { class: "wrong" }, record.failure.message));
      if (record.failure.hint) about.push(make("p", { class: "soft" }, record.failure.hint));
    } else {
      about.push(make("p", { class: "soft" }, record.width + " × " + record.height + " px"), bars(record));
      if (record.outliers) about.push(make("p", { class: "wrong" }, record.outliers));
      if (maps.length > 1) about.push(viewSwitch(maps, map));
      if (map) {
        const target = map.target ? ", for " + map.target : "";
        about.push(make("p", { class: "soft" }, map.method + target + ": " + map.variant));
      }
    }
    $("about").replaceChildren(...about);
  }
  function viewSwitch(maps, current) {
    const row = make("div", { class: "views" });
    maps.forEach((map, i) => {
      const name = map.target ? map.method + ": " + map.target : map.method;
      const button = make("button", { type: "button", class: "toggle", "aria-pressed": String(map === current) }, name);
      button.addEventListener("click", () => { view = i; draw(); });
      row.append(button);
    });
    return row;
  }
  function open(at) { place = at; draw(); $("viewer").showModal(); }
  function turn(step) {
    if (place + step < 0 || place + step >= chosen.length) return;
    place += step;
    draw();
  }

  // ---- events
  let pause = 0;
  $("search").addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => { wanted.text = $("search").value.trim().toLowerCase(); refresh(); }, 120);
  });
  $("label").addEventListener("change", () => {
    wanted.label = $("label").value === "" ? null : labels[Number($("label").value)][0];
    refresh();
  });
  $("sort").addEventListener("change", () => { wanted.sort = $("sort").value; refresh(); });
  function wantFailures(on) {
    wanted.failures = on;
    $("failures").setAttribute("aria-pressed", String(on));
  }
  $("failures").addEventListener("click", () => { wantFailures(!wanted.failures); refresh(); });
  $("reset").addEventListener("click", () => {
    $("search").value = wanted.text = "";
    $("label").value = "";
    wanted.label = null;
    wantFailures(false);
    refresh();
  });
  $("large").addEventListener("error", () => {
    $("large").hidden = true;
    $("broken").textContent = "The picture is not where it was written.";
  });
  $("previous").addEventListener("click", () => turn(-1));
  $("next").addEventListener("click", () => turn(1));
  $("close").addEventListener("click", () => $("viewer").close());
  $("viewer").addEventListener("click", (event) => { if (event.target === $("viewer")) $("viewer").close(); });
  document.addEventListener("keydown", (event) => {
    if ($("viewer").open) {
      if (event.key === "ArrowLeft") turn(-1);
      if (event.key === "ArrowRight") turn(1);
    } else if (event.key === "/" && document.activeElement !== $("search")) {
      event.preventDefault();
      $("search").focus();
    }
  });

  // The reader's own choice outlives the page where the browser allows it; until then the system's holds.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let theme = null;
  try { theme = localStorage.getItem("fovea-theme"); } catch { /* not for local files in every browser */ }
  const paint = () => { document.documentElement.dataset.theme = theme || (dark.matches ? "dark" : "light"); };
  dark.addEventListener("change", paint);
  $("theme").addEventListener("click", () => {
    theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("fovea-theme", theme); } catch { /* holds for this visit */ }
    paint();
  });

  paint();
  describe();
  fillFilters();
  refresh();
})();
