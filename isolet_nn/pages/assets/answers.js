// Answers on a split: confusion matrices side by side, scores by class and by group, reliability.

import { Chart, look, plain, short, shortNames, withLegend } from "./charts.js";
import { choice, element, plainNumber, tick } from "./dom.js";

const MOST_NAMED = 40;
const percent = (share) => (share === null ? "" : `${(100 * share).toFixed(1)} %`);

/**
 * Sections of answers.
 * partsOf(doc): list of { name, answers }, one for each run or group of runs.
 */
export function answerSections(partsOf) {
  const has = (test) => (doc) => partsOf(doc).some((part) => part.answers.some(test));
  const made = (Kind) => () => new Kind(partsOf);
  return [
    {
      id: "confusion",
      title: "Confusion",
      when: has((of) => of.confusion.length > 0),
      make: made(Confusion),
    },
    { id: "classes", title: "By class", when: has((of) => of.scores.length > 0), make: made(Classes) },
    {
      id: "groups",
      title: (doc) => `By ${partsOf(doc)[0].answers[0]?.group_word ?? "group"}`,
      when: has((of) => of.groups.length > 0),
      make: made(Groups),
    },
    {
      id: "reliability",
      title: "Reliability",
      when: has((of) => of.reliability.length > 0),
      make: made(Reliability),
    },
  ];
}

/** What the sections have in common: a choice of the split, and charts that are kept. */
class Section {
  constructor(partsOf) {
    this.partsOf = partsOf;
    this.split = null;
    this.controls = element("div", { class: "controls" });
    this.figures = element("div", {});
    this.element = element("div", {}, this.controls, this.figures);
    this.charts = [];
    this.drawnControls = null;
  }

  has(_answers) {
    return true;
  }

  ownControls(_redraw) {
    return [];
  }

  draw(doc) {
    this.doc = doc;
    const parts = this.partsOf(doc);
    const splits = [
      ...new Set(parts.flatMap((part) => part.answers.filter(this.has).map((of) => of.split))),
    ];
    if (!splits.includes(this.split)) this.split = splits[0];
    if (splits.join() !== this.drawnControls) {
      this.drawnControls = splits.join();
      const redraw = (change) => (value) => {
        change(value);
        this.draw(this.doc);
      };
      const options = splits.map((split) => [split, split]);
      this.controls.replaceChildren(
        choice("split", options, this.split, redraw((value) => { this.split = value; })),
        ...this.ownControls(redraw),
      );
    }
    const shown = parts.flatMap((part, place) => {
      const answers = part.answers.find((of) => of.split === this.split && this.has(of));
      return answers ? [{ name: part.name, place, answers }] : [];
    });
    const specs = this.specs(shown);
    this.figures.className = specs.length > 1 ? "pair" : "";
    while (this.charts.length > specs.length) this.charts.pop().element.remove();
    specs.forEach((spec, place) => {
      if (!this.charts[place]) {
        this.charts[place] = new Chart("");
        this.figures.append(this.charts[place].element);
      }
      this.charts[place].draw(spec);
    });
  }
}

class Confusion extends Section {
  onlyErrors = false;

  has(answers) {
    return answers.confusion.length > 0;
  }

  ownControls(redraw) {
    return [tick("only mistakes", this.onlyErrors, redraw((value) => { this.onlyErrors = value; }))];
  }

