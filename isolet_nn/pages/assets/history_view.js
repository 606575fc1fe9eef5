// How the settings of a sweep went one after another: history, importance, parallel coordinates.

import { Asked } from "./asked.js";
import { Chart, faint, plain, short } from "./charts.js";
import { element, metricText, plainNumber } from "./dom.js";

const STEPS = 6;
const PLACES = [["completed", 0], ["pruned", 4], ["failed", 1], ["pending", 6]];

/** Sections that ask the source for documents of their own. */
export function historySections(source, nameOf, trialLink) {
  const several = (doc) => doc.n_settings > 1 && doc.axes.length > 0;
  return [
    {
      id: "history",
      title: "One setting after another",
      when: several,
      make: () => new Asked(source, (doc) => nameOf("search", doc.path), (doc) => new History(doc, trialLink)),
    },
    {
      id: "importance",
      title: "What matters",
      when: several,
      make: () => new Asked(source, (doc) => nameOf("importance", doc.path), () => new Importance()),
    },
  ];
}

class History {
  constructor(doc, trialLink) {
    this.chart = new Chart("");
    this.lines = new Chart("");
    this.link = (trial) => trialLink(doc, trial);
    this.chosen = element("p", { class: "chosen", "aria-live": "polite" });
    this.element = element("div", {}, this.chart.element, this.chosen, this.lines.element);
  }

  draw(doc) {
    for (const text of doc.problems) this.chosen.textContent = text;
    this.#drawHistory(doc);
    this.lines.element.hidden = !doc.parallel.values.length || !doc.parallel.axes.length;
    if (!this.lines.element.hidden) this.lines.draw(parallelSpec(doc, this.link));
  }

  #drawHistory(doc) {
    const { history, n_settings: n } = doc;
    const metric = doc.metrics[doc.metric];
    const factor = metric?.percent ? 100 : 1;
    const drawn = (values) => values.map((value) => (value === null ? null : factor * value));
    const known = history.best.filter((value) => value !== null);
    const statuses = PLACES.filter(([status]) => history.statuses.includes(status) && status !== "pending");
    this.chart.draw({
      title: `${metric?.label ?? "score"} of each setting, in the order in which they were tried`,
      label: known.length ? `${n} settings; the best so far is ${metricText(metric, known.at(-1))}` : `${n} settings, none completed yet`,
      note: history.numbers.length < n ? `${history.numbers.length} of ${n} settings are drawn, among them all that were the best so far.` : "",
      onClick: (point) => {
        const trial = point.customdata;
        if (trial !== undefined) this.chosen.replaceChildren(`Setting ${point.x}: `, this.link(trial));
      },
      make: (colors) => ({
        data: [
          ...statuses.map(([status, place]) => {
            const these = history.statuses.flatMap((each, at) => (each === status ? [at] : []));
            return {
              x: these.map((at) => history.numbers[at]),
              y: drawn(these.map((at) => history.values[at])),
              customdata: these.map((at) => history.trials[at]),
              mode: "markers", name: status, marker: { color: colors.series[place], size: n > 200 ? 4 : 7, opacity: 0.8 },
              hovertext: these.map((at) => `setting ${history.numbers[at]}, ${status}: ${metricText(metric, history.values[at])}, ${history.epochs[at]} epochs`),
              hoverinfo: "text",
            };
          }),
          {
            x: history.numbers, y: drawn(history.best), mode: "lines", name: "best so far",
            line: { shape: "hv", color: colors.ink, width: 1.5 }, hoverinfo: "skip",
          },
        ],
        layout: {
          xaxis: { title: { text: "setting" } },
          yaxis: { title: { text: `${metric?.label ?? ""}${metric?.percent ? " (%)" : ""}` } },
        },
      }),
      table: () => ({
        columns: ["setting", "status", metric?.label ?? "score", "best so far", "epochs", "trial"],
        rows: history.numbers.map((number, at) => [
          number, history.statuses[at], metricText(metric, history.values[at]), metricText(metric, history.best[at]),
          history.epochs[at], this.link(history.trials[at]),
        ]),
      }),
    });
  }
}

