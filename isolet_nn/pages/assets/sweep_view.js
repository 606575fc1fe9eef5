// The view of a sweep: how far it is, its best settings, means along its axes.

import { Chart, plain, short } from "./charts.js";
import { choice, element, linkTo, metricText, table } from "./dom.js";
import { filesSection, fresh } from "./run_view.js";
import { historySections } from "./history_view.js";

const MOST_NAMED = 40;
const MOST_LINKS = 12;

/** The sections of a sweep's view, in their order; `nameOf` makes names of documents. */
export function sweepSections(source, nameOf) {
  const trialLink = (doc, trial, text) =>
    linkTo(source.link(nameOf("run", `${doc.path}/trials/${trial}`)), text ?? `trial ${trial}`);
  return [
    { id: "trials", title: "Trials", when: (doc) => Object.keys(doc.counts).length > 0, make: () => fresh(progress) },
    { id: "heatmap", title: "By setting", when: (doc) => doc.axes.length > 0, make: () => new Grids(trialLink) },
    {
      id: "best",
      title: "Best settings",
      when: (doc) => doc.settings.some((row) => row.n > 0),
      make: () => fresh((doc) => bestTable(doc, trialLink)),
    },
    ...historySections(source, nameOf, trialLink),
    filesSection(source),
  ];
}

function progress(doc) {
  const all = Object.values(doc.counts).reduce((sum, count) => sum + count, 0);
  const ended = all - (doc.counts.pending ?? 0);
  const text = Object.entries(doc.counts).filter(([, count]) => count).map(([status, count]) => `${count} ${status}`).join(", ");
  return [
    element("progress", { max: Math.max(all, 1), value: ended, "aria-label": `trials ended: ${ended} of ${all}` }),
    element("p", { class: "key" }, text),
  ];
}

function bestTable(doc, trialLink) {
  const metrics = Object.keys(doc.metrics);
  const shown = doc.settings.filter((row) => row.n > 0);
  const rows = shown.map((row, place) => [
    place + 1,
    ...row.values,
    ...metrics.map((name) => {
      const deviation = name === doc.metric && row.deviation !== null ? ` ± ${metricText(doc.metrics[name], row.deviation)}` : "";
      return metricText(doc.metrics[name], row.means[name]) + deviation;
    }),
    row.n,
    trialLinks(doc, row.trials, trialLink),
  ]);
  const label = `settings, the best ${doc.metrics[doc.metric].label} first`;
  return [
    element("p", { class: "key" }, `Means over the completed trials of each setting, ± the standard deviation; ${shown.length} of ${doc.n_settings} settings, the best first.`),
    table(label, ["rank", ...doc.keys, ...metrics.map((name) => doc.metrics[name].label), "completed", "trials"], rows),
  ];
}

function trialLinks(doc, trials, trialLink) {
  return element(
    "span",
    {},
    ...trials.slice(0, MOST_LINKS).flatMap((trial, place) => [place ? " " : "", trialLink(doc, trial, String(trial))]),
    trials.length > MOST_LINKS ? " …" : "",
  );
}

/** Means along one axis or two, of which a person may choose. */
class Grids {
  constructor(trialLink) {
    this.trialLink = trialLink;
    this.x = this.y = this.metric = null;
    this.chart = new Chart("");
    this.controls = element("div", { class: "controls" });
    this.chosen = element("p", { class: "chosen", "aria-live": "polite" });
    this.element = element("div", {}, this.controls, this.chart.element, this.chosen);
    this.drawnControls = "";
  }

