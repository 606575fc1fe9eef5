// The views: a document, asked for by its name, drawn into the page.
//
// A source is an object with
//   get(name) -> Promise of the document of that name,
//   link(name) -> the address of its view, or null where there is none,
//   file(path, name) -> the address of a file of a run's or sweep's folder, or null.
// Names are `run?of=PATH`, `comparison?of=PATH&of=PATH` and `sweep?of=PATH`, as `documentName` makes
// them; a sweep's view asks for `search?of=PATH` and `importance?of=PATH` too. shapes.py says what
// documents hold. Charts are drawn by globalThis.Plotly; without it there are their numbers.

import { comparisonSections } from "./comparison_view.js";
import { element, factList, newId, statusBadge } from "./dom.js";
import { runSections } from "./run_view.js";
import { sweepSections } from "./sweep_view.js";

const SECTIONS = { run: runSections, comparison: comparisonSections, sweep: sweepSections };
const TITLES = { run: "Run", comparison: "Comparison", sweep: "Sweep" };

/** The name of a document of a kind. */
export function documentName(kind, ...paths) {
  return `${kind}?${paths.map((path) => `of=${encodeURIComponent(path)}`).join("&")}`;
}

/**
 * Show the view of a document in an element, whose content it replaces.
 * What comes back takes later versions of the document: view.update(document).
 */
export async function show(root, source, name) {
  const shown = await source.get(name);
  const view = new View(root, SECTIONS[shown.kind](source, documentName));
  view.update(shown);
  return view;
}

class View {
  constructor(root, sections) {
    this.sections = sections;
    this.made = new Map();
    this.heading = element("div", { class: "heading" });
    this.links = element("nav", { "aria-label": "Sections" });
    this.body = element("div", {});
    root.replaceChildren(this.heading, this.links, this.body);
  }

  /** Draw the document, or a later version of it: what a person has chosen or opened stays so. */
  update(shown) {
    this.#drawHeading(shown);
    const present = this.sections.filter((section) => section.when(shown));
    for (const [id, made] of this.made) {
      if (!present.some((section) => section.id === id)) {
        made.frame.remove();
        made.link.remove();
        this.made.delete(id);
      }
    }
    present.forEach((section, place) => {
      if (!this.made.has(section.id)) this.made.set(section.id, this.#make(section, shown));
      const { frame, link, content } = this.made.get(section.id);
      put(this.body, frame, place);
      put(this.links, link, place);
      content.draw(shown);
    });
  }

  #drawHeading(shown) {
    const task = shown.task ? [" ", element("span", { class: "badge task" }, shown.task)] : [];
    const status = shown.status ? [" ", statusBadge(shown.status)] : [];
    const name = shown.kind === "comparison" ? `${shown.runs.length} runs` : shown.name;
    this.heading.replaceChildren(
      element("h1", {}, element("span", { class: "kind" }, TITLES[shown.kind]), " ", name, ...status, ...task),
      ...shown.problems.map((text) => element("p", { class: "problem" }, text)),
      factList(shown.facts ?? []),
    );
  }

  #make(section, shown) {
    const content = section.make();
    const id = newId(section.id);
    const title = typeof section.title === "function" ? section.title(shown) : section.title;
    const heading = element("h2", { id, tabindex: "-1" }, title);
    const frame = element("section", { "aria-labelledby": id, class: section.id }, heading, content.element);
    const link = element("a", { href: `#${id}` }, title);
    link.addEventListener("click", (event) => { // the address is the source's
      event.preventDefault();
      heading.scrollIntoView();
      heading.focus({ preventScroll: true });
    });
    return { frame, link, content };
  }
}

function put(parent, child, place) {
  if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
}
