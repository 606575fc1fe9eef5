// Classes coming apart as points in the plane, and what each class leans on.

const SIDE = 560, EDGE = 18, PLAY_MS = 220;

function showCloud(letters, classes) {
  const stressed = new Set();
  const marks = letters.labels.map((label) => marked(svgElement("text", {}, shortName(classes[label])), label, classes));
  const drawing = svgElement("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, role: "img",
    "aria-label": "Rows as points in the plane of the first two principal components, by class" }, ...marks);
  document.getElementById("cloud").append(drawing);
  const slider = document.getElementById("epoch"), output = document.getElementById("epoch-said");
  const place = () => {
    const frame = Number(slider.value), at = placing(letters.places[frame]);
    output.value = `${letters.epochs[frame]}` +
      (letters.shares[frame] === null ? "" : ` (${said(100 * letters.shares[frame])} % of the variance)`);
    letters.places[frame].forEach((place, row) => {
      const [x, y] = at(place);
      marks[row].style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    });
  };
  slider.addEventListener("input", place);
  place();
  playing(slider, place);
  const buttons = classes.map((name, label) => {
    const button = marked(element("button", { type: "button", "aria-pressed": "false", title: name }, name), label, classes);
    button.addEventListener("click", () => {
      if (!stressed.delete(label)) stressed.add(label);
      button.setAttribute("aria-pressed", String(stressed.has(label)));
      marks.forEach((mark, row) => {
        mark.classList.toggle("aside", stressed.size > 0 && !stressed.has(letters.labels[row]));
      });
    });
    return button;
  });
  document.getElementById("classes").append(...buttons);
}

// Each epoch fills the picture: what matters is where marks lie to each other.
function placing(places) {
  const [x, y] = [0, 1].map((axis) => {
    const values = places.map((place) => place[axis]);
    const low = Math.min(...values), high = Math.max(...values);
    return { middle: (low + high) / 2, half: (high - low) / 2 };
  });
  const unit = (SIDE / 2 - EDGE) / (Math.max(x.half, y.half) || 1);
  return (place) => [SIDE / 2 + unit * (place[0] - x.middle), SIDE / 2 - unit * (place[1] - y.middle)];
}

function shortName(name) {
  return name.slice(0, 3);
}

// Neighbours in the alphabet get hues far apart.
function marked(mark, label, classes) {
  mark.classList.add("class-mark");
  mark.style.setProperty("--hue", String(Math.round((label * 137.5) % 360)));
  return mark;
}

function playing(slider, place) {
  const button = document.getElementById("play");
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.textContent = "Play";
  };
  button.addEventListener("click", () => {
    if (timer !== null) return stop();
    if (slider.value === slider.max) slider.value = 0;
    button.textContent = "Stop";
    place();
    timer = setInterval(() => {
      slider.value = Number(slider.value) + 1;
      place();
      if (slider.value === slider.max) stop();
    }, PLAY_MS);
  });
}

function showOwn(letters) {
  const epochs = letters.gradients.map((_, k) => k + 1), layers = letters.units.length;
  const lines = (table, named) => table[0].map((_, layer) => ({
    name: named(layer), short: layer === layers - 1 ? "last" : String(layer + 1),
    ys: table.map((epoch) => epoch[layer]), colour: lineColour(layer, table[0].length),
  }));
  const named = (layer) => (layer === layers - 1 ? "last" : `layer ${layer + 1}, ${letters.units[layer]} units`);
  const charts = [panel({
    title: "Gradient norm by layer", xs: epochs, xName: "epoch", yName: "gradient norm",
    lines: lines(letters.gradients, named), log: true, range: decadesOf(letters.gradients.flat()),
  })];
  if (layers > 1) {
    const counts = letters.dead[0][0] !== null;
    charts.push(panel({
      title: counts ? "Dead units by layer" : "Saturated share by layer", xs: epochs, xName: "epoch",
      yName: counts ? "dead units" : "share", lines: lines(counts ? letters.dead : letters.saturated, named), log: false,
      range: [0, counts ? Math.max(...letters.units.slice(0, -1)) : 1],
    }));
  }
  document.getElementById("own").append(...charts);
}

const ROW_HIGH = 12, ROW_SHOWN = 14, MOST = 10;

function showLeaning(letters, classes) {
  const select = document.getElementById("class");
  select.append(...classes.map((name, k) => element("option", { value: k }, name)));
  const canvas = element("canvas", { role: "img", width: letters.features.length, height: classes.length * ROW_HIGH,
    "aria-label": "What each class (row) leans on, by feature (column); the ten most are in the table below" });
  const under = element("p", { "aria-live": "off" });
  canvas.style.height = `${ROW_SHOWN * classes.length}px`;
  document.getElementById("map").append(canvas, under);
  const draw = () => drawMap(canvas, letters.leaning, Number(select.value));
  const list = () => {
    draw();
    listMost(letters, Number(select.value));
    under.textContent = "Rows are classes in order, the chosen one framed; columns are features. Blue speaks for the " +
      "class, orange against it; point at the picture for a number.";
  };
  select.addEventListener("change", list);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  const pointed = (event) => {
    const box = canvas.getBoundingClientRect();
    const at = (from, size, n) => Math.min(n - 1, Math.max(0, Math.floor((from / size) * n)));
    const row = at(event.clientY - box.top, box.height, classes.length);
    const column = at(event.clientX - box.left, box.width, letters.features.length);
    return [row, column];
  };
  canvas.addEventListener("pointermove", (event) => {
    const [row, column] = pointed(event);
    under.textContent = `${classes[row]}, ${letters.features[column]}: ${said(letters.leaning[row][column])}`;
  });
  canvas.addEventListener("click", (event) => {
    select.value = pointed(event)[0];
    list();
  });
  list();
}

function colourOf(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((k) => parseInt(text.slice(k, k + 2), 16));
}

function drawMap(canvas, leaning, chosen) {
  const context = canvas.getContext("2d"), columns = canvas.width;
  const [card, higher, lower, ink] = ["--card", "--higher", "--lower", "--ink"].map(colourOf);
  const largest = Math.max(...leaning.map((row) => Math.max(...row.map(Math.abs)))) || 1;
  const picture = context.createImageData(columns, canvas.height);
  leaning.forEach((row, label) => row.forEach((value, column) => {
    const share = Math.sqrt(Math.abs(value) / largest), toward = value > 0 ? higher : lower;
    const colour = card.map((part, k) => part + share * (toward[k] - part));
    for (let line = 0; line < ROW_HIGH; line += 1) {
      const framed = label === chosen && (line === 0 || line === ROW_HIGH - 1);
      const start = 4 * ((label * ROW_HIGH + line) * columns + column);
      picture.data.set([...(framed ? ink : colour), 255], start);
    }
  }));
  context.putImageData(picture, 0, 0);
}

function listMost(letters, label) {
  const row = letters.leaning[label];
  const order = row.map((_, k) => k).sort((a, b) => Math.abs(row[b]) - Math.abs(row[a])).slice(0, MOST);
  const largest = Math.abs(row[order[0]]) || 1;
  document.querySelector("#most tbody").replaceChildren(...order.map((feature) => {
    const bar = element("span", { class: `bar ${row[feature] > 0 ? "for-it" : "against"}` });
    bar.style.width = `${Math.round((100 * Math.abs(row[feature])) / largest)}%`;
    return element("tr", {}, element("th", { scope: "row" }, letters.features[feature]),
      element("td", {}, said(row[feature])), element("td", {}, bar));
  }));
}
