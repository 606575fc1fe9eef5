// The last steps of a walk: the batch's mean, the optimizer's lines, and all weights afterwards.

function updateSteps(view) {
  if (view.frame.step === null) {
    return [
      {
        phase: "update",
        title: "The training ends here",
        says: "These are the last weights: no step follows. Move the slider back to see one.",
        formulas: [],
      },
    ];
  }
  return [batchStep(view), optimizerStep(view), afterStep(view)];
}

function batchStep(view) {
  const { names, chapter, frame, weight } = view;
  const { step } = frame;
  const name = names.weightName(weight);
  const isWhole = step.shown.length === step.batch;
  return {
    phase: "update",
    title: step.batch === 1 ? "The step takes one row" : `The step takes the mean of ${step.batch} rows`,
    says:
      `Each row of the batch has its own opinion on ${name}. ` +
      (isWhole ? "" : `Of the ${step.batch} rows in this batch, ${step.shown.length || "none"} can be chosen above. `) +
      "The optimizer sees their mean.",
    table: {
      label: `Gradients of ${name} by row`,
      columns: ["Row", `Gradient of ${name}`],
      rows: () => [
        ...step.shown.map((row) => [rowText(chapter, row), numberCell(frame.walks[row].g[weight])]),
        ["Mean of the batch", numberCell(step.g[weight], "result")],
      ],
    },
    ...lights(names, weight),
    picksWeight: true,
  };
}

function optimizerStep(view) {
  const { names, training, frame, weight } = view;
  const { numbers } = frame.step;
  const valueOf = (symbol) => (Array.isArray(numbers[symbol]) ? numbers[symbol][weight] : numbers[symbol]);
  const lines = training.lines.filter((line) => symbolsOf(line).every((symbol) => symbol in numbers));
  return {
    phase: "update",
    title: `${training.method}: step ${frame.step.t} for ${names.weightName(weight)}`,
    says: `Here w is ${names.weightName(weight)}, g its mean gradient, and η, the learning rate, is ${numberText(frame.step.rate)}.`,
    lines: lines.map((line) => ({
      says: line.says,
      keeps: line.keeps,
      formulas: [[line.formula], ["= ", ...filledIn(line.numbers, valueOf)]],
    })),
    ...lights(names, weight),
    picksWeight: true,
  };
}

function symbolsOf(line) {
  return [...line.numbers.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
}

/** A line's text with numbers in the place of its symbols; the last is the result. */
function filledIn(text, valueOf) {
  const parts = text.split(/\{([^}]+)\}/);
  return parts
    .map((part, place) => {
      if (place % 2 === 0) return part;
      return numberPart(valueOf(part), place === parts.length - 2 ? "result" : "");
    })
    .filter((part) => part !== "");
}

function afterStep(view) {
  const { names, frame } = view;
  return {
    phase: "update",
    title: "Every weight has moved",
    says: "The same was done for each weight, all at once. The next step begins with the new ones.",
    table: {
      label: "All weights before and after the step",
      columns: ["Weight", "Before", "Mean gradient", "After"],
      rows: () =>
        range(names.nWeights).map((weight) => [
          names.weightName(weight),
          numberCell(frame.w[weight]),
          numberCell(frame.step.g[weight]),
          numberCell(frame.step.after[weight], "result"),
        ]),
    },
    edges: range(names.nWeights).filter((weight) => names.ends(weight).from !== null),
  };
}

function lights(names, weight) {
  const { layer, from, to } = names.ends(weight);
  if (from === null) return { neurons: [[layer, to]], biases: [weight] };
  return { neurons: [[layer - 1, from], [layer, to]], edges: [weight] };
}

function rowText(chapter, row) {
  return chapter.rows[row].cells.map(numberText).join(", ");
}
