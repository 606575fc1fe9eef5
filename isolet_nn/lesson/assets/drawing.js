// The network as an SVG: neurons as circles, weights as lines whose width is their size. A weight
// below zero is dashed and of another colour.

/** There, letters would be too small to read, unless the drawing is narrower. */
const SMALL_SCREEN = window.matchMedia("(max-width: 42rem)");

class NetworkDrawing {
  /** onWeight is told of a weight that was clicked. */
  constructor(svg, names, largest, onWeight) {
    this.svg = svg;
    this.names = names;
    this.largest = largest;
    const most = Math.max(...names.sizes);
    this.isCrowded = most > 7; // smaller neurons, thinner lines
    this.radius = this.isCrowded ? 14 : most > 5 ? 17 : 21;
    this.height = Math.max(250, most * (this.isCrowded ? 34 : Math.min(92, 420 / most)) + 34);
    svg.classList.toggle("crowded", this.isCrowded);
    svg.classList.toggle("tall", this.isCrowded || names.last > 3);
    this.isSmall = SMALL_SCREEN.matches && !this.isCrowded;
    this.width = this.isSmall ? 420 : 620;
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.lines = range(names.nWeights).map((weight) => this.makeLine(weight, onWeight));
    this.neurons = names.sizes.map((size, layer) => range(size).map((place) => this.makeNeuron(layer, place)));
    this.labels = svgElement("g", { class: "labels" });
    svg.append(this.labels);
  }

  /** Between the neurons of a layer: those of a short layer stand farther apart. */
  gapOf(layer) {
    return Math.min(92, (this.height - 34) / this.names.sizes[layer]);
  }

  at(layer, place) {
    const margin = this.isSmall ? 70 : 74;
    const across = (this.width - 2 * margin) / this.names.last;
    const size = this.names.sizes[layer];
    return {
      x: margin + across * layer,
      y: this.height / 2 + (place - (size - 1) / 2) * this.gapOf(layer) - 6,
    };
  }

  makeLine(weight, onWeight) {
    const { layer, from, to } = this.names.ends(weight);
    if (from === null) return null;
    const [a, b] = [this.at(layer - 1, from), this.at(layer, to)];
    const ends = { x1: a.x + this.radius, y1: a.y, x2: b.x - this.radius, y2: b.y };
    const line = svgElement("line", { class: "weight", ...ends });
    const target = svgElement("line", { class: "target", ...ends });
    target.addEventListener("click", () => onWeight(weight));
    this.svg.append(line, target);
    return line;
  }

  makeNeuron(layer, place) {
    const { x, y } = this.at(layer, place);
    const [isFirst, isLast] = [layer === 0, layer === this.names.last];
    const circle = svgElement("circle", { class: "neuron", cx: x, cy: y, r: this.radius });
    const value = svgElement("text", { class: "value", x, y: y + 4 });
    const isBeside = isFirst || isLast;
    const isNarrow = this.gapOf(layer) < 50;
    const isLeft = isFirst || (isNarrow && !isLast);
    const side = isLeft ? x - this.radius - 7 : x + this.radius + 7;
    const name = svgElement("text", {
      class: "name",
      x: isBeside || isNarrow ? side : x,
      y: isBeside ? y - 2 : isNarrow ? y + 4 : y - this.radius - 6,
      "text-anchor": isLeft ? "end" : isLast ? "start" : "middle",
    });
    name.textContent = this.names.neuron(layer, place);
    const parts = [circle, value, name];
    if (isBeside) {
      const word = svgElement("text", {
        class: "word",
        x: side,
        y: y + 13,
        "text-anchor": isLeft ? "end" : "start",
      });
      const text = isFirst ? this.names.inputs[place] : this.names.classes[place];
      const room = this.isSmall ? 5 : 8;
      word.textContent = text.length > room ? `${text.slice(0, room - 1)}…` : text;
      word.append(svgElement("title", {}, text));
      parts.push(word);
    }
    const delta = svgElement(
      "text",
      isNarrow && !isLast
        ? { class: "delta", x: x + this.radius + 5, y: y + 4, "text-anchor": "start" }
        : { class: "delta", x, y: y + this.radius + 15, "text-anchor": "middle" },
    );
    parts.push(delta);
    const group = svgElement("g", { class: "neuron-group" }, ...parts);
    this.svg.append(group);
    return { group, circle, value, delta };
  }

  /** Widths, colours and dashes by the weights of a moment. */
  showWeights(weights) {
    for (const [weight, line] of this.lines.entries()) {
      if (line === null) continue;
      const value = weights[weight] ?? 0;
      const share = Math.min(1, Math.sqrt(Math.abs(value) / this.largest));
      line.style.strokeWidth = `${((0.6 + 6.4 * share) * (this.isCrowded ? 0.6 : 1)).toFixed(2)}px`;
      line.classList.toggle("negative", value < 0);
    }
  }

