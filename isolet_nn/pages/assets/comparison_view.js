// The view of a comparison: several runs side by side.

import { answerSections } from "./answers.js";
import { curvesSection } from "./curves.js";
import { element, linkTo, table } from "./dom.js";
import { fresh } from "./run_view.js";

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
  ];
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
  const warning = doc.same_data
    ? []
    : [element("p", { class: "problem" }, "The runs were not trained on the same data, so their scores cannot be compared.")];
  return [...warning, table("runs", ["group", "runs"], rows)];
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