  specs(shown) {
    return shown.map(({ name, answers }) => this.#spec(name, answers));
  }

  #spec(name, { classes, confusion, split }) {
    const title = `Confusion on the ${split} split${name ? `: ${name}` : ""}`;
    const sizes = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
    const hits = confusion.reduce((sum, row, place) => sum + row[place], 0);
    const all = sizes.reduce((sum, size) => sum + size, 0);
    const hidden = (row, column) => this.onlyErrors && row === column;
    const mistakes = mistakesOf(classes, confusion);
    const ticks = classes.length <= MOST_NAMED
      ? { tickvals: classes.map((_, place) => place), ticktext: classes.map((c) => plain(short(c, 14))) }
      : {};
    return {
      title,
      label: `${title}: ${hits} of ${all} right${mistakes.length ? `; most often ${mistakes[0][0]} was taken for ${mistakes[0][1]}, ${mistakes[0][2]} times` : ""}`,
      note: "A row for each actual class, a column for each answer; the darker, the larger the share of the row.",
      height: 460,
      make: (colors, width) => ({
        data: [
          {
            type: "heatmap",
            z: confusion.map((row, r) =>
              row.map((count, c) => (hidden(r, c) || !sizes[r] ? null : Math.sqrt(count / sizes[r]))),
            ),
            text: confusion.map((row, r) => row.map((count, c) => (count && !hidden(r, c) ? String(count) : ""))),
            texttemplate: width >= 15 * classes.length ? "%{text}" : "",
            textfont: { size: classes.length <= 12 ? 12 : all > 99 * classes.length ? 7 : 9 },
            hovertext: confusion.map((row, r) =>
              row.map((count, c) => `${plain(classes[r])} taken for ${plain(classes[c])}: ${count}`),
            ),
            hoverinfo: "text",
            colorscale: colors.scale,
            zmin: 0,
            zmax: this.onlyErrors ? null : 1,
            showscale: false,
            xgap: 1,
            ygap: 1,
          },
        ],
        layout: {
          xaxis: { title: { text: "answer" }, showgrid: false, zeroline: false, tickangle: 0, ...ticks },
          yaxis: {
            title: { text: "actual" }, autorange: "reversed", showgrid: false, zeroline: false, ...ticks,
          },
        },
      }),
      table: () => ({ columns: ["actual", "answer", "times"], rows: mistakes }),
    };
  }
}

/** Which class was taken for which, the most frequent mistake first. */
function mistakesOf(classes, confusion) {
  const found = [];
  confusion.forEach((row, actual) =>
    row.forEach((count, answer) => {
      if (count && answer !== actual) found.push([classes[actual], classes[answer], count]);
    }),
  );
  return found.sort((a, b) => b[2] - a[2]);
}

function marker(colors, place) {
  const { color, symbol } = look(colors, place);
  return { color, symbol };
}

/** Dots for each name along the bottom, a colour for each part. */
function dots(title, names, series, note) {
  const called = shortNames(series.map((of) => of.name || "share"));
  const ticks = names.length <= MOST_NAMED
    ? { tickvals: names.map((_, place) => place), ticktext: names.map((name) => plain(short(name, 14))) }
    : { showticklabels: false };
  return {
    title,
    label: `${title}: ${series.map((of) => `${of.name} from ${percent(lowest(of.values))} up`).join("; ")}`,
    note,
    height: withLegend(340, series.length),
    make: (colors) => ({
      data: series.map((of, number) => ({
        x: names.map((_, place) => place),
        y: of.values.map((value) => (value === null ? null : 100 * value)),
        mode: "markers",
        name: plain(called[number]),
        showlegend: series.length > 1,
        marker: { ...marker(colors, of.place), size: 8, opacity: 0.85 },
        hovertext: of.values.map((value, place) => plain(`${names[place]}: ${percent(value)}${of.more?.[place] ?? ""}`)),
        hoverinfo: "text",
      })),
      layout: {
        xaxis: { ...ticks, showgrid: names.length <= MOST_NAMED, zeroline: false },
        yaxis: { title: { text: "%" }, zeroline: false },
      },
    }),
    table: () => ({
      columns: ["name", ...series.flatMap((of) => [of.name || "share", ...(of.columns || [])])],
      rows: names.map((name, place) => [
        name,
        ...series.flatMap((of) => [percent(of.values[place]), ...(of.cells?.[place] || [])]),
      ]),
    }),
  };
}

function lowest(values) {
  const known = values.filter((value) => value !== null);
  return known.length ? Math.min(...known) : null;
}

class Classes extends Section {
  measure = "recall";

  has(answers) {
    return answers.scores.length > 0;
  }

  ownControls(redraw) {
    const options = [["recall", "recall"], ["precision", "precision"], ["f1", "F1"]];
    return [choice("score", options, this.measure, redraw((value) => { this.measure = value; }))];
  }

