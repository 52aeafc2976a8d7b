"use strict";
// What the script of every page begins with.
const $ = (id) => document.getElementById(id);

// Text only ever enters the page as text nodes and attributes, never as markup.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
/// 256 colours, straight lines between these.
function scale_through(hexes) {
  const stops = hexes.map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1);
    const below = Math.min(Math.floor(at), stops.length - 2);
    return stops[below].map((c, channel) => Math.round(c + (at - below) * (stops[below + 1][channel] - c)));
  });
}
const kColors = scale_through(["000004", "160b39", "420a68", "6a176e", "932667", "bc3754", "dd513a", "f37819", "fca50a",
                               "f6d746", "fcffa4"]);  // inferno
const kDiverging = scale_through(["3b4cc0", "8db0fe", "dddddd", "f4987a", "b40426"]);  // coolwarm
