// Elements that are changed only where they differ, so that neither focus nor selection is lost.

import { element } from "/assets/pages/dom.js";

export { element };

export function button(text, onClick, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", onClick);
  return made;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Make the children of a node those of a list, in its order; nodes that stay are not touched.
export function setChildren(node, children) {
  children.forEach((child, place) => {
    if (node.children[place] !== child) node.insertBefore(child, node.children[place] ?? null);
  });
  while (node.children.length > children.length) node.lastElementChild.remove();
}
