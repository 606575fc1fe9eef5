// How numbers, neurons and weights are written. Nothing here computes: it only formats.

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const HIDDEN_LETTERS = ["h", "k", "m", "q", "u"];

/**
 * A number with four significant digits, fewer where it has no more than two, or all that stand
 * before the point of one below 100000; and a minus sign that is as wide as a plus.
 */
function numberText(value) {
  if (value === null || value === undefined) return "not a number";
  if (value === 0) return "0";
  const size = Math.abs(value);
  let text;
  if (Number.isInteger(value) && size < 1e5) text = String(size);
  else if (size >= 9999.5 && size < 1e5) text = size.toFixed(0);
  else if (size >= 1e-3 && size < 1e5) text = isShort(size) ? String(size) : size.toPrecision(4);
  else {
    const [digits, power] = size.toExponential(isShort(size) ? undefined : 3).split("e");
    text = `${digits} × 10${digitsAs(power.replace("+", ""), SUPERSCRIPTS)}`;
  }
  return value < 0 ? `−${text}` : text;
}

/** Whether two digits are all of a number, as of 0.9. */
function isShort(size) {
  return Number(size.toPrecision(2)) === size;
}

/** A probability as a person says it; one that is not quite 1 or 0 is never written as that. */
function percentText(probability) {
  if (probability === null) return "no number";
  const percent = 100 * probability;
  if (percent > 99.9 && percent < 100) return "over 99.9 %";
  if (percent > 0 && percent < 0.1) return "under 0.1 %";
  return `${percent.toFixed(1)} %`;
}

function digitsAs(text, digits) {
  return text.replace(/[0-9]/g, (digit) => digits[digit]).replace("-", "⁻");
}

/** Neurons and weights of a network with these sizes, by name and place. */
class Names {
  constructor(sizes, inputs, classes) {
    this.sizes = sizes;
    this.inputs = inputs;
    this.classes = classes;
    this.last = sizes.length - 1;
    this.starts = [];
    let start = 0;
    for (let layer = 1; layer <= this.last; layer += 1) {
      this.starts[layer] = start;
      start += (sizes[layer - 1] + 1) * sizes[layer];
    }
    this.nWeights = start;
  }

  neuron(layer, place) {
    const number = digitsAs(String(place + 1), SUBSCRIPTS);
    if (layer === 0) return `x${number}`;
    if (layer === this.last) return `o${number}`;
    return `${HIDDEN_LETTERS[layer - 1]}${number}`;
  }

  sum(layer, place) {
    return layer === this.last ? this.neuron(layer, place) : `z(${this.neuron(layer, place)})`;
  }

  delta(layer, place) {
    return `δ(${this.neuron(layer, place)})`;
  }

  /** What a neuron is, for those who do not know its letter. */
  description(layer, place) {
    if (layer === 0) return `input ${this.inputs[place]}`;
    if (layer === this.last) return `output for class ${this.classes[place]}`;
    const which = this.last > 2 ? ` of hidden layer ${layer}` : "";
    return `hidden neuron ${place + 1}${which}`;
  }

  /** The place of a weight in the network's list; of the bias, where `from` is null. */
  weight(layer, from, to) {
    const [inputs, outputs] = [this.sizes[layer - 1], this.sizes[layer]];
    return this.starts[layer] + (from === null ? inputs * outputs : from * outputs) + to;
  }

  /** Layer and ends of a weight; `from` is null for a bias. */
  ends(weight) {
    let layer = this.last;
    while (this.starts[layer] > weight) layer -= 1;
    const outputs = this.sizes[layer];
    const from = Math.floor((weight - this.starts[layer]) / outputs);
    const to = (weight - this.starts[layer]) % outputs;
    return { layer, from: from < this.sizes[layer - 1] ? from : null, to };
  }

  weightName(weight) {
    const { layer, from, to } = this.ends(weight);
    if (from === null) return `b(${this.neuron(layer, to)})`;
    return `w(${this.neuron(layer - 1, from)}→${this.neuron(layer, to)})`;
  }
}

/** A number in a formula. `kind`: "result" for what it comes to, else what it is. */
function numberPart(value, kind = "") {
  return { value, kind };
}

/** A formula's parts as elements: text is symbols, the rest are numbers. */
function formulaElement(parts) {
  const line = element("div", { class: "formula" });
  parts.forEach((part, place) => {
    if (typeof part === "string") {
      line.append(element("span", { class: "symbol" }, part));
      return;
    }
    const before = parts[place - 1];
    const isInner = typeof before === "string" && /[×−+/^]\s*$/.test(before);
    const text = numberText(part.value);
    const shown = isInner && part.value < 0 ? `(${text})` : text;
    line.append(numberElement(shown, part));
  });
  return line;
}

function numberElement(text, part) {
  const sign = part.value < 0 ? "negative" : "positive";
  return element("span", { class: `number ${sign} ${part.kind}`.trim() }, text);
}

/** Put numbers between symbols: join([a, b], " + "). */
function joined(lists, between) {
  return lists.flatMap((parts, place) => (place === 0 ? parts : [between, ...parts]));
}
