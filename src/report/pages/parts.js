// What the pages of `learn` and `eval` have in common.
const { report, thumbnails } = JSON.parse(document.getElementById("content").textContent);

const percent = (p) => (100 * p).toFixed(1) + " %";
const points = (p) => (p < 0 ? "−" : "+") + Math.abs(100 * p).toFixed(1);
const between = (share) => "95 %: " + (100 * share.low).toFixed(1) + " to " + (100 * share.high).toFixed(1);

// Stats: [term, value, more].
function showStats(stats) {
  $("stats").replaceChildren(...stats.map(([term, value, more]) =>
    make("div", {}, make("dt", {}, term), make("dd", {}, String(value), make("small", {}, more)))));
}

function fill(table, head, rows) {
  table.replaceChildren(make("thead", {}, make("tr", {}, ...head.map((text) => make("th", {}, text)))),
                        make("tbody", {}, ...rows));
}
const bar = (share) => make("span", { class: "bar" }, make("i", { style: "width:" + 100 * share + "%" }));

function figure(path, caption) {
  const image = thumbnails[path] ? make("img", { src: "data:image/jpeg;base64," + thumbnails[path], alt: "", loading: "lazy" })
                                 : make("div", { class: "none" }, "not in this page");
  return make("figure", { title: path }, image, make("figcaption", {}, ...caption, make("small", {}, path.split("/").pop())));
}

// A table of classes, and under it the pictures of the cell that was chosen. More classes than a table can show are a
// list of pairs, those with most pictures first.
// truths, names: of the rows and the columns; cells: { class, taken_for, pictures, paths }, without paths where there is
// nothing to show
function showConfusion(truths, names, cells) {
  const kMostClasses = 40, kMostPairs = 100;
  let pressed = null;
  function show(cell, button) {
    if (pressed) pressed.setAttribute("aria-pressed", "false");
    pressed = button;
    button.setAttribute("aria-pressed", "true");
    const right = cell.class === cell.taken_for;
    const title = cell.paths.length + " of “" + cell.class + "” " + (right ? "that are right" : "taken for “" + cell.taken_for + "”");
    $("cell").replaceChildren(make("h3", {}, title), make("div", { class: "grid" }, ...cell.paths.map((path) => figure(path, []))));
  }
  const wrong = cells.filter((cell) => cell.class !== cell.taken_for);
  $("cell").replaceChildren();
  $("pairs").replaceChildren();
  const table = $("confusion").querySelector("table");
  table.replaceChildren();
  if (names.length <= kMostClasses) {
    const of = new Map(cells.map((cell) => [cell.class + "\n" + cell.taken_for, cell]));
    table.append(make("thead", {}, make("tr", {}, make("th"), ...names.map((n) => make("th", { title: n }, make("span", {}, n))))));
    table.append(make("tbody", {}, ...truths.map((truth) => {
      const all = cells.reduce((sum, cell) => sum + (cell.class === truth ? cell.pictures : 0), 0) || 1;
      return make("tr", {}, make("th", { title: truth }, truth), ...names.map((predicted) => {
        const cell = of.get(truth + "\n" + predicted);
        const count = cell ? cell.pictures : 0;
        const tone = "--tone:var(" + (truth === predicted ? "--good" : "--bad") + ");--share:" + Math.round(70 * count / all) + "%";
        const box = make(cell && cell.paths ? "button" : "span", { style: tone }, count ? String(count) : "");
        if (cell && cell.paths) {
          box.setAttribute("aria-label", count + " of " + truth + " taken for " + predicted);
          box.addEventListener("click", () => show(cell, box));
        }
        return make("td", {}, box);
      }));
    })));
  } else {
    for (const cell of wrong.sort((a, b) => b.pictures - a.pictures).slice(0, kMostPairs)) {
      const button = make("button", { "aria-pressed": "false" }, cell.pictures + "× “" + cell.class + "” taken for “" + cell.taken_for + "”");
      button.addEventListener("click", () => show(cell, button));
      $("pairs").append(button);
    }
  }
  if (wrong.length === 0) $("cell").append(make("p", { class: "soft" }, "No picture was taken for another class."));
}

function showSurprising(surprising) {
  $("surprising").hidden = surprising.length === 0;
  $("surprising").querySelector(".grid").replaceChildren(...surprising.map((one) =>
    figure(one.path, ["“" + one.class + "” " + percent(one.probability), make("small", {}, "taken for “" + one.taken_for + "”")])));
}

function part(tag, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

// Where an axis of shares may begin, so that its quarters are round.
const axisBegin = (least) => Math.max(0, Math.floor(least * 5) / 5);

// An empty plot whose y axis goes from `low` to 1, in percent.
// x: from a value to 0..1; marks: [value, text] below the x axis
function plot(label, low, x, marks) {
  const [width, height, left, bottom, top] = [560, 220, 52, 34, 12];
  const svg = part("svg", { viewBox: "0 0 " + width + " " + height, width, role: "img", "aria-label": label, style: "max-width:100%" });
  const at = (value) => left + (width - left - 24) * x(value);
  const y = (share) => top + (height - top - bottom) * (1 - share) / (1 - low || 1);
  for (let share = low; share < 1.0001; share += (1 - low) / 4) {
    svg.append(part("line", { x1: left, x2: width - 12, y1: y(share), y2: y(share), stroke: "var(--line)" }));
    svg.append(part("text", { x: left - 8, y: y(share) + 4, "text-anchor": "end" }, Math.round(100 * share) + " %"));
  }
  for (const [value, text] of marks) svg.append(part("text", { x: at(value), y: height - 12, "text-anchor": "middle" }, text));
  return { svg, x: at, y };
}
