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
