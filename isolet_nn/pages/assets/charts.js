// Charts: Plotly's, each with a title, an accessible name and a table of its numbers.

import { element, table } from "./dom.js";

const MOST_ROWS = 1000;
const CONFIG = { displaylogo: false, displayModeBar: false };
const LEGEND_ROW = 20;
const MOST_LEGEND_ROWS = 24;
const shown = new Set();
const widths = new WeakMap(); // at which each was drawn
const resizing = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const width = target.clientWidth;
    if (width && widths.has(target) && widths.get(target) !== width) {
      widths.set(target, width);
      globalThis.Plotly.Plots.resize(target);
    }
  }
});

/** Text that Plotly shows as it is, where it would take markup for tags and dollars for TeX. */
export function plain(text) {
  return String(text).replace(/[&<>$]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Text that is cut where it is long. */
export function short(text, most = 24) {
  const characters = [...String(text)];
  return characters.length <= most ? String(text) : `${characters.slice(0, most - 1).join("")}…`;
}

/** Names that are cut where they are long, and still told apart. */
export function shortNames(names, most = 40) {
  const half = Math.floor((most - 1) / 2);
  const inTheMiddle = (name) => {
    const letters = [...name];
    return letters.length <= most ? name : `${letters.slice(0, most - 1 - half).join("")}…${letters.slice(-half).join("")}`;
  };
  const ways = [(name) => short(name, most), inTheMiddle, (name, place) => `${place + 1}: ${short(name, most - 4)}`];
  const tells = (way) => new Set(names.map(way)).size === new Set(names).size;
  return names.map(ways.find(tells) ?? ways.at(-1));
}

const SYMBOLS = ["circle", "square", "diamond", "cross", "x", "triangle-up", "triangle-down", "star", "hexagram"];

/** What tells a series from the others: its colour, and where colours repeat its symbol. */
export function look(colors, place) {
  const round = Math.floor(place / colors.series.length);
  return {
    color: colors.series[place % colors.series.length],
    symbol: SYMBOLS[round % SYMBOLS.length],
    isMarked: round > 0,
  };
}

/** Mode and marker of a line: a symbol now and then where a colour does not tell it from others. */
export function lineMarks({ color, symbol, isMarked }, nPoints) {
  const mode = nPoints < 2 ? "markers" : isMarked ? "lines+markers" : "lines";
  return { mode, marker: { color, symbol, size: 8, maxdisplayed: nPoints < 2 ? 0 : 12 } };
}

/** Height of a chart, whose legend may take a row for each of its series; of very many it scrolls. */
export function withLegend(height, nSeries) {
  return height + LEGEND_ROW * Math.min(Math.max(nSeries - 3, 0), MOST_LEGEND_ROWS);
}

/** The colours of the page as it is now: light or dark. */
export function theme() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: color("ink"),
    soft: color("soft"),
    line: color("line"),
    card: color("card"),
    paper: color("paper"),
    good: color("good"),
    bad: color("bad"),
    series: [0, 1, 2, 3, 4, 5, 6].map((place) => color(`series-${place}`)),
    scale: [0, 1, 2, 3, 4].map((place) => [place / 4, color(`scale-${place}`)]),
    diverging: [
      [0, color("lower")],
      [0.5, color("card")],
      [1, color("higher")],
    ],
  };
}

/** A colour with some of it let through, for bands. */
export function faint(color, share) {
  const part = Math.round(share * 255).toString(16).padStart(2, "0");
  return /^#[0-9a-f]{6}$/i.test(color) ? color + part : color;
}

/** A chart; `draw` may be called again and again, as data changes. */
export class Chart {
  constructor(title) {
    this.plot = element("div", { class: "plot", role: "img" });
    this.numbers = element("details", {}, element("summary", {}, "Numbers"));
    this.caption = element("figcaption", {});
    this.title = element("h3", {}, title);
    this.element = element(
      "figure",
      { class: "chart", "aria-label": title },
      this.title,
      this.plot,
      this.caption,
      this.numbers,
    );
    this.spec = null;
    this.numbers.addEventListener("toggle", () => this.#fillTable());
    resizing.observe(this.plot);
    shown.add(this);
  }

  /**
   * Draw it.
   * spec: { make(theme, width) -> { data, layout }, label, table() -> { columns, rows }, note, height,
   * title, onClick(point) }
   */
  draw(spec) {
    this.spec = spec;
    if (spec.title) {
      this.title.textContent = spec.title;
      this.element.setAttribute("aria-label", spec.title);
    }
    this.plot.setAttribute("aria-label", spec.label);
    this.caption.textContent = spec.note || "";
    this.caption.hidden = !spec.note;
    this.#fillTable();
    this.#paint();
  }

  #paint() {
    const plotly = globalThis.Plotly;
    if (!plotly) {
      this.plot.textContent = "The chart needs Plotly; its numbers are below.";
      this.numbers.open = true;
      return;
    }
    const colors = theme();
    const { data, layout } = this.spec.make(colors, this.plot.clientWidth);
    this.plot.style.height = `${this.spec.height || 340}px`;
    const whole = merged(baseLayout(colors), layout);
    widths.set(this.plot, this.plot.clientWidth);
    plotly.react(this.plot, data, whole, CONFIG);
    if (this.spec.onClick && !this.hasClick) {
      this.hasClick = true;
      this.plot.on("plotly_click", (event) => this.spec.onClick?.(event.points[0]));
    }
  }

  #fillTable() {
    const old = this.numbers.querySelector(".scroll, p");
    old?.remove();
    if (!this.numbers.open || !this.spec) return;
    const { columns, rows } = this.spec.table();
    const cut = rows.slice(0, MOST_ROWS);
    this.numbers.append(table(this.title.textContent, columns, cut));
    if (cut.length < rows.length) {
      this.numbers.append(element("p", { class: "key" }, `The first ${MOST_ROWS} of ${rows.length} rows.`));
    }
  }

  /** Draw it anew in the colours of the page, or forget it where it is no longer shown. */
  repaint() {
    if (!this.plot.isConnected) {
      globalThis.Plotly?.purge(this.plot);
      resizing.unobserve(this.plot);
      shown.delete(this);
    } else if (this.spec) {
      this.#paint();
    }
  }
}

globalThis.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of [...shown]) chart.repaint();
});

function baseLayout(colors) {
  const axis = {
    gridcolor: colors.line,
    ticks: "",
    zerolinecolor: colors.line,
    linecolor: colors.line,
    automargin: true,
    title: { standoff: 8 },
  };
  const coarse = globalThis.matchMedia("(pointer: coarse)").matches;
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: {
      family: 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif',
      size: 12,
      color: colors.ink,
    },
    margin: { l: 50, r: 12, t: 12, b: 40 },
    dragmode: coarse ? false : "zoom", // a finger scrolls the page
    hoverlabel: { bgcolor: colors.card, bordercolor: colors.line, font: { color: colors.ink } },
    legend: { orientation: "h", x: 0, y: -0.2, yanchor: "top", font: { size: 12 }, maxheight: LEGEND_ROW * (MOST_LEGEND_ROWS + 1) },
    xaxis: axis,
    yaxis: axis,
  };
}

/** Two layouts as one, the second having the last word. */
function merged(base, more) {
  const whole = { ...base };
  for (const [key, value] of Object.entries(more || {})) {
    const isObject = value && typeof value === "object" && !Array.isArray(value);
    whole[key] = isObject && base[key] ? merged(base[key], value) : value;
  }
  return whole;
}
