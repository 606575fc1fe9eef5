// The views: a document, asked for by its name, drawn into the page.
//
// A source is an object with
//   get(name) -> Promise of the document of that name,
//   link(name) -> the address of its view, or null where there is none,
//   file(path, name) -> the address of a file of a run's or sweep's folder, or null.
// Names are `run?of=PATH`, `comparison?of=PATH&of=PATH`, `sweep?of=PATH`, `search?of=PATH` and
// `importance?of=PATH`, as `documentName` makes them; shapes.py says what documents hold.

import { element, factList, statusBadge } from "./dom.js";

/** The name of a document of a kind. */
export function documentName(kind, ...paths) {
  return `${kind}?${paths.map((path) => `of=${encodeURIComponent(path)}`).join("&")}`;
}

/** Show the view of a document; what comes back is told of later versions by `update`. */
export async function show(root, source, name) {
  const view = new View(root, source);
  view.draw(await source.get(name));
  return view;
}

class View {
  constructor(root, source) {
    this.root = root;
    this.source = source;
  }

  draw(shown) {
    const facts = shown.facts ? [factList(shown.facts)] : [];
    const status = shown.status ? [" ", statusBadge(shown.status)] : [];
    const problems = shown.problems.map((text) => element("p", { class: "problem" }, text));
    this.root.replaceChildren(element("h1", {}, shown.name || shown.kind, ...status), ...problems, ...facts);
  }

  /** Take a later version of the document. */
  update(shown) {
    this.draw(shown);
  }
}
