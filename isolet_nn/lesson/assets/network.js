// The page: what is chosen, what is shown of it, and what buttons and keys do.

const BY_ID = (id) => document.getElementById(id);
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");
const FRAME_MS = 90;
const STILL_FRAME_MS = 900;

class Lesson {
  constructor(record) {
    this.record = record;
    this.chosen = { chapter: 0, training: 0, row: 0, frame: 0, step: 0, weight: 0 };
    this.guesses = false;
    this.isOpen = true;
    this.timer = null;
    this.plane = new Plane(BY_ID("plane"), record.cells);
    this.readColours();
    this.makeControls();
    this.chooseChapter(0);
  }

  get chapter() {
    return this.record.chapters[this.chosen.chapter];
  }

  get training() {
    return this.chapter.trainings[this.chosen.training];
  }

  get frame() {
    return this.training.frames[this.chosen.frame];
  }

  view() {
    const { chapter, training, frame, names } = this;
    const dead = training.dead.filter((one) => one.since <= frame.epoch);
    return {
      names,
      chapter,
      training,
      frame,
      row: this.chosen.row,
      weight: this.chosen.weight,
      dead: new Set(dead.map((one) => `${one.layer + 1}.${one.neuron}`)),
    };
  }

  makeControls() {
    const { record } = this;
    record.chapters.forEach((chapter, place) => {
      const button = element("button", { type: "button" }, chapter.title);
      button.addEventListener("click", () => this.chooseChapter(place));
      BY_ID("chapters").append(button);
    });
    BY_ID("chapters").hidden = record.chapters.length === 1;
    for (const [phase, title] of PHASES) {
      const button = element("button", { type: "button", "data-phase": phase }, title);
      button.addEventListener("click", () => this.goToPhase(phase));
      BY_ID("phases").append(button);
    }
    BY_ID("training").addEventListener("change", (event) => this.chooseTraining(event.target.selectedIndex));
    BY_ID("moment").addEventListener("input", (event) => {
      this.pause();
      this.goTo(event.target.valueAsNumber);
    });
    BY_ID("play").addEventListener("click", () => this.playOrPause());
    BY_ID("back").addEventListener("click", () => this.move(-1));
    BY_ID("on").addEventListener("click", () => this.move(1));
    BY_ID("guess").addEventListener("change", (event) => {
      this.guesses = event.target.checked;
      this.isOpen = !this.guesses;
      this.showStep();
    });
    document.addEventListener("keydown", (event) => this.pressed(event));
    window.addEventListener("resize", () => this.drawPlane());
    SMALL_SCREEN.addEventListener("change", () => this.chooseTraining(this.chosen.training));
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.readColours();
      this.drawPlane();
    });
  }

  pressed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input[type=range], select, textarea")) return;
    const moves = { ArrowRight: 1, ArrowLeft: -1 };
    if (event.key in moves && !event.target.closest(".scroll, pre")) {
      event.preventDefault();
      this.move(moves[event.key]);
    } else if (event.key === " " && !event.target.closest("button, input, summary")) {
      event.preventDefault();
      this.playOrPause();
    }
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    const hex = (name) => {
      const digits = style.getPropertyValue(name).trim().slice(1);
      return [0, 2, 4].map((start) => Number.parseInt(digits.slice(start, start + 2), 16));
    };
    this.paper = hex("--card");
    this.ink = hex("--ink");
  }

  chooseChapter(place) {
    this.pause();
    Object.assign(this.chosen, { chapter: place, row: 0, step: 0 });
    const { chapter, record } = this;
    this.names = new Names(chapter.sizes, record.inputs, record.classes);
    this.chosen.weight = 0;
    for (const [number, button] of [...BY_ID("chapters").children].entries()) {
      button.setAttribute("aria-pressed", String(number === place));
    }
    BY_ID("chapter-says").textContent = chapter.says;
    const select = BY_ID("training");
    select.replaceChildren(...chapter.trainings.map((training) => element("option", {}, training.label)));
    BY_ID("training-label").textContent = chapter.varies;
    select.disabled = chapter.trainings.length === 1;
    this.showEnds();
    this.makeRows();
    this.chooseTraining(0, 0);
  }

  /** Show another training of the chapter, from the moment that is shown now or another. */
  chooseTraining(place, frame = this.chosen.frame) {
    this.chosen.training = place;
    BY_ID("training").selectedIndex = place;
    const { training, chapter, names } = this;
    const weights = training.frames.flatMap((one) => one.w.filter((weight) => weight !== null));
    const largest = Math.max(...weights.map(Math.abs), 1e-9);
    this.drawing = new NetworkDrawing(BY_ID("network"), names, largest, (weight) => this.chooseWeight(weight));
    this.curve = new Curve(BY_ID("curve"), training, (at) => {
      this.pause();
      this.goTo(at);
    });
    BY_ID("config").textContent = training.config;
    BY_ID("findings-text").replaceChildren(...findingsOf(this.view(), this.record));
    BY_ID("dead-key").hidden = training.dead.length === 0;
    BY_ID("moment").max = training.frames.length - 1;
    this.goTo(Math.min(frame, training.frames.length - 1));
  }

  chooseWeight(weight) {
    this.chosen.weight = weight;
    this.showStep();
  }

  showEnds() {
    const { ends } = this.chapter;
    for (const [axis, name] of ["x", "y"].entries()) {
      BY_ID(`${name}-name`).textContent = this.record.inputs[axis];
      BY_ID(`${name}-low`).textContent = endText(ends[axis][0]);
      BY_ID(`${name}-high`).textContent = endText(ends[axis][1]);
    }
    const { classes } = this.record;
    BY_ID("legend").replaceChildren(
      ...classes.map((name, label) => element("span", { class: "class" }, markElement(label), `class ${name}`)),
      element("span", { class: "surer" }, "The stronger the colour, the surer it is."),
    );
  }

  makeRows() {
    const { chapter } = this;
    this.rowButtons = chapter.rows.map((row, place) => {
      const answer = element("span", { class: "answer" });
      const button = element(
        "button",
        { type: "button" },
        markElement(row.label),
        element("b", {}, rowText(chapter, place)),
        element("span", { class: "wanted" }, `class ${this.record.classes[row.label]}`),
        answer,
      );
      button.addEventListener("click", () => {
        this.chosen.row = place;
        this.showFrame();
      });
      return { button, answer };
    });
    BY_ID("rows").replaceChildren(...this.rowButtons.map(({ button }) => button));
  }

  goTo(frame) {
    this.chosen.frame = frame;
    BY_ID("moment").value = frame;
    this.showFrame();
  }

  playOrPause() {
    if (this.timer !== null) {
      this.pause();
      return;
    }
    if (this.chosen.frame === this.training.frames.length - 1) this.goTo(0);
    BY_ID("play").textContent = "Pause";
    let shown = performance.now();
    const next = (now) => {
      const wait = STILL.matches ? STILL_FRAME_MS : FRAME_MS;
      if (now - shown >= wait) {
        shown = now;
        this.goTo(this.chosen.frame + 1);
        if (this.chosen.frame === this.training.frames.length - 1) {
          this.pause();
          return;
        }
      }
      this.timer = requestAnimationFrame(next);
    };
    this.timer = requestAnimationFrame(next);
  }

  pause() {
    if (this.timer === null) return;
    cancelAnimationFrame(this.timer);
    this.timer = null;
    BY_ID("play").textContent = "Play";
    this.showStep();
    this.say(BY_ID("moment-text").textContent);
  }

  showFrame() {
    const { frame, training, chapter } = this;
    const right = Math.round(frame.accuracy * chapter.n_rows);
    const text = `Epoch ${frame.epoch} of ${training.frames.at(-1).epoch}: loss ${numberText(frame.loss)}, ${right} of ${chapter.n_rows} right`;
    BY_ID("moment-text").textContent = text;
    BY_ID("moment").setAttribute("aria-valuetext", text);
    this.drawPlane();
    this.curve.show(frame);
    this.drawing.showWeights(frame.w);
    this.showRows();
    this.showStep();
  }

  drawPlane() {
    const { chapter, frame } = this;
    this.plane.draw(chapter, frame, this.chosen.row, this.paper, this.ink);
    const right = Math.round(frame.accuracy * chapter.n_rows);
    BY_ID("plane").setAttribute(
      "aria-label",
      `The plane of ${this.record.inputs.join(" and ")}, coloured by the network’s answer; ` +
        `after epoch ${frame.epoch} it has ${right} of ${chapter.n_rows} rows right`,
    );
  }

  showRows() {
    const { frame, chapter, record } = this;
    this.rowButtons.forEach(({ button, answer }, place) => {
      button.setAttribute("aria-pressed", String(place === this.chosen.row));
      const probabilities = frame.walks[place].a.at(-1);
      const { label } = chapter.rows[place];
      const said = bestOf(probabilities);
      const isRight = said === label;
      answer.textContent = said === null
        ? "has no answer"
        : `${isRight ? "✓" : "✗"} says ${record.classes[said]}: ${percentText(probabilities[said])}`;
      answer.classList.toggle("wrong", !isRight);
    });
  }

  steps() {
    return stepsOf(this.view());
  }

  move(by) {
    this.pause();
    if (by > 0 && this.guesses && !this.isOpen) {
      this.isOpen = true;
      this.showStep(true);
      return;
    }
    const steps = this.steps();
    this.chosen.step = Math.min(Math.max(this.chosen.step + by, 0), steps.length - 1);
    this.isOpen = !this.guesses || by < 0;
    this.showStep(true);
  }

  /** Go to the first step of a phase, or to one so many steps later. */
  goToPhase(phase, later = 0) {
    this.pause();
    this.chosen.step = this.steps().findIndex((step) => step.phase === phase) + later;
    this.isOpen = !this.guesses;
    this.showStep(true);
  }

  /** Show the step; isNews where it was asked for, and so is read out. */
  showStep(isNews = false) {
    const view = this.view();
    const steps = stepsOf(view);
    this.chosen.step = Math.min(this.chosen.step, steps.length - 1);
    const step = steps[this.chosen.step];
    this.drawing.showStep(view, step, reachedBy(steps.slice(0, this.chosen.step + 1)));
    if (this.timer !== null && step.phase === "forward" && this.chosen.step === 0) return;
    BY_ID("step").replaceChildren(...stepElements(step, view, (weight) => this.chooseWeight(weight)));
    if (BY_ID("step").querySelector(".result") === null) this.isOpen = true;
    BY_ID("step-count").textContent = `${this.chosen.step + 1} of ${steps.length}`;
    BY_ID("back").disabled = this.chosen.step === 0;
    BY_ID("on").disabled = this.chosen.step === steps.length - 1 && this.isOpen;
    for (const button of BY_ID("phases").children) {
      button.setAttribute("aria-pressed", String(button.dataset.phase === step.phase));
    }
    BY_ID("step").classList.toggle("hidden-results", !this.isOpen);
    for (const result of BY_ID("step").querySelectorAll(".result")) result.ariaHidden = String(!this.isOpen);
    BY_ID("network").setAttribute("aria-label", `Network of ${view.names.sizes.join(", ")} neurons. ${step.title}`);
    if (isNews) this.say(`${step.title}. ${this.isOpen ? spoken(step) : "What will it be?"}`);
  }

  say(text) {
    BY_ID("said").textContent = text;
  }

  /** Go where a question or a finding points to. */
  show({ chapter, training, row, epoch, phase, later }) {
    if (chapter !== undefined && chapter !== this.chosen.chapter) this.chooseChapter(chapter);
    if (training !== undefined) this.chooseTraining(training);
    if (row !== undefined) this.chosen.row = row;
    if (epoch !== undefined) {
      const frames = this.training.frames.findIndex((frame) => frame.epoch >= epoch);
      this.goTo(frames === -1 ? this.training.frames.length - 1 : frames);
    }
    if (phase !== undefined) this.goToPhase(phase, later);
    BY_ID(phase === undefined ? "watch" : "walk").scrollIntoView({ behavior: STILL.matches ? "auto" : "smooth" });
  }
}