  /**
   * Light up a step. done: how far the walk has come, by layer; values of neurons beyond it are
   * not known yet.
   */
  showStep(view, step, reached) {
    const { names } = this;
    const lit = new Set((step.neurons ?? []).map(([layer, place]) => `${layer}.${place}`));
    const edges = new Set(step.edges ?? []);
    this.svg.classList.toggle("stepping", lit.size + edges.size > 0);
    for (const [weight, line] of this.lines.entries()) line?.classList.toggle("lit", edges.has(weight));
    for (const [layer, ofLayer] of this.neurons.entries()) {
      for (const [place, neuron] of ofLayer.entries()) {
        neuron.group.classList.toggle("lit", lit.has(`${layer}.${place}`));
        const value = reached.values.has(`${layer}.${place}`) ? valueOf(view, layer, place, step.phase) : null;
        neuron.value.textContent = value === null ? "" : shortText(value);
        neuron.circle.style.setProperty("--fill", value === null ? "0%" : fillOf(value));
        neuron.group.classList.toggle("negative", value !== null && value < 0);
        const isDead = reached.values.has(`${layer}.${place}`) && view.dead.has(`${layer}.${place}`);
        neuron.group.classList.toggle("dead", isDead);
        const delta = reached.deltas.has(`${layer}.${place}`) ? walkOf(view).dz[layer - 1][place] : null;
        neuron.delta.textContent = delta === null ? "" : `δ ${shortText(delta)}`;
      }
    }
    this.labels.replaceChildren(...this.labelsOf(view, step));
  }

  labelsOf(view, step) {
    const edges = (step.edges ?? []).length > 12 ? [] : (step.edges ?? []);
    const numbers = step.labels === "gradients" ? walkOf(view).g : view.frame.w;
    const made = edges.map((weight) => {
      const { layer, from, to } = this.names.ends(weight);
      const [a, b] = [this.at(layer - 1, from), this.at(layer, to)];
      // Where lines part, near the end that they do not share.
      const isFan = step.isBackward && step.labels !== "gradients";
      const share = edges.length === 1 ? 0.5 : isFan ? 0.66 : 0.36;
      return this.label(a.x + share * (b.x - a.x), a.y + share * (b.y - a.y), numbers[weight]);
    });
    for (const bias of step.biases ?? []) {
      const { layer, to } = this.names.ends(bias);
      const { x, y } = this.at(layer, to);
      const isLast = layer === this.names.last;
      const text = this.label(x - this.radius - 4, y - this.radius - (isLast ? 8 : 20), numbers[bias], "b ");
      made.push(text);
    }
    return made;
  }

  label(x, y, value, before = "") {
    const text = svgElement("text", { class: `label ${value < 0 ? "negative" : ""}`, x, y: y + 4 });
    text.textContent = before + shortText(value);
    return text;
  }
}

/** How much of a neuron's colour shows: nothing at 0, all from 1 on. */
function fillOf(value) {
  return `${Math.round(70 * Math.min(1, Math.abs(value)))}%`;
}

function valueOf(view, layer, place, phase) {
  if (layer === 0) return view.chapter.rows[view.row].x[place];
  const walk = walkOf(view);
  if (layer === view.names.last && phase === "forward") return walk.z.at(-1)[place];
  return walk.a[layer - 1][place];
}

/** A number for the drawing, where there is little room. */
function shortText(value) {
  if (value === null || value === undefined) return "?";
  if (Number.isInteger(value)) return numberText(value);
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size >= 9999.5) return sign + size.toExponential(0).replace("e+", "e");
  if (size >= 99.95) return sign + size.toFixed(0);
  if (size >= 9.995) return sign + size.toFixed(1);
  if (size >= 0.005) return sign + size.toFixed(2);
  return `${sign}${size.toExponential(0).replace("e-", "e−")}`;
}

/** Which neurons' values and deltas are known once these steps have been taken. */
function reachedBy(steps) {
  const [values, deltas] = [new Set(), new Set()];
  for (const step of steps) {
    const known = step.shows === "deltas" ? deltas : values;
    const neurons = step.isBackward ? (step.neurons ?? []).slice(0, 1) : (step.neurons ?? []);
    for (const [layer, place] of neurons) {
      if (step.phase !== "update" && layer + (known === deltas ? 0 : 1) > 0) known.add(`${layer}.${place}`);
    }
  }
  return { values, deltas };
}
