// Whether gradients vanish: panels by layer and epoch, by depth, and the findings.

const START_NAMES = { small: "the report’s, 0.01", scaled: "scaled to the layer" };
const ACTIVATION_NAMES = { sigmoid: "sigmoid", tanh: "tanh", relu: "ReLU" };
const MEASURES = {
  gradients: { name: "gradient norm", log: true },
  dead: { name: "dead units (ReLU)", log: false },
  saturated: { name: "saturated share (sigmoid, tanh)", log: false },
};

function showDepths(depths) {
  const choices = { start: depths.starts[0], measure: "gradients", depth: 5 };
  const slider = document.getElementById("depth");
  const draw = () => {
    document.getElementById("depth-said").value = choices.depth;
    drawLayers(depths, choices);
    drawByDepth(depths, choices);
  };
  radios("start", START_NAMES, choices, draw);
  radios("measure", Object.fromEntries(Object.entries(MEASURES).map(([k, m]) => [k, m.name])), choices, draw);
  slider.addEventListener("input", () => {
    choices.depth = Number(slider.value);
    draw();
  });
  choices.depth = Number(slider.value);
  draw();
  showFindings(depths);
}

function radios(group, names, choices, changed) {
  const field = document.getElementById(group);
  for (const [value, name] of Object.entries(names)) {
    const button = element("input", { type: "radio", name: group, value });
    button.checked = choices[group] === value;
    button.addEventListener("change", () => {
      choices[group] = value;
      changed();
    });
    field.append(element("label", {}, button, ` ${name}`));
  }
}

function drawLayers(depths, choices) {
  const measure = MEASURES[choices.measure];
  const shown = depths.trainings.filter((t) => t.start === choices.start && t.hidden_layers === choices.depth);
  const values = shown.flatMap((training) => training[choices.measure].flat());
  const range = measure.log ? decadesOf(values) : [0, choices.measure === "dead" ? depths.width : 1];
  const charts = shown.map((training) => {
    const columns = training[choices.measure][0].length;
    const lines = Array.from({ length: columns }, (_, layer) => ({
      name: layer === choices.depth ? "last" : `layer ${layer + 1}`,
      short: layer === choices.depth ? "last" : String(layer + 1),
      ys: training[choices.measure].map((epoch) => epoch[layer]),
      colour: lineColour(layer, columns),
    }));
    return panel({
      title: `${ACTIVATION_NAMES[training.activation]}, ${said(100 * training.accuracies.at(-1), 3)} % at the end`,
      xs: training.accuracies.map((_, k) => k + 1), xName: "epoch", yName: measure.name, lines, range,
      log: measure.log,
    });
  });
  document.getElementById("layers").replaceChildren(...charts);
  document.getElementById("layers-key").textContent =
    `Lines are layers: 1 is next to the inputs, “last” gives the logits. ` +
    "The scale is the same for all three. At the end: accuracy on the training rows in the last epoch.";
}

function drawByDepth(depths, choices) {
  const of = depths.findings.filter((finding) => finding.start === choices.start);
  const lines = (key) => of.map((finding, k) => ({
    name: ACTIVATION_NAMES[finding.activation], ys: finding[key], colour: lineColour(k, of.length),
    dash: ["", "6 3", "2 3"][k],
  }));
  const norms = panel({
    title: "The first layer’s gradient in the first epoch", xs: depths.depths, xName: "hidden layers",
    yName: "gradient norm", lines: lines("first"), log: true, right: 58,
    range: decadesOf(depths.findings.flatMap((finding) => finding.first)),
  });
  const accuracies = panel({
    title: "Accuracy on the training rows in the last epoch", xs: depths.depths, xName: "hidden layers",
    yName: "accuracy", lines: lines("accuracies"), log: false, right: 58, range: [0, 1],
  });
  document.getElementById("by-depth").replaceChildren(norms, accuracies);
}

function showFindings(depths) {
  const body = document.querySelector("#findings tbody");
  for (const finding of depths.findings) {
    body.append(element("tr", {},
      element("th", { scope: "row" }, ACTIVATION_NAMES[finding.activation]),
      element("td", {}, START_NAMES[finding.start]),
      element("td", {}, finding.outcome),
      element("td", {}, said(finding.factor)),
      element("td", {}, finding.learns.length ? finding.learns.join(", ") : "none"),
    ));
  }
}