/** Lines across an axis a key, in a colour of the scale by their score; the best stands out. */
function parallelSpec(doc, link) {
  const { values, trials, axes } = doc.parallel;
  const metric = doc.metrics[doc.metric];
  const heights = axes.map(heightsOf);
  const nameOf = (place) => `${metric.label} ${metricText(metric, values[place])}: ${axes.map((axis) => `${axis.label} ${valueOf(axis, place)}`).join(", ")}`;
  const steps = Array.from({ length: STEPS }, (_, step) => step); // by rank: 0 is the worst
  const stepOf = (place) => Math.floor(((values.length - 1 - place) * STEPS) / values.length);
  return {
    title: "settings as lines across their values",
    label: `${values.length} settings as lines across ${axes.length} keys; the best: ${nameOf(0)}`,
    note: `The best line is thick; the others are the darker, the better${globalThis.matchMedia("(prefers-color-scheme: dark)").matches ? " (here: the lighter)" : ""}. A line that does not set a key passes below its axis.`,
    height: 420,
    make: (colors) => {
      const trace = (places, line, more) => ({
        x: places.flatMap(() => [...axes.keys(), null]),
        y: places.flatMap((place) => [...heights.map((of) => of[place]), null]),
        mode: "lines", line, showlegend: false, ...more,
      });
      const scale = colors.scale.slice(1).map(([, color]) => color);
      const shades = steps.map((step) => scale[Math.min(scale.length - 1, Math.floor((step * scale.length) / STEPS))]);
      return {
        data: [
          ...steps.map((step) => trace(
            values.flatMap((_, place) => (place && stepOf(place) === step ? [place] : [])),
            { color: faint(shades[step], 0.75), width: 1 },
            { hoverinfo: "skip" },
          )),
          trace([0], { color: colors.series[1], width: 3 }, {
            mode: "lines+markers",
            hovertext: [...axes.map(() => plain(nameOf(0))), ""],
            hoverinfo: "text",
          }),
        ],
        layout: {
          xaxis: {
            tickvals: [...axes.keys()], ticktext: axes.map((axis) => plain(short(axis.label, 16))), side: "top",
            range: [-0.3, Math.max(axes.length - 1, 0) + 0.35], gridcolor: colors.soft, zeroline: false,
          },
          yaxis: { visible: false, range: [-0.16, 1.06] },
          margin: { l: 12, r: 30, t: 40, b: 12 },
          annotations: axes.flatMap((axis, number) => marksOf(axis).map(([height, text]) => ({
            x: number, y: height, text: plain(short(text, 14)), showarrow: false, xanchor: "left", xshift: 4,
            font: { size: 10, color: colors.ink }, bgcolor: faint(colors.paper, 0.75),
          }))),
        },
      };
    },
    table: () => ({
      columns: [metric.label, ...axes.map((axis) => axis.label), "trial"],
      rows: values.map((value, place) => [
        metricText(metric, value), ...axes.map((axis) => valueOf(axis, place)), link(trials[place]),
      ]),
    }),
  };
}

function valueOf(axis, place) {
  const at = axis.places[place];
  if (at === null) return "not set";
  return axis.values.length ? axis.values[at] : plainNumber(at);
}

function endsOf(axis) {
  if (axis.values.length) return [0, Math.max(axis.values.length - 1, 1)];
  const known = axis.places.filter((place) => place !== null);
  return [Math.min(...known), Math.max(...known)];
}

function heightsOf(axis) {
  const [low, high] = endsOf(axis);
  const on = axis.logarithmic ? Math.log : (place) => place;
  return axis.places.map((place) => {
    if (place === null) return -0.12;
    return high > low ? (on(place) - on(low)) / (on(high) - on(low)) : 0.5;
  });
}

/** Heights and texts of what stands beside an axis. */
function marksOf(axis) {
  const [low, high] = endsOf(axis);
  if (axis.values.length) {
    const each = Math.ceil(axis.values.length / 12);
    return axis.values.flatMap((text, place) => (place % each ? [] : [[place / high, text]]));
  }
  const middle = axis.logarithmic ? Math.sqrt(low * high) : (low + high) / 2;
  return high > low
    ? [[0, plainNumber(low)], [0.5, plainNumber(middle)], [1, plainNumber(high)]]
    : [[0.5, plainNumber(low)]];
}

class Importance {
  constructor() {
    this.chart = new Chart("importance of settings");
    this.problem = element("p", { class: "key" });
    this.element = element("div", {}, this.problem, this.chart.element);
  }

  draw({ shares, problems, note }) {
    this.problem.textContent = problems.join(" ");
    this.problem.hidden = !problems.length;
    this.chart.element.hidden = !shares.length;
    if (!shares.length) return;
    const upward = [...shares].reverse();
    this.chart.draw({
      label: `importance of settings: ${shares.map(({ key, share }) => `${key} ${(100 * share).toFixed(0)} %`).join(", ")}`,
      note: `The share of each key in the variation of the scores, by ${note}.`,
      height: 90 + 34 * shares.length,
      make: (colors) => ({
        data: [{
          type: "bar", orientation: "h", y: upward.map((_, place) => place), x: upward.map(({ share }) => 100 * share),
          marker: { color: colors.series[0] },
          hovertext: upward.map(({ key, share }) => plain(`${key}: ${(100 * share).toFixed(1)} %`)),
          hoverinfo: "text",
        }],
        layout: {
          xaxis: { title: { text: "share (%)" }, rangemode: "tozero" },
          yaxis: { tickvals: upward.map((_, place) => place), ticktext: upward.map(({ key }) => plain(short(key, 32))), showgrid: false },
        },
      }),
      table: () => ({ columns: ["key", "share"], rows: shares.map(({ key, share }) => [key, `${(100 * share).toFixed(1)} %`]) }),
    });
  }
}