  draw(doc) {
    this.doc = doc;
    const known = (key) => key === "" || doc.axes.some((axis) => axis.key === key);
    if (this.x === null || !known(this.x)) this.x = doc.axes[0].key;
    if (this.y === null || !known(this.y)) this.y = doc.axes[1]?.key ?? "";
    if (!(this.metric in doc.metrics)) this.metric = doc.metric;
    this.#drawControls();
    const grid = this.#grid();
    this.chart.draw(grid.rows ? this.#heatmap(grid) : this.#dots(grid));
  }

  #drawControls() {
    const { axes, metrics } = this.doc;
    const key = [...axes.map((axis) => axis.key), ...Object.keys(metrics), this.x, this.y].join();
    if (key === this.drawnControls) return;
    const isFirst = this.drawnControls === "";
    this.drawnControls = key;
    const options = axes.map((axis) => [axis.key, axis.key]);
    const redraw = (change) => (value) => {
      change(value);
      this.chosen.replaceChildren();
      this.draw(this.doc);
    };
    if (!isFirst) { // what has the focus keeps it
      const [x, y] = this.controls.querySelectorAll("select");
      x.value = this.x;
      y.value = this.y;
      return;
    }
    this.controls.replaceChildren(
      choice("along the bottom", options, this.x, redraw((value) => {
        if (value === this.y) this.y = this.x;
        this.x = value;
      })),
      choice("up the side", [["", "nothing"], ...options], this.y, redraw((value) => {
        if (value === this.x) {
          this.x = this.y || this.doc.axes.find((axis) => axis.key !== value)?.key || value;
        }
        this.y = value === this.x ? "" : value;
      })),
      choice("metric", Object.entries(metrics).map(([name, metric]) => [name, metric.label]), this.metric, redraw((value) => { this.metric = value; })),
    );
  }

