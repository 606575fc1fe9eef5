// The view of a run, or of a sweep's trial.

import { answerSections } from "./answers.js";
import { Chart, lineMarks, look, plain, short, withLegend } from "./charts.js";
import { curvesSection } from "./curves.js";
import { bytesText, choice, element, linkTo, metricText, plainNumber, table, tick } from "./dom.js";

const MOST_NAMED = 40;

/** The sections of a run's view, in their order. */
export function runSections(source) {
  return [
    { id: "scores", title: "Scores", when: (doc) => Object.keys(doc.scores).length > 0, make: () => fresh(scoresTable) },
    { id: "settings", title: "Settings", when: (doc) => doc.settings.length > 0, make: () => fresh(settingsTable) },
    curvesSection(linesOfRun, () => [""], (doc) => sentence(doc.curves_note)),
    ...answerSections((doc) => [{ name: "", answers: doc.answers }]),
    { id: "weights", title: "Weights of the first layer", when: (doc) => doc.weights !== null, make: () => new Weights() },
    { id: "inspection", title: "Inside the layers", when: (doc) => doc.inspection !== null, make: () => new Inspection() },
    filesSection(source),
  ];
}

/** A section that is made anew from each version of a document. */
export function fresh(make) {
  const place = element("div", {});
  return { element: place, draw: (doc) => place.replaceChildren(...[make(doc)].flat()) };
}

/** The section of a folder's files. */
export function filesSection(source) {
  return {
    id: "files",
    title: "Files",
    when: (doc) => doc.files.length > 0,
    make: () => fresh((doc) => {
      const rows = doc.files.map(({ name, bytes }) => [
        linkTo(source.file(doc.path, name), name, { download: "" }),
        bytesText(bytes),
      ]);
      return table("files", ["file", "size"], rows);
    }),
  };
}

function sentence(text) {
  return text ? `${text[0].toUpperCase()}${text.slice(1)}.` : "";
}

function scoresTable(doc) {
  const names = Object.keys(doc.scores);
  const splits = ["train", "validation", "test"].filter((split) => names.some((n) => n.startsWith(`${split}_`)));
  const measures = [...new Set(names.map((name) => name.slice(name.indexOf("_") + 1)))];
  const rows = splits.map((split) => [
    split,
    ...measures.map((m) => metricText(doc.metrics[`${split}_${m}`], doc.scores[`${split}_${m}`])),
  ]);
  return table("scores", ["split", ...measures.map((m) => m.replaceAll("_", " "))], rows);
}

function settingsTable(doc) {
  const rows = doc.settings.map(({ key, value }) => [key, value]);
  return [
    element("p", { class: "key" }, "What is not at its default; config.yaml has all."),
    table("settings", ["setting", "value"], rows),
  ];
}

function linesOfRun(doc) {
  return Object.entries(doc.curves.values).map(([name, values]) => {
    const cut = name.indexOf("_");
    return {
      group: 0, split: name.slice(0, cut), measure: name.slice(cut + 1),
      epochs: doc.curves.epochs, values, low: [], high: [],
    };
  });
}

export class Weights {
  constructor() {
    this.cells = new Chart("weights");
    this.sizes = new Chart("size of each input's weights");
    this.element = element("div", {}, this.sizes.element, this.cells.element);
  }

