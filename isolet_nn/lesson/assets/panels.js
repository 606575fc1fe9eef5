// Line charts, each with a table of its numbers.

function said(value, digits = 2) {
  if (value === null) return "–";
  if (value !== 0 && (Math.abs(value) < 0.001 || Math.abs(value) >= 100000)) {
    return value.toExponential(digits - 1);
  }
  return String(Number(value.toPrecision(Math.max(digits, 3))));
}

const WIDE = 340, HIGH = 230, LEFT = 48, RIGHT = 46, TOP = 12, BOTTOM = 34;

// From the first line to the last: blue to orange.
function lineColour(place, of) {
  const share = of > 1 ? Math.round((100 * place) / (of - 1)) : 0;
  return `color-mix(in oklab, var(--lower) ${share}%, var(--higher))`;
}

// One chart: {title, xs, xName, yName, lines: [{name, ys, colour}], log, range: [low, high], right}.
function panel(chart) {
  const [low, high] = chart.range;
  const y = (value) => {
    const share = chart.log
      ? (Math.log10(value) - Math.log10(low)) / (Math.log10(high) - Math.log10(low))
      : (value - low) / (high - low);
    return HIGH - BOTTOM - share * (HIGH - TOP - BOTTOM);
  };
  const right = chart.right ?? RIGHT;
  const first = chart.xs[0], span = chart.xs.at(-1) - first || 1;
  const x = (value) => LEFT + ((value - first) / span) * (WIDE - LEFT - right);
  const drawing = svgElement("svg", {
    viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img",
    "aria-label": `${chart.title}: ${chart.yName} by ${chart.xName}; numbers in the table below`,
  });
  for (const tick of chart.log ? decades(low, high) : evenly(low, high)) {
    drawing.append(
      svgElement("line", { class: "axis", x1: LEFT, x2: WIDE - right, y1: y(tick), y2: y(tick) }),
      svgElement("text", { x: LEFT - 5, y: y(tick) + 4, "text-anchor": "end" }, chart.log ? power(tick) : said(tick)),
    );
  }
  for (const value of marksOf(chart.xs)) {
    drawing.append(svgElement("text", { x: x(value), y: HIGH - BOTTOM + 15, "text-anchor": "middle" }, String(value)));
  }
  drawing.append(svgElement("text", { x: (LEFT + WIDE - right) / 2, y: HIGH - 5, "text-anchor": "middle" }, chart.xName));
  labelled(drawing, chart.lines, x, y, chart.xs, (value) => value !== null && (!chart.log || value > 0));
  return element("div", { class: "panel" }, element("h4", {}, chart.title), drawing, numbers(chart));
}

function labelled(drawing, lines, x, y, xs, isDrawn) {
  const taken = [];
  for (const line of lines) {
    const points = line.ys.map((value, k) => [xs[k], value]).filter(([, value]) => isDrawn(value));
    if (points.length === 0) continue;
    const path = svgElement("polyline", {
      class: "line", points: points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" "),
    });
    path.style.stroke = line.colour;
    if (line.dash) path.setAttribute("stroke-dasharray", line.dash);
    drawing.append(path);
    const [at, value] = points.at(-1);
    if (points.length === 1) {
      const dot = svgElement("circle", { cx: x(at), cy: y(value), r: 3 });
      dot.style.fill = line.colour;
      drawing.append(dot);
    }
    // Short names that would lie on each other move aside, to the right; long ones down.
    const column = taken.filter((other) => Math.abs(other - y(value)) < 9).length;
    taken.push(y(value));
    if (column > 2) continue;
    const name = svgElement("text", { class: "end", x: x(at) + 4 + (line.short ? 10 : 0) * column, y: y(value) + 4 + (line.short ? 0 : 11) * column }, line.short ?? line.name);
    name.style.fill = line.colour;
    drawing.append(name);
  }
}

function decades(low, high) {
  const from = Math.ceil(Math.log10(low) - 1e-9), to = Math.floor(Math.log10(high) + 1e-9);
  const step = Math.max(1, Math.ceil((to - from) / 6));
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, k) => 10 ** (from + k * step));
}

function power(value) {
  const exponent = Math.round(Math.log10(value));
  return Math.abs(exponent) < 3 ? String(Number(value.toPrecision(1))) : `1e${exponent}`;
}

function evenly(low, high) {
  return Array.from({ length: 5 }, (_, k) => low + (k * (high - low)) / 4);
}

function marksOf(xs) {
  const step = Math.max(1, Math.ceil(xs.length / 7));
  return xs.filter((_, k) => k % step === 0 || (k === xs.length - 1 && k % step > step / 2));
}

// Decades that hold all positive numbers.
function decadesOf(values) {
  const positive = values.filter((value) => value !== null && value > 0);
  if (positive.length === 0) return [0.1, 1];
  const low = Math.floor(Math.log10(Math.min(...positive))), high = Math.ceil(Math.log10(Math.max(...positive)));
  return [10 ** low, 10 ** Math.max(high, low + 1)];
}

function numbers(chart) {
  const rows = chart.xs.map((at, k) => [String(at), ...chart.lines.map((line) => said(line.ys[k], 3))]);
  const names = [chart.xName, ...chart.lines.map((line) => line.name)];
  return element("details", {}, element("summary", {}, "The numbers"), table(`Numbers of ${chart.title}`, names, rows));
}