  /** The grid as it is shown: `at(row, column)` is the number of a cell. */
  #grid() {
    const place = (key) => this.doc.axes.findIndex((axis) => axis.key === key);
    const [x, y] = [place(this.x), this.y === "" ? null : place(this.y)];
    const columns = this.doc.axes[x];
    if (y === null) {
      const grid = this.doc.grids.find((each) => each.x === x && each.y === null);
      return { ...grid, columns, rows: null, at: (_, column) => column };
    }
    const rows = this.doc.axes[y];
    const grid = this.doc.grids.find((each) => each.x === Math.min(x, y) && each.y === Math.max(x, y));
    const width = this.doc.axes[grid.x].values.length;
    const at = grid.x === x ? (row, column) => row * width + column : (row, column) => column * width + row;
    return { ...grid, columns, rows, at };
  }

  #about(grid, row, column) {
    const cell = grid.at(row, column);
    const where = [`${grid.columns.label} ${grid.columns.values[column]}`, ...(grid.rows ? [`${grid.rows.label} ${grid.rows.values[row]}`] : [])].join(", ");
    const metric = this.doc.metrics[this.metric];
    const value = grid.means[this.metric]?.[cell] ?? null;
    const text = value === null ? "no completed trial" : `${metric.label} ${metricText(metric, value)}, mean of ${grid.n[cell]}`;
    return { cell, text: `${where}: ${text}` };
  }

  #choose(grid, row, column) {
    const { cell, text } = this.#about(grid, row, column);
    const trial = grid.best[cell];
    this.chosen.replaceChildren(text);
    if (trial === null) return;
    const link = this.trialLink(this.doc, trial);
    this.chosen.append("; the best is ", link);
    link.click(); // where the source does not have the trial this is no link, and does nothing
  }

  #table(grid) {
    const metric = this.doc.metrics[this.metric];
    const rows = (grid.rows?.values ?? [null]).flatMap((value, row) =>
      grid.columns.values.map((name, column) => {
        const cell = grid.at(row, column);
        const trial = grid.best[cell];
        return [
          name, ...(grid.rows ? [value] : []), metricText(metric, grid.means[this.metric]?.[cell] ?? null), grid.n[cell],
          trial === null ? "" : this.trialLink(this.doc, trial),
        ];
      }),
    );
    const columns = [grid.columns.label, ...(grid.rows ? [grid.rows.label] : []), metric.label, "trials", "best"];
    return { columns, rows };
  }

  #common(grid, title) {
    const metric = this.doc.metrics[this.metric];
    const values = grid.means[this.metric] ?? [];
    const known = values.filter((value) => value !== null);
    const best = metric.greater_is_better ? Math.max(...known) : Math.min(...known);
    const label = known.length ? `${title}: the best mean is ${metricText(metric, best)}` : `${title}: no trial is completed yet`;
    return {
      title,
      label,
      table: () => this.#table(grid),
      note: "Means over all completed trials, whatever else varies. A click opens a cell's best trial; the table has it too.",
    };
  }

  #heatmap(grid) {
    const metric = this.doc.metrics[this.metric];
    const factor = metric.percent ? 100 : 1;
    const far = this.doc.far[this.metric] ?? null;
    const places = grid.rows.values.map((_, row) => grid.columns.values.map((__, column) => [row, column]));
    const value = ([row, column]) => grid.means[this.metric]?.[grid.at(row, column)] ?? null;
    const known = places.flat().map(value).filter((each) => each !== null);
    const bound = (end) => (known.length ? factor * end : null);
    const lowest = Math.min(...known);
    const highest = Math.max(...known);
    const range = metric.greater_is_better
      ? { zmin: bound(far === null ? lowest : Math.max(far, lowest)), zmax: bound(highest) }
      : { zmin: bound(lowest), zmax: bound(far === null ? highest : Math.min(far, highest)) };
    const few = grid.columns.values.length <= 12;
    return {
      ...this.#common(grid, `${metric.label} by ${grid.columns.label} and ${grid.rows.label}`),
      height: Math.min(620, Math.max(300, 130 + 34 * grid.rows.values.length)),
      onClick: (point) => {
        const [row, column] = point.pointIndex;
        this.#choose(this.#grid(), row, column);
      },
      make: (colors) => ({
        data: [{
          type: "heatmap",
          z: places.map((row) => row.map((place) => (value(place) === null ? null : factor * value(place)))),
          ...range,
          colorscale: colors.scale,
          reversescale: !metric.greater_is_better,
          xgap: 1,
          ygap: 1,
          text: places.map((row) => row.map((place) => (value(place) === null ? "" : metric.percent ? (100 * value(place)).toFixed(1) : value(place).toPrecision(3)))),
          texttemplate: few ? "%{text}" : "",
          hovertext: places.map((row) => row.map(([r, c]) => plain(this.#about(grid, r, c).text))),
          hoverinfo: "text",
          colorbar: { title: { text: metric.percent ? "%" : "" }, thickness: 10, outlinewidth: 0 },
        }],
        layout: {
          xaxis: axisOf(grid.columns),
          yaxis: axisOf(grid.rows),
        },
      }),
    };
  }

  #dots(grid) {
    const metric = this.doc.metrics[this.metric];
    const factor = metric.percent ? 100 : 1;
    const values = grid.columns.values.map((_, column) => grid.means[this.metric]?.[column] ?? null);
    return {
      ...this.#common(grid, `${metric.label} by ${grid.columns.label}`),
      height: 340,
      onClick: (point) => this.#choose(this.#grid(), 0, point.pointIndex),
      make: (colors) => ({
        data: [{
          x: values.map((_, place) => place),
          y: values.map((each) => (each === null ? null : factor * each)),
          mode: "lines+markers",
          line: { color: colors.series[0], width: 1 },
          marker: { color: colors.series[0], size: 9 },
          hovertext: values.map((_, column) => plain(this.#about(grid, 0, column).text)),
          hoverinfo: "text",
        }],
        layout: { xaxis: axisOf(grid.columns), yaxis: { title: { text: metric.label + (metric.percent ? " (%)" : "") } } },
      }),
    };
  }
}

function axisOf(axis) {
  const each = Math.ceil(axis.values.length / MOST_NAMED);
  const places = axis.values.map((_, place) => place).filter((place) => place % each === 0);
  return {
    title: { text: plain(axis.label) },
    tickvals: places,
    ticktext: places.map((place) => plain(short(axis.values[place], 16))),
    showgrid: false,
    zeroline: false,
  };
}
