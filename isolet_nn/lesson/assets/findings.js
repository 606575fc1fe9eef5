// What happened in a training, said in words, and questions to answer before looking. All numbers
// are the record's.

function findingsOf(view, record) {
  const { training, chapter, names } = view;
  const last = training.frames.at(-1);
  const right = Math.round(last.accuracy * chapter.n_rows);
  const made = [
    element(
      "p",
      {},
      `${training.method}, learning rate ${numberText(training.rate)}: after ${last.epoch} epochs ` +
        `${right} of ${chapter.n_rows} rows are right, and the loss is ${numberText(last.loss)}.`,
    ),
  ];
  if (training.error !== null) made.push(element("p", { class: "warning" }, capital(training.error) + "."));
  if (names.last === 1) made.push(...straightFindings(record, chapter, right));
  if (training.dead.length) made.push(...deadFindings(view));
  else if (chapter.activation.name === "relu" && names.last > 1) {
    made.push(element("p", {}, "No ReLU was dead at the end: each lets at least one row through."));
  }
  return made;
}

function straightFindings(record, chapter, right) {
  const made = [
    element(
      "p",
      {},
      "Without a hidden layer the outputs are sums of the inputs, so classes meet in a straight line, however long it trains.",
    ),
  ];
  if (record.data === "xor") {
    made.push(
      element(
        "p",
        {},
        "No straight line has 0, 0 and 1, 1 on one side and 0, 1 and 1, 0 on the other. The four " +
          "gradients pull against each other until their mean is 0. What is left is to say 50 % to all: a " +
          `loss of ln 2 = 0.6931. That ${right} of 4 count as right there says nothing: it is how a tie falls.`,
      ),
    );
  }
  return made;
}

function deadFindings({ training, chapter, names }) {
  const neurons = training.dead.map((one) => names.neuron(one.layer + 1, one.neuron));
  const count = names.sizes.slice(1, -1).reduce((sum, size) => sum + size, 0);
  const rows = training.dead.map((one, place) => [
    neurons[place],
    one.since === 0 ? "before the first step" : `in epoch ${one.since}`,
    ...one.sums.map((sum) => numberCell(sum)),
    numberCell(one.highest),
  ]);
  const columns = [
    "Neuron",
    "Died",
    ...chapter.rows.map((_, row) => `Sum for ${rowText(chapter, row)}`),
    "Highest of all rows",
  ];
  return [
    element(
      "p",
      {},
      `Dead: ${neurons.join(", ")}, of ${count} hidden neurons. For every row the sum of such a ReLU is not ` +
        "above 0, so it gives 0, its slope is 0, and so are all its gradients. " +
        wayBack(names, training),
    ),
    table("Dead neurons, and their sums when they died", columns, rows),
  ];
}

function wayBack(names, training) {
  if (names.last > 2) return `Only changes in the layers before it${training.coasts ? ", or what the optimizer adds to a gradient of 0," : ""} could wake it up.`;
  return training.coasts
    ? "Its inputs are the data, which stay the same: only what the optimizer adds to a gradient of 0 can move it."
    : "Its inputs are the data, which stay the same: it can never come back.";
}

function questionsOf(lesson) {
  return questionList(lesson).map(([question, answer, place]) => {
    const made = element("details", { class: "question" }, element("summary", {}, question), element("p", {}, answer));
    if (place) {
      const button = element("button", { type: "button" }, "Show me");
      button.addEventListener("click", () => lesson.show(place));
      made.append(button);
    }
    return made;
  });
}

function questionList(lesson) {
  const { record } = lesson;
  const isXor = record.data === "xor";
  const classes = record.classes.length;
  const [first] = record.chapters;
  const start = first.trainings[0].frames[0];
  const questions = [
    [
      "Before the first step, the network has learned nothing. What does it answer, and how large is the loss?",
      `It can only guess. With weights near 0 that is 1 in ${classes} for each class, and a loss of ln ${classes} = ` +
        `${numberText(record.blind_loss)}. Recorded: ${numberText(start.loss)}. Larger first weights are surer of ` +
        "their guesses, and so lose more.",
      { chapter: 0, training: 0, epoch: 0, phase: "loss" },
    ],
  ];
  if (isXor) questions.push(...xorQuestions(record));
  const of = (method) => first.trainings.findIndex((training) => training.method === method);
  if (first.trainings[of("Momentum")]?.frames[0].step.numbers["μ"] === 0.9) {
    questions.push([
      "With momentum 0.9, a weight sees the same gradient step after step. How long do its steps become?",
      "Each velocity is 0.9 of the last, plus the gradient: g, 1.9 g, 2.71 g, … The sum tends to g / (1 − 0.9): ten times the gradient.",
      { chapter: 0, training: of("Momentum"), epoch: 3, phase: "update", later: 1 },
    ]);
  }
  if (of("Adam") >= 0) {
    questions.push([
      "Of two weights, one has a gradient a hundred times as large. How far does Adam move each in its first step?",
      "Both by the learning rate. In step 1 the corrected means are g and g², so the step is η g / √g²: only the sign is left. Choose two weights and compare.",
      { chapter: 0, training: of("Adam"), epoch: 0, phase: "update", later: 1 },
    ]);
  }
  if (of("Adagrad") >= 0) {
    questions.push([
      "Adagrad’s sum of squared gradients only grows. What does that do to its steps?",
      "They shrink: the root of the sum is what each gradient is divided by. RMSprop and Adam forget old squares instead, so their steps do not die away.",
      { chapter: 0, training: of("Adagrad"), epoch: Number.POSITIVE_INFINITY },
    ]);
  }
  return questions;
}

function xorQuestions(record) {
  const byTitle = (title) => record.chapters.findIndex((chapter) => chapter.title === title);
  const [straight, report] = [byTitle("Without a hidden layer"), byTitle("The report's recipe")];
  const worst = record.chapters[report].trainings.findIndex((training) => training.dead.length > 0);
  return [
    [
      "What can a network without hidden layers answer to exclusive or, at best?",
      "One straight line cannot part these four points, so at best three of four. And the loss draws it to 50 % for all of them, which is lower than three certain answers and a wrong one.",
      { chapter: straight, training: 0, epoch: Number.POSITIVE_INFINITY },
    ],
    [
      "The sum of a ReLU is below 0 for all four rows. What is its gradient, and what becomes of it?",
      "0: its output is 0 and its slope is 0, so nothing comes back through it. Its weights never change again. It is dead.",
      worst === -1 ? null : { chapter: report, training: worst, epoch: Number.POSITIVE_INFINITY },
    ],
    [
      "With inputs 0 and 1, as in the report: what does the row 0, 0 teach the weights of the first layer?",
      "Nothing. A weight’s gradient is what came in, times δ, and 0 came in. Only biases can learn from this row. That is why the other recipe has −1 and 1 instead.",
      { chapter: report, training: 0, row: 0, epoch: 0, phase: "backward" },
    ],
  ];
}
