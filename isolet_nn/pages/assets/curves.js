// Curves over the epochs: smoothing, logarithmic scale, splits together or apart, bands over seeds.

import { Chart, faint, lineMarks, look, plain, shortNames, withLegend } from "./charts.js";
import { choice, element, metricText, slider, tick } from "./dom.js";

const SPLITS = ["train", "validation", "test"];
const DASHES = { train: "dot", validation: "solid", test: "dash" };
const STRONGEST = 19;

/**
 * A section of curves.
 * linesOf(doc): list of { group, split, measure, epochs, values, low, high }, where low and high
 * are empty without a band, and `group` is a place among the names that groupsOf(doc) gives.
 */
export function curvesSection(linesOf, groupsOf, noteOf = () => "") {
  return {
    id: "curves",
    title: "Curves",
    when: (doc) => linesOf(doc).length > 0,
    make: () => new Curves(linesOf, groupsOf, noteOf),
  };
}

class Curves {
  constructor(linesOf, groupsOf, noteOf) {
    this.linesOf = linesOf;
    this.groupsOf = groupsOf;
    this.noteOf = noteOf;
    this.measure = null;
    this.apart = null;
    this.smoothing = 0;
    this.logarithmic = false;
    this.charts = new Map();
    this.controls = element("div", { class: "controls" });
    this.figures = element("div", { class: "pair" });
    this.element = element("div", {}, this.controls, this.figures);
    this.drawnControls = "";
  }

  draw(doc) {
    this.doc = doc;
    const lines = this.linesOf(doc);
    const measures = [...new Set(lines.map((line) => line.measure))];
    if (!measures.includes(this.measure)) {
      this.measure = measures.includes("accuracy") ? "accuracy" : measures[0];
    }
    if (this.apart === null) this.apart = this.groupsOf(doc).length > 1;
    this.#drawControls(measures);
    this.#drawCharts(lines.filter((line) => line.measure === this.measure));
  }

