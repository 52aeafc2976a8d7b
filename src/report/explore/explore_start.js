// Theme, what is said once, and the first picture.

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
  $("model").textContent = heading.model + " · " + heading.depth + " blocks, " + heading.heads + " heads, " +
    (heading.rows ? heading.rows + " × " + heading.cols + " patches" : "a grid of patches of each picture's own");
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
  /// What a class's score is made of where a block begins, and what its heads bring.
  why: ({ picture = state.picture, target, block = blocks[0], head } = {}) => {
    const made = why_entry(pictures[picture].why.find((entry) => entry.target[1] === target));
    const at = blocks.indexOf(block);
    return { score: made.score, ...made.blocks[at], field: [...made.fields[at * (1 + heads) + (head === undefined ? 0 : 1 + head)]] };
  },
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
