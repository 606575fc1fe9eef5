// The view of a comparison: several runs side by side.

import { answerSections } from "./answers.js";
import { Asked } from "./asked.js";
import { curvesSection } from "./curves.js";
import { choice, element, linkTo, table } from "./dom.js";
import { fresh, Inspection, Weights } from "./run_view.js";

/** The sections of a comparison's view, in their order; `nameOf` makes names of documents. */
export function comparisonSections(source, nameOf) {
  const heads = (doc) => doc.runs.map((run) => run.name);
  const values = (id, title, of) => ({
    id,
    title,
    when: (doc) => of(doc).length > 0,
    make: () => fresh((doc) => table(
      title,
      ["", ...heads(doc)],
      of(doc).map((row) => [row.name, ...row.values.map((text) => text ?? "")]),
    )),
  });
  return [
    {
      id: "runs",
      title: "Runs",
      when: (doc) => doc.runs.length > 0,
      make: () => fresh((doc) => runList(doc, source, nameOf)),
    },
    values("differences", "Settings that differ", (doc) => doc.settings),
    values("results", "Results", (doc) => doc.results),
    curvesSection(linesOfGroups, (doc) => doc.groups.map((group) => group.name)),
    ...answerSections((doc) => doc.groups),
    {
      id: "inside",
      title: "Weights, two runs side by side",
      when: (doc) => doc.runs.length > 1,
      make: () => new SideBySide(source, nameOf),
    },
  ];
}

/** Two runs, of which a person may choose: those of the first two groups to begin with. */
class SideBySide {
  constructor(source, nameOf) {
    const inside = () => new Inside();
    this.sides = ["left", "right"].map((label, number) => {
      const side = { label, number, path: null, control: element("div", { class: "controls" }) };
      side.asked = new Asked(source, () => nameOf("run", side.path), inside);
      side.element = element("div", { role: "group", "aria-label": label }, side.control, side.asked.element);
      return side;
    });
    this.element = element("div", { class: "pair" }, ...this.sides.map((side) => side.element));
  }

  draw(doc) {
    for (const side of this.sides) {
      if (!doc.runs.some((run) => run.path === side.path)) {
        side.path = doc.runs[doc.groups[side.number]?.runs[0] ?? side.number].path;
        const choose = (path) => {
          side.path = path;
          side.asked.draw(doc);
        };
        const options = doc.runs.map((run) => [run.path, run.name]);
        side.control.replaceChildren(choice(side.label, options, side.path, choose));
      }
      side.asked.draw(doc);
    }
  }
}

/** What is in a network, and what was measured there. */
class Inside {
  constructor() {
    this.none = element("p", { class: "key" }, "This run has no weights yet, or none were kept.");
    this.weights = new Weights();
    this.inspection = new Inspection();
    this.element = element("div", {}, this.none, this.weights.element, this.inspection.element);
  }

  draw(run) {
    this.none.hidden = run.weights !== null;
    for (const [part, found] of [[this.weights, run.weights], [this.inspection, run.inspection]]) {
      part.element.hidden = found === null;
      if (found !== null) part.draw(run);
    }
  }
}

function runList(doc, source, nameOf) {
  const rows = doc.groups.map((group) => [
    group.name,
    element(
      "span",
      {},
      ...group.runs.flatMap((place, number) => {
        const { path, name } = doc.runs[place];
        return [number ? ", " : "", linkTo(source.link(nameOf("run", path)), name)];
      }),
    ),
  ]);
  const warnings = [
    doc.same_data ? "" : "The runs were not trained on the same data, so their scores cannot be compared.",
    doc.same_task ? "" : "Not the same task: some adapt to whose rows they are, so their scores are not compared with those of the others.",
  ].filter(Boolean).map((text) => element("p", { class: "problem" }, text));
  return [...warnings, table("runs", ["group", "runs"], rows)];
}

function linesOfGroups(doc) {
  return doc.groups.flatMap((group, place) =>
    Object.entries(group.curves).map(([name, band]) => {
      const cut = name.indexOf("_");
      return {
        group: place, split: name.slice(0, cut), measure: name.slice(cut + 1),
        epochs: band.epochs, values: band.means, low: band.low, high: band.high,
      };
    }),
  );
}