  specs(shown) {
    if (!shown.length) return [];
    const words = this.measure === "f1" ? "F1" : this.measure;
    const names = [...new Set(shown.flatMap(({ answers }) => answers.scores.map((score) => score.name)))];
    const series = shown.map(({ name, place, answers }) => {
      const of = new Map(answers.scores.map((score) => [score.name, score]));
      return {
        name,
        place,
        values: names.map((each) => of.get(each)?.[this.measure] ?? null),
        more: names.map((each) => ` of ${of.get(each)?.n ?? 0} rows`),
        columns: shown.length > 1 ? [] : ["rows", "precision", "recall", "F1"],
        cells: shown.length > 1 ? null : answers.scores.map((s) => [s.n, percent(s.precision), percent(s.recall), percent(s.f1)]),
      };
    });
    return [dots(`${words} of each class, ${this.split} split`, names, series, "")];
  }
}

class Groups extends Section {
  has(answers) {
    return answers.groups.length > 0;
  }

  specs(shown) {
    if (!shown.length) return [];
    const word = shown[0].answers.group_word;
    const names = [...new Set(shown.flatMap(({ answers }) => answers.groups.map((group) => group.name)))];
    const series = shown.map(({ name, place, answers }) => {
      const of = new Map(answers.groups.map((group) => [group.name, group]));
      return {
        name,
        place,
        values: names.map((each) => of.get(each)?.accuracy ?? null),
        more: names.map((each) => `, ${of.get(each)?.correct ?? 0} of ${of.get(each)?.n ?? 0} rows`),
        columns: ["right", "rows"],
        cells: names.map((each) => [of.get(each)?.correct ?? "", of.get(each)?.n ?? ""]),
      };
    });
    const title = `accuracy of each ${word}, ${this.split} split`;
    return [dots(title, names, series, `From the ${word} with the lowest accuracy${shown.length > 1 ? " of the first" : ""} on.`)];
  }
}

class Reliability extends Section {
  has(answers) {
    return answers.reliability.length > 0;
  }

  specs(shown) {
    if (!shown.length) return [];
    const title = `accuracy by confidence, ${this.split} split`;
    const bins = ({ answers }) => answers.reliability.filter((bin) => bin.n > 0);
    const names = shortNames(shown.map((part) => part.name));
    const most = Math.max(1, ...shown.flatMap((part) => bins(part).map((bin) => bin.n)));
    return [
      {
        title,
        label: `${title}: ${shown.map((part) => `${part.name} ${sureness(bins(part))}`).join("; ")}`,
        note: "On the line a network is right as often as it is sure; dots are as large as they have rows.",
        height: withLegend(380, shown.length),
        make: (colors) => ({
          data: [
            {
              x: [0, 100], y: [0, 100], mode: "lines", hoverinfo: "skip", showlegend: false,
              line: { color: colors.soft, dash: "dot", width: 1 },
            },
            ...shown.map((part, number) => ({
              x: bins(part).map((bin) => 100 * bin.confidence),
              y: bins(part).map((bin) => 100 * bin.accuracy),
              mode: "lines+markers",
              name: plain(names[number]),
              showlegend: shown.length > 1,
              line: { color: look(colors, part.place).color, width: 1.5 },
              marker: { ...marker(colors, part.place), size: bins(part).map((bin) => 5 + 14 * Math.sqrt(bin.n / most)) },
              hovertext: bins(part).map((bin) => `confidence ${percent(bin.confidence)}, right ${percent(bin.accuracy)}, ${bin.n} rows`),
              hoverinfo: "text",
            })),
          ],
          layout: {
            xaxis: { title: { text: "confidence (%)" }, range: [0, 104] },
            yaxis: { title: { text: "right (%)" }, range: [0, 104] },
          },
        }),
        table: () => ({
          columns: ["of", "confidence from", "to", "rows", "mean confidence", "right"],
          rows: shown.flatMap((part) => bins(part).map((bin) => [
            part.name || this.split, plainNumber(bin.low), plainNumber(bin.high), bin.n,
            percent(bin.confidence), percent(bin.accuracy),
          ])),
        }),
      },
    ];
  }
}

/** Whether a network is too sure, in words. */
function sureness(bins) {
  const n = bins.reduce((sum, bin) => sum + bin.n, 0);
  const gap = bins.reduce((sum, bin) => sum + bin.n * (bin.accuracy - bin.confidence), 0) / Math.max(n, 1);
  const way = gap > 0 ? "more often right than it is sure" : "less often right than it is sure";
  return `${way}, by ${Math.abs(100 * gap).toFixed(1)} points`;
}