  draw({ weights }) {
    const { features, sizes, rows, neurons, unit, note } = weights;
    const nameOf = (place) => features[place] ?? `input ${place + 1}`;
    const inputs = sizes.map((_, place) => place + 1);
    const ticks = features.length && features.length <= MOST_NAMED
      ? { tickvals: inputs, ticktext: features.map((name) => plain(short(name, 14))) }
      : {};
    const largest = sizes.indexOf(Math.max(...sizes));
    this.sizes.draw({
      label: `root mean square of each input's weights: ${nameOf(largest)} has the largest, ${plainNumber(sizes[largest])}`,
      note: `Root of the mean square over all neurons. ${note}.`,
      height: 220,
      make: (colors) => ({
        data: [{
          type: "bar", x: inputs, y: sizes, marker: { color: colors.series[0] },
          hovertext: sizes.map((size, place) => plain(`${nameOf(place)}: ${plainNumber(size)}`)),
          hoverinfo: "text",
        }],
        layout: { bargap: 0, xaxis: { title: { text: "input" }, showgrid: false, ...ticks }, yaxis: { title: { text: "r.m.s." } } },
      }),
      table: () => ({ columns: ["input", "r.m.s."], rows: sizes.map((size, place) => [nameOf(place), plainNumber(size)]) }),
    });
    this.cells.element.hidden = rows.length === 0;
    if (!rows.length) return;
    this.cells.draw({
      label: `weights of ${rows.length} neurons, a row each, similar ones together`,
      note: "A row for each neuron, similar ones together; a column for each input. The largest half percent share a colour.",
      height: Math.min(520, 140 + 8 * rows.length),
      make: (colors) => ({
        data: [{
          type: "heatmap", z: rows, x: inputs, zmin: -100, zmax: 100, colorscale: colors.diverging,
          hovertext: rows.map((row, r) => row.map((steps, c) => plain(`neuron ${neurons[r]}, ${nameOf(c)}: ${plainNumber(steps * unit)}`))),
          hoverinfo: "text",
          colorbar: {
            title: { text: "weight" }, thickness: 10, outlinewidth: 0,
            tickvals: [-100, -50, 0, 50, 100], ticktext: [-100, -50, 0, 50, 100].map((steps) => plainNumber(steps * unit)),
          },
        }],
        layout: {
          xaxis: { title: { text: "input" }, showgrid: false, zeroline: false, ...ticks },
          yaxis: { title: { text: "neuron" }, autorange: "reversed", showgrid: false, zeroline: false, showticklabels: neurons.length <= MOST_NAMED, tickvals: neurons.map((_, place) => place), ticktext: neurons.map((name) => plain(short(name, 14))) },
        },
      }),
      table: () => ({
        columns: ["neuron", "largest weight", "of input", "r.m.s."],
        rows: rows.map((row, place) => {
          const at = row.reduce((best, steps, c) => (Math.abs(steps) > Math.abs(row[best]) ? c : best), 0);
          const mean = Math.sqrt(row.reduce((sum, steps) => sum + steps * steps, 0) / row.length);
          return [neurons[place], plainNumber(row[at] * unit), nameOf(at), plainNumber(mean * unit)];
        }),
      }),
    });
  }
}

export class Inspection {
  constructor() {
    this.measure = null;
    this.logarithmic = false;
    this.chart = new Chart("inside the layers");
    this.controls = element("div", { class: "controls" });
    this.element = element("div", {}, this.controls, this.chart.element);
    this.drawnControls = "";
  }

  draw(doc) {
    this.doc = doc;
    const { measures, layers } = doc.inspection;
    if (!(this.measure in measures)) [this.measure] = Object.keys(measures);
    const redraw = (change) => (value) => {
      change(value);
      this.draw(this.doc);
    };
    const key = Object.keys(measures).join();
    if (key !== this.drawnControls) {
      this.drawnControls = key;
      this.controls.replaceChildren(
        choice("measure", Object.entries(measures), this.measure, redraw((value) => { this.measure = value; })),
        tick("logarithmic", this.logarithmic, redraw((value) => { this.logarithmic = value; })),
      );
    }
    const words = measures[this.measure];
    const of = (layer) => layer.values[this.measure] ?? [];
    this.chart.draw({
      title: `${words} by epoch, each layer`,
      label: `${words} by epoch: ${layers.map((layer) => `${layer.name} ends at ${plainNumber(of(layer).at(-1))}`).join("; ")}`,
      height: withLegend(340, layers.length),
      make: (colors) => ({
        data: layers.map((layer, place) => ({
          x: layer.epochs, y: of(layer), connectgaps: true, ...lineMarks(look(colors, place), layer.epochs.length),
          name: plain(short(layer.name, 40)),
          line: { color: look(colors, place).color },
          hovertext: of(layer).map((value, at) => plain(`${layer.name}, epoch ${layer.epochs[at]}: ${plainNumber(value)}`)),
          hoverinfo: "text",
        })),
        layout: {
          xaxis: { title: { text: "epoch" } },
          yaxis: { title: { text: plain(words) }, type: this.logarithmic ? "log" : "linear" },
        },
      }),
      table: () => ({
        columns: ["epoch", ...layers.map((layer) => layer.name)],
        rows: (layers[0]?.epochs ?? []).map((epoch, at) => [epoch, ...layers.map((layer) => plainNumber(of(layer)[at] ?? null))]),
      }),
    });
  }
}
