// Elements, tables and controls. Text is put in as text, never as markup.

/** Make an element; children are elements or text, attributes that are null are left out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

let lastId = 0;

/** An id that no other element has. */
export function newId(stem) {
  lastId += 1;
  return `${stem}-${lastId}`;
}

/**
 * A table that can be scrolled to the side by keyboard too.
 * rows: lists of text, numbers or elements; the first of each is its header.
 */
export function table(label, columns, rows, kind = "plain") {
  const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name)));
  const body = rows.map(([first, ...rest]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, cellContent(first)),
      ...rest.map((value) => element("td", {}, cellContent(value))),
    ),
  );
  const made = element(
    "table",
    { class: kind },
    element("caption", { class: "unseen" }, label),
    element("thead", {}, head),
    element("tbody", {}, ...body),
  );
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, made);
}

function cellContent(value) {
  if (value === null || value === undefined) return "";
  return value instanceof Node ? value : String(value);
}

/** A list of facts, as documents have them. */
export function factList(facts) {
  return element(
    "dl",
    { class: "facts" },
    ...facts.flatMap(({ name, text }) => [element("dt", {}, name), element("dd", {}, text)]),
  );
}

/** How a run, a sweep or a trial stands. */
export function statusBadge(status) {
  return element("span", { class: `badge status ${status.replace(/[^a-z]/g, "")}` }, status);
}

/** A link, or only the text where a source has no address for it. */
export function linkTo(address, text, attributes = {}) {
  return address === null || address === undefined
    ? element("span", {}, text)
    : element("a", { href: address, ...attributes }, text);
}

/** A labelled choice; options are pairs of a value and its text. */
export function choice(label, options, chosen, onChange) {
  const id = newId("choice");
  const select = element("select", { id });
  for (const [value, text] of options) {
    select.append(element("option", { value }, text));
  }
  select.value = String(chosen);
  select.addEventListener("change", () => onChange(select.value));
  return element("span", { class: "control" }, element("label", { for: id }, label), select);
}

/** A labelled box to be ticked. */
export function tick(label, isOn, onChange) {
  const id = newId("tick");
  const box = element("input", { id, type: "checkbox" });
  box.checked = isOn;
  box.addEventListener("change", () => onChange(box.checked));
  return element("span", { class: "control" }, box, element("label", { for: id }, label));
}

/** A labelled slider from 0 on. */
export function slider(label, most, value, onChange) {
  const id = newId("slider");
  const input = element("input", { id, type: "range", min: 0, max: most, step: 1 });
  input.value = String(value);
  const shown = element("output", { for: id }, String(value));
  input.addEventListener("input", () => {
    shown.textContent = input.value;
    onChange(Number(input.value));
  });
  return element("span", { class: "control" }, element("label", { for: id }, label), input, shown);
}

/** A metric's value as a person reads it. */
export function metricText(metric, value) {
  if (value === null || value === undefined) return "";
  if (metric?.percent) return `${(100 * value).toFixed(2)} %`;
  return plainNumber(value);
}

/** A number with the digits that matter. */
export function plainNumber(value) {
  if (value === null || value === undefined) return "";
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

/** The size of a file. */
export function bytesText(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}