function endText(value) {
  const size = Math.abs(value);
  const isPlain = value === 0 || (size >= 1e-3 && size < 1e5);
  return (isPlain ? String(Number(value.toPrecision(2))) : value.toExponential(0)).replaceAll("-", "−").replace("+", "");
}

function bestOf(probabilities) {
  if (probabilities.includes(null)) return null;
  return probabilities.indexOf(Math.max(...probabilities));
}

/** A step as a screen reader says it. */
function spoken(step) {
  const formulas = [...step.formulas ?? [], ...(step.lines ?? []).flatMap((line) => line.formulas)];
  return formulas.map((parts) => formulaElement(parts).textContent).join("; ");
}

function stepElements(step, view, onWeight) {
  const made = [element("h3", {}, step.title)];
  if (step.picksWeight) made.push(weightChoice(view, onWeight));
  made.push(element("p", {}, step.says));
  for (const parts of step.formulas ?? []) made.push(formulaElement(parts));
  for (const line of step.lines ?? []) {
    const words = element("p", { class: "line-says" }, line.says);
    if (line.keeps) words.append(element("span", { class: "badge keeps" }, "kept for the next step"));
    made.push(element("div", { class: "line" }, words, ...line.formulas.map(formulaElement)));
  }
  if (step.table) made.push(table(step.table.label, step.table.columns, step.table.rows()));
  return made;
}

function weightChoice({ names, weight }, onWeight) {
  const select = element("select", { id: "weight" });
  for (const one of range(names.nWeights)) select.append(element("option", { value: one }, names.weightName(one)));
  select.value = String(weight);
  select.addEventListener("change", () => {
    onWeight(Number(select.value));
    BY_ID("weight").focus();
  });
  return element("div", { class: "control" }, element("label", { for: "weight" }, "Weight"), select);
}

const lesson = new Lesson(await theRecord());
BY_ID("questions-list").append(...questionsOf(lesson));
document.documentElement.dataset.ready = "yes";