  #drawControls(measures) {
    const key = measures.join();
    if (key === this.drawnControls) return;
    this.drawnControls = key;
    const redraw = (change) => (value) => {
      change(value);
      this.draw(this.doc);
    };
    const named = measures.map((name) => [name, name.replaceAll("_", " ")]);
    this.controls.replaceChildren(
      choice("measure", named, this.measure, redraw((value) => { this.measure = value; })),
      slider("smoothing", STRONGEST, this.smoothing, redraw((value) => { this.smoothing = value; })),
      tick("logarithmic", this.logarithmic, redraw((value) => { this.logarithmic = value; })),
      tick("each split apart", this.apart, redraw((value) => { this.apart = value; })),
    );
  }

  #drawCharts(lines) {
    const present = SPLITS.filter((split) => lines.some((line) => line.split === split));
    const panels = this.apart ? present.map((split) => [split, [split]]) : [["all", present]];
    this.figures.classList.toggle("single", panels.length === 1);
    for (const [name, chart] of this.charts) {
      if (!panels.some(([panel]) => panel === name)) {
        chart.element.remove();
        this.charts.delete(name);
      }
    }
    for (const [name, splits] of panels) {
      if (!this.charts.has(name)) {
        this.charts.set(name, new Chart(""));
      }
      const chart = this.charts.get(name);
      this.figures.append(chart.element);
      chart.draw(this.#spec(name, lines.filter((line) => splits.includes(line.split))));
    }
  }

  #spec(panel, lines) {
    const groups = this.groupsOf(this.doc);
    const metric = this.doc.metrics[`${lines[0].split}_${this.measure}`];
    const asError = this.logarithmic && metric.percent;
    const words = this.measure.replaceAll("_", " ");
    const what = asError ? `100 % less ${words}` : words;
    const factor = metric.percent ? 100 : 1;
    const unit = metric.percent ? " (%)" : this.measure === "loss" ? " (nats)" : "";
    const scaled = (values) => values.map((v) => (v === null ? null : factor * (asError ? 1 - v : v)));
    const title = panel === "all" ? `${words} by epoch` : `${words} by epoch, ${panel}`;
    const nameOf = (line) => {
      const group = groups.length > 1 ? groups[line.group] : "";
      return [group, panel === "all" || !group ? line.split : ""].filter(Boolean).join(", ");
    };
    const names = shortNames(lines.map(nameOf));
    const isBanded = lines.some((line) => line.low.length > 0);
    const notes = [
      this.noteOf(this.doc),
      isBanded ? "Bands reach from the lowest to the highest of several seeds, lines are their mean." : "",
      this.smoothing ? "Smoothed by an exponential mean; faint lines are as measured." : "",
    ];
    return {
      title,
      label: `${title}: ${lines.map((line) => `${nameOf(line)} ends at ${metricText(metric, last(line.values))}`).join("; ")}`,
      note: notes.filter(Boolean).join(" "),
      height: withLegend(360, lines.length),
      make: (colors) => ({
        data: lines.flatMap((line, place) => this.#traces(line, names[place], metric, scaled, colors, groups.length, panel)),
        layout: {
          xaxis: { title: { text: "epoch" } },
          yaxis: {
            title: { text: plain(what + unit) },
            type: this.logarithmic ? "log" : "linear",
          },
        },
      }),
      table: () => tableOf(lines, nameOf, metric),
    };
  }

  #traces(line, name, metric, scaled, colors, nGroups, panel) {
    const place = nGroups > 1 ? line.group : SPLITS.indexOf(line.split);
    const looks = look(colors, place);
    const { color } = looks;
    const dash = nGroups > 1 && panel === "all" ? DASHES[line.split] : "solid";
    const weight = this.smoothing / (STRONGEST + 1);
    const gapless = { connectgaps: true };
    const text = plain(name);
    const traces = [];
    if (line.low.length) {
      const band = [...smoothed(scaled(line.high), weight), ...smoothed(scaled(line.low), weight).reverse()];
      traces.push({
        x: [...line.epochs, ...[...line.epochs].reverse()],
        y: band,
        fill: "toself",
        fillcolor: faint(color, 0.18),
        line: { width: 0 },
        mode: "lines",
        hoverinfo: "skip",
        showlegend: false,
      });
    }
    if (weight) {
      traces.push({
        x: line.epochs, y: scaled(line.values), mode: "lines", ...gapless,
        line: { color: faint(color, 0.3), width: 1, dash }, hoverinfo: "skip", showlegend: false,
      });
    }
    traces.push({
      x: line.epochs,
      y: smoothed(scaled(line.values), weight),
      name: text,
      ...lineMarks(looks, line.epochs.length),
      ...gapless,
      line: { color, width: 2, dash },
      hovertext: line.values.map(
        (value, place) => `${text}, epoch ${line.epochs[place]}: ${metricText(metric, value)}`,
      ),
      hoverinfo: "text",
    });
    return traces;
  }
}

/** An exponential mean that begins without a bias; None stays None. */
export function smoothed(values, weight) {
  if (!weight) return values;
  let mean = 0;
  let total = 0;
  return values.map((value) => {
    if (value === null) return null;
    mean = weight * mean + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return mean / total;
  });
}

function last(values) {
  return values.findLast((value) => value !== null) ?? null;
}

function tableOf(lines, nameOf, metric) {
  const epochs = [...new Set(lines.flatMap((line) => line.epochs))].sort((a, b) => a - b);
  const places = lines.map((line) => new Map(line.epochs.map((epoch, place) => [epoch, place])));
  return {
    columns: ["epoch", ...lines.map(nameOf)],
    rows: epochs.map((epoch) => [
      epoch,
      ...lines.map((line, number) => metricText(metric, line.values[places[number].get(epoch)])),
    ]),
  };
}
