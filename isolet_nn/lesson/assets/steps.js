// The steps of a walk: forward through the network, backward, and the optimizer's step.
// A step has a phase, a title, words, formulas or a table (whose rows are made when it is shown), and
// what it lights up in the drawing.

const PHASES = [
  ["forward", "Forward"],
  ["loss", "Loss"],
  ["backward", "Backward"],
  ["update", "Update"],
];

const FUNCTIONS = {
  relu: { name: "max(0, z)", slope: "1 if z > 0, else 0" },
  leaky_relu: { name: "leaky ReLU(z)", slope: "f′(z)" },
  elu: { name: "ELU(z)", slope: "f′(z)" },
  gelu: { name: "GELU(z)", slope: "f′(z)" },
  silu: { name: "SiLU(z)", slope: "f′(z)" },
  sigmoid: { name: "1 / (1 + e⁻ᶻ)", slope: "a (1 − a)" },
  tanh: { name: "tanh(z)", slope: "1 − a²" },
};

/**
 * All steps of one row at one moment.
 * view: names, chapter, training, frame, row (its number among the chapter's), weight.
 */
function stepsOf(view) {
  return [
    inputStep(view),
    ...forwardSteps(view),
    softmaxStep(view),
    lossStep(view),
    outputDeltaStep(view),
    ...backwardSteps(view),
    ...updateSteps(view),
  ];
}

function walkOf({ frame, row }) {
  return frame.walks[row];
}

function valueInto(view, layer, from) {
  if (layer === 1) return view.chapter.rows[view.row].x[from];
  return walkOf(view).a[layer - 2][from];
}

function range(count) {
  return Array.from({ length: count }, (_, place) => place);
}

function inputStep(view) {
  const { names, chapter, row } = view;
  const { x, cells, label } = chapter.rows[row];
  const isScaled = x.some((value, place) => value !== cells[place]);
  return {
    phase: "forward",
    title: "A row goes in",
    says:
      `The row says ${names.inputs.map((name, i) => `${name} = ${numberText(cells[i])}`).join(" and ")}, ` +
      `and its class is ${names.classes[label]}.` +
      (isScaled
        ? " The network gets it standardised: minus the mean of the training rows, over their deviation."
        : ""),
    formulas: x.map((value, i) => [`${names.neuron(0, i)} = `, numberPart(value)]),
    neurons: x.map((_, i) => [0, i]),
  };
}

function forwardSteps(view) {
  const { names } = view;
  return range(names.last).flatMap((before) =>
    range(names.sizes[before + 1]).map((to) => sumStep(view, before + 1, to)),
  );
}

function sumStep(view, layer, to) {
  const { names, frame, chapter } = view;
  const walk = walkOf(view);
  const froms = range(names.sizes[layer - 1]);
  const bias = names.weight(layer, null, to);
  const isOutput = layer === names.last;
  const z = walk.z[layer - 1][to];
  const formulas = [
    [
      `${names.sum(layer, to)} = `,
      ...joined(froms.map((from) => [`${names.neuron(layer - 1, from)} w(${names.neuron(layer - 1, from)}→${names.neuron(layer, to)})`]), " + "),
      ` + b(${names.neuron(layer, to)})`,
    ],
    [
      "= ",
      ...joined(
        froms.map((from) => [
          numberPart(valueInto(view, layer, from)),
          " × ",
          numberPart(frame.w[names.weight(layer, from, to)]),
        ]),
        " + ",
      ),
      " + ",
      numberPart(frame.w[bias]),
      " = ",
      numberPart(z, "result"),
    ],
  ];
  let says = "Each input times its weight, all added up, and the bias on top.";
  if (!isOutput) {
    const { name } = FUNCTIONS[chapter.activation.name];
    const filled = chapter.activation.name === "relu" ? "max(0, " : `${functionWord(chapter)}(`;
    formulas.push([
      `${names.neuron(layer, to)} = ${name} = ${filled}`,
      numberPart(z),
      ") = ",
      numberPart(walk.a[layer - 1][to], "result"),
    ]);
    says += ` Then the activation function, which bends: without it, all layers together would be no more than one.`;
    if (chapter.activation.name === "relu" && z !== null && z <= 0) {
      says += " Here the sum is not above 0, so this ReLU lets nothing through.";
    }
  } else {
    says += " An output has no activation function of its own: softmax takes all of them together.";
  }
  return {
    phase: "forward",
    title: `${capital(names.description(layer, to))}: ${names.neuron(layer, to)}`,
    says,
    formulas,
    neurons: [[layer, to]],
    edges: froms.map((from) => names.weight(layer, from, to)),
    biases: [bias],
  };
}

