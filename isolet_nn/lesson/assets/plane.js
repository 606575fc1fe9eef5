// The plane of the two inputs: what the network answers everywhere, with rows on top; and the
// curve of the loss.

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const CERTAINTIES = new Map([...DIGITS].map((digit, place) => [digit, place / 63]));
const CLASSES = new Map([...DIGITS].map((digit, place) => [digit, place]));
const CLASS_COLOURS = [
  [123, 79, 181], [47, 158, 68], [224, 161, 0], [214, 51, 108], [28, 126, 214],
  [134, 142, 150], [92, 148, 13], [11, 114, 133], [166, 30, 77], [240, 140, 0],
];

class Plane {
  constructor(canvas, cells) {
    this.canvas = canvas;
    this.cells = cells;
    this.small = document.createElement("canvas");
    this.small.width = this.small.height = cells;
    this.pixels = this.small.getContext("2d").createImageData(cells, cells);
  }

  draw(chapter, frame, row, paper, ink) {
    const [classes, certainties] = frame.answers;
    const { data } = this.pixels;
    for (let cell = 0; cell < classes.length; cell += 1) {
      const colour = CLASS_COLOURS[CLASSES.get(classes[cell])];
      const share = 0.08 + 0.72 * CERTAINTIES.get(certainties[cell]);
      for (let part = 0; part < 3; part += 1) {
        data[4 * cell + part] = paper[part] + share * (colour[part] - paper[part]);
      }
      data[4 * cell + 3] = 255;
    }
    this.small.getContext("2d").putImageData(this.pixels, 0, 0);
    const size = this.fit();
    const context = this.canvas.getContext("2d");
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.small, 0, 0, size, size);
    this.drawRows(context, chapter, row, size, paper, ink);
  }

  /** Give the canvas as many pixels as the screen has in its place. */
  fit() {
    const size = Math.max(1, Math.round(this.canvas.clientWidth * window.devicePixelRatio));
    if (this.canvas.width !== size) this.canvas.width = this.canvas.height = size;
    return size;
  }

  drawRows(context, chapter, row, size, paper, ink) {
    const isFew = chapter.points.length <= 12;
    const radius = (isFew ? 7 : 3.2) * window.devicePixelRatio;
    const line = (isFew ? 2 : 1) * window.devicePixelRatio;
    for (const [across, up, label] of chapter.points) {
      drawMark(context, across * size, (1 - up) * size, radius, label, line, `rgb(${paper})`);
    }
    const { place, label } = chapter.rows[row];
    const [x, y] = [place[0] * size, (1 - place[1]) * size];
    drawMark(context, x, y, radius * (isFew ? 1 : 1.5), label, line, `rgb(${paper})`);
    context.beginPath();
    context.arc(x, y, radius * (isFew ? 1.9 : 3), 0, 2 * Math.PI);
    context.strokeStyle = `rgb(${ink})`;
    context.lineWidth = 2 * window.devicePixelRatio;
    context.stroke();
  }
}

/** A row's mark: a circle, square, triangle or diamond by its class. */
function drawMark(context, x, y, radius, label, line, edge) {
  context.beginPath();
  const sides = [0, 4, 3, 5, 6][label % 5];
  if (sides === 0) context.arc(x, y, radius, 0, 2 * Math.PI);
  for (let side = 0; side < sides; side += 1) {
    const angle = -Math.PI / 2 + (2 * Math.PI * (side + (sides === 4 ? 0.5 : 0))) / sides;
    context.lineTo(x + 1.25 * radius * Math.cos(angle), y + 1.25 * radius * Math.sin(angle));
  }
  context.closePath();
  context.fillStyle = `rgb(${CLASS_COLOURS[label]})`;
  context.strokeStyle = edge;
  context.lineWidth = line;
  context.fill();
  context.stroke();
}

/** The same mark as an element, for legends and buttons. */
function markElement(label) {
  const size = 15;
  const canvas = element("canvas", { class: "mark", width: 2 * size, height: 2 * size, "aria-hidden": "true" });
  drawMark(canvas.getContext("2d"), size, size, 0.62 * size, label, 0.1, `rgb(${CLASS_COLOURS[label]})`);
  return canvas;
}

const CURVE = { width: 300, height: 250, left: 46, right: 10, top: 12, bottom: 30 };

class Curve {
  /** onFrame is told of the moment that was pointed at. */
  constructor(svg, training, onFrame) {
    this.svg = svg;
    this.training = training;
    const losses = training.losses.map(([, loss]) => loss).filter((loss) => loss !== null);
    const all = [...losses, ...training.frames.map((frame) => frame.loss ?? 0)];
    this.highest = Math.max(...all, 1e-6) * 1.06;
    this.epochs = Math.max(1, training.frames.at(-1).epoch);
    svg.setAttribute("viewBox", `0 0 ${CURVE.width} ${CURVE.height}`);
    const { left, right, top, bottom, width, height } = CURVE;
    const path = training.losses
      .filter(([, loss]) => loss !== null)
      .map(([epoch, loss], place) => `${place === 0 ? "M" : "L"}${this.x(epoch).toFixed(1)} ${this.y(loss).toFixed(1)}`)
      .join("");
    this.guide = svgElement("line", { class: "guide", y1: top, y2: height - bottom });
    this.marker = svgElement("circle", { class: "marker", r: 5 });
    svg.replaceChildren(
      svgElement("path", { class: "axis", d: `M${left} ${top}V${height - bottom}H${width - right}` }),
      this.text(left - 5, this.y(0), "0", "end"),
      this.text(left - 5, top + 8, shortText(this.highest), "end"),
      this.text(left, height - bottom + 16, "0", "middle"),
      this.text(width - right, height - bottom + 16, String(this.epochs), "end"),
      this.text((left + width - right) / 2, height - 5, "epoch", "middle"),
      svgElement("path", { class: "curve", d: path }),
      this.guide,
      this.marker,
    );
    svg.onclick = (event) => onFrame(this.nearest(event));
  }

  text(x, y, content, anchor) {
    return svgElement("text", { x, y, "text-anchor": anchor }, content);
  }

  x(epoch) {
    return CURVE.left + (epoch / this.epochs) * (CURVE.width - CURVE.left - CURVE.right);
  }

  y(loss) {
    return CURVE.height - CURVE.bottom - (loss / this.highest) * (CURVE.height - CURVE.bottom - CURVE.top);
  }

  nearest(event) {
    const box = this.svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * CURVE.width;
    const distances = this.training.frames.map((frame) => Math.abs(this.x(frame.epoch) - x));
    return distances.indexOf(Math.min(...distances));
  }

  show(frame) {
    const x = this.x(frame.epoch);
    this.guide.setAttribute("x1", x);
    this.guide.setAttribute("x2", x);
    this.marker.setAttribute("cx", x);
    this.marker.setAttribute("cy", this.y(frame.loss ?? 0));
  }
}