function functionWord(chapter) {
  const name = chapter.activation.name;
  return { leaky_relu: "leaky ReLU", elu: "ELU", gelu: "GELU", silu: "SiLU" }[name] ?? name;
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function softmaxStep(view) {
  const { names } = view;
  const walk = walkOf(view);
  const outputs = walk.z.at(-1);
  const probabilities = walk.a.at(-1);
  return {
    phase: "loss",
    title: "Softmax: outputs become probabilities",
    says: "exp of each output (e to its power) over the sum of all: so all are above 0, and 1 together.",
    formulas: outputs.map((output, k) => [
      `p${digitsAs(String(k + 1), SUBSCRIPTS)} = exp(`,
      numberPart(output),
      ") / (",
      ...joined(outputs.map((other) => ["exp(", numberPart(other), ")"]), " + "),
      ") = ",
      numberPart(probabilities[k], "result"),
      ` for class ${names.classes[k]}`,
    ]),
    neurons: outputs.map((_, k) => [names.last, k]),
  };
}

function lossStep(view) {
  const { names, chapter, row } = view;
  const walk = walkOf(view);
  const { label } = chapter.rows[row];
  const number = digitsAs(String(label + 1), SUBSCRIPTS);
  return {
    phase: "loss",
    title: "The loss: how surprised the network is",
    says:
      `The right class is ${names.classes[label]}. The loss is minus the logarithm of its probability: ` +
      "0 for a network that is certain and right, and the larger the less it believed in it.",
    formulas: [
      [
        `L = −ln p${number} = −ln `,
        numberPart(walk.a.at(-1)[label]),
        " = ",
        numberPart(walk.loss, "result"),
      ],
    ],
    neurons: [[names.last, label]],
  };
}

function outputDeltaStep(view) {
  const { names, chapter, row } = view;
  const walk = walkOf(view);
  const { label } = chapter.rows[row];
  return {
    phase: "backward",
    title: "Back: what should each output have been?",
    says:
      "δ says how the loss changes when an output grows. For softmax and this loss together it is " +
      "the probability minus what it should be: 1 for the right class, 0 for any other.",
    formulas: walk.dz.at(-1).map((delta, k) => [
      `${names.delta(names.last, k)} = p${digitsAs(String(k + 1), SUBSCRIPTS)} − ${k === label ? 1 : 0} = `,
      numberPart(walk.a.at(-1)[k]),
      ` − ${k === label ? 1 : 0} = `,
      numberPart(delta, "result"),
    ]),
    neurons: walk.dz.at(-1).map((_, k) => [names.last, k]),
    shows: "deltas",
  };
}

function backwardSteps(view) {
  const { names } = view;
  const steps = [];
  for (let layer = names.last; layer >= 1; layer -= 1) {
    for (const to of range(names.sizes[layer])) {
      if (layer < names.last) steps.push(deltaStep(view, layer, to));
      steps.push(gradientStep(view, layer, to));
    }
  }
  return steps;
}

function deltaStep(view, layer, to) {
  const { names, frame, chapter } = view;
  const walk = walkOf(view);
  const nexts = range(names.sizes[layer + 1]);
  const neuron = names.neuron(layer, to);
  const [z, a] = [walk.z[layer - 1][to], walk.a[layer - 1][to]];
  const back = walk.da[layer - 1][to];
  return {
    phase: "backward",
    title: `Back to ${neuron}: its share of the blame`,
    says:
      `The chain rule: ${neuron} reaches the loss through every neuron it feeds, so the δ of each come ` +
      "back through the same weights, and are added up. Then through the activation function: times its slope." +
      slopeRemark(chapter, z),
    formulas: [
      [
        `∂L/∂${neuron} = `,
        ...joined(
          nexts.map((next) => [
            numberPart(frame.w[names.weight(layer + 1, to, next)]),
            " × ",
            numberPart(walk.dz[layer][next]),
          ]),
          " + ",
        ),
        " = ",
        numberPart(back, "result"),
      ],
      [
        `${names.delta(layer, to)} = f′(z) · ∂L/∂${neuron},  f′(z) = ${FUNCTIONS[chapter.activation.name].slope}`,
      ],
      [
        "= ",
        ...slopeParts(chapter, z, a),
        " × ",
        numberPart(back),
        " = ",
        numberPart(walk.dz[layer - 1][to], "result"),
      ],
    ],
    neurons: [[layer, to], ...nexts.map((next) => [layer + 1, next])],
    edges: nexts.map((next) => names.weight(layer + 1, to, next)),
    shows: "deltas",
    isBackward: true,
  };
}

function slopeParts(chapter, z, a) {
  switch (chapter.activation.name) {
    case "relu":
      return [numberPart(z > 0 ? 1 : 0)];
    case "tanh":
      return ["(1 − ", numberPart(a), "²)"];
    case "sigmoid":
      return [numberPart(a), " × (1 − ", numberPart(a), ")"];
    default:
      return ["f′(", numberPart(z), ")"];
  }
}

function slopeRemark(chapter, z) {
  if (chapter.activation.name !== "relu" || z === null || z > 0) return "";
  if (z === 0) {
    return (
      " The sum is exactly 0, on the ReLU’s corner, where it has no slope: it is taken as 0. " +
      "The finite difference sees both sides of the corner, and may say otherwise."
    );
  }
  return " The sum is below 0, where the ReLU is flat: nothing comes through, and the neuron learns nothing from this row.";
}

function gradientStep(view, layer, to) {
  const { names } = view;
  const walk = walkOf(view);
  const neuron = names.neuron(layer, to);
  const delta = walk.dz[layer - 1][to];
  const froms = [...range(names.sizes[layer - 1]), null];
  const weights = froms.map((from) => names.weight(layer, from, to));
  return {
    phase: "backward",
    title: `Gradients of the weights into ${neuron}`,
    says:
      "A weight’s gradient is what came in through it, times the δ of the neuron that it leads to. The check " +
      "beside it moves the weight a little up and down, sends the row through again, and compares the losses.",
    table: {
      label: `Gradients of the weights into ${neuron}`,
      columns: ["Weight", "Came in × δ", "Gradient", "Finite difference"],
      rows: () =>
        froms.map((from, place) => [
          names.weightName(weights[place]),
          formulaElement([
            from === null ? "1" : numberPart(valueInto(view, layer, from)),
            " × ",
            numberPart(delta),
          ]),
          numberCell(walk.g[weights[place]], "result"),
          numberCell(walk.fd[weights[place]]),
        ]),
    },
    neurons: [[layer, to]],
    edges: weights.slice(0, -1),
    biases: weights.slice(-1),
    shows: "deltas",
    labels: "gradients",
    isBackward: true,
  };
}

function numberCell(value, kind = "") {
  return numberElement(numberText(value), numberPart(value, kind));
}
