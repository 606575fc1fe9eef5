// The table of runs and sweeps: sorted, filtered, grouped, a page at a time, live.

import { addressOf, change, parameters } from "./address.js";
import { makeControls } from "./controls.js";
import { button, element, setChildren, setText } from "./elements.js";
import { follow } from "./source.js";

const AGES = [[86400, "days"], [3600, "h"], [60, "min"], [1, "s"]];
const MOST_COMPARED = 50;
const ASKED_FOR = ["filter", "search", "sort", "reverse", "group", "columns", "page"];

function age(begun) {
  const seconds = Date.now() / 1000 - begun;
  for (const [size, unit] of AGES) {
    if (seconds >= 2 * size || (seconds >= size && unit !== "days")) return `${Math.floor(seconds / size)} ${unit} ago`;
  }
  return "now";
}

function documentName() {
  const given = parameters();
  const asked = [...given].filter(([name]) => ASKED_FOR.includes(name));
  return addressOf("table", asked);
}

export function comparisonAddress(keys) {
  if (keys.length === 1) return addressOf("/run", [["of", keys[0]]]);
  return addressOf("/comparison", keys.map((key) => ["of", key]));
}

// A column's name over its last word: test_accuracy is "test accuracy".
function heading(column, sort, isReversed) {
  const isSorted = sort === column.name;
  const direction = isSorted ? (isReversed === column.is_number ? " ▴" : " ▾") : "";
  const next = isSorted ? { sort: column.name, reverse: isReversed ? null : "1" } : { sort: column.name, reverse: null };
  const words = column.is_setting ? column.name.replace(/([._])/g, "$1\u200b") : column.name.replaceAll("_", " ");
  const sorts = button(words, () => change({ ...next, page: null }), { title: `Sort by ${column.name}` });
  sorts.append(element("span", { "aria-hidden": "true" }, direction));
  return element("th", {
    scope: "col", class: column.is_number ? "number" : "",
    "aria-sort": isSorted ? (isReversed === column.is_number ? "ascending" : "descending") : null,
  }, sorts);
}

function tickBox(label, onChange) {
  const box = element("input", { type: "checkbox", "aria-label": label });
  box.addEventListener("change", () => onChange(box.checked));
  return box;
}

export function tableView({ main, tell, setTitle }) {
  let table = null;
  let stop = () => {};
  let asked = null;
  const rows = new Map(); // by key
  const controls = makeControls();
  const title = element("h1", {}, "Runs and sweeps");
  const count = element("p", { class: "soft", role: "status" });
  const head = element("tr");
  const body = element("tbody");
  const grid = element("table", { class: "runs" }, element("thead", {}, head), body);
  const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table of runs" }, grid);
  const pages = element("nav", { class: "pages", "aria-label": "Pages of the table" });
  const chosen = element("div", { class: "selection", role: "region", "aria-label": "Selected runs" });
  chosen.hidden = true;
  main.replaceChildren(title, controls.node, count, scroll, pages, chosen);
  setTitle("Runs");

  const selected = () => parameters().getAll("select");

  function select(keys, isOn) {
    const others = selected().filter((key) => !keys.includes(key));
    change({ select: isOn ? [...others, ...keys] : others }, { replace: true });
  }

  function rowOf(row) {
    const known = rows.get(row.key);
    if (known) return known;
    const box = tickBox(`Select ${row.name}`, (isOn) => select([row.key], isOn));
    const link = element("a", {}, row.name);
    const note = element("span", { class: "note" });
    const node = element("tr", {},
      element("td", { class: "box" }, row.kind === "run" ? box : ""),
      element("th", { scope: "row" }, link, note));
    const made = { node, box, link, note, cells: [] };
    rows.set(row.key, made);
    return made;
  }

  function fill(made, row, columns) {
    const path = row.kind === "sweep" ? "/sweep" : "/run";
    made.link.setAttribute("href", addressOf(path, [["of", row.key]]));
    setText(made.note, [row.problem, row.note].filter(Boolean).join(" – "));
    made.note.hidden = !made.note.textContent;
    columns.forEach((column, place) => {
      const cell = made.cells[place] ?? (made.cells[place] = element("td"));
      cell.className = column.is_number ? "number" : "";
      const text = column.name === "age" ? age(row.begun) : row.cells[place] ?? "";
      if (column.name !== "status") setText(cell, text);
      else if (cell.textContent !== text) cell.replaceChildren(element("span", { class: `badge ${text}` }, text));
    });
    made.cells.splice(columns.length);
    setChildren(made.node, [made.node.children[0], made.node.children[1], ...made.cells]);
  }

  function groupRow(row, columns, nKeys) {
    const cells = row.cells.map((text, place) =>
      element("td", { class: columns[place].is_number && place >= nKeys ? "number" : "" }, text ?? ""));
    const words = row.runs === 1 ? "1 run" : `${row.runs} runs`;
    const few = row.members.slice(0, MOST_COMPARED);
    return element("tr", {},
      element("th", { scope: "row", colspan: "2" }, element("a", { href: comparisonAddress(few) }, words)), ...cells);
  }

  function showHead() {
    const given = parameters();
    const sort = given.get("sort");
    const isReversed = given.has("reverse");
    const named = table.kind === "groups"
      ? element("th", { scope: "col", colspan: "2" }, "runs")
      : heading({ name: "folder", is_number: false }, sort, isReversed);
    const keys = table.kind === "groups" ? [] : table.rows.filter((row) => row.kind === "run").map((row) => row.key);
    const isAll = keys.length > 0 && keys.every((key) => selected().includes(key));
    const all = tickBox("Select all runs of this page", (isOn) => select(keys, isOn));
    all.checked = isAll;
    const wanted = [table.kind, sort, isReversed, isAll, keys.length > 0, table.columns.map((column) => column.name)];
    if (head.dataset.state === JSON.stringify(wanted)) return;
    const focused = document.activeElement?.closest?.("th")?.cellIndex ?? null;
    const isHere = head.contains(document.activeElement);
    head.dataset.state = JSON.stringify(wanted);
    head.replaceChildren(
      ...(table.kind === "groups" ? [] : [element("td", { class: "box" }, keys.length ? all : "")]),
      named, ...table.columns.map((column) => heading(column, sort, isReversed)));
    if (isHere) head.children[focused]?.querySelector("button, input")?.focus();
  }

  function showPages() {
    const { page, pages: last } = table;
    const to = (number, words, rel) => {
      const given = parameters();
      given.set("page", number);
      return element("a", { href: addressOf("/", given), rel }, words);
    };
    pages.hidden = last === 1;
    const state = `${page}/${last}`;
    if (pages.dataset.state === state + location.search) return;
    pages.dataset.state = state + location.search;
    pages.replaceChildren(...[
      page > 1 ? to(page - 1, "← Previous", "prev") : null,
      element("span", {}, `Page ${page} of ${last}`),
      page < last ? to(page + 1, "Next →", "next") : null,
    ].filter(Boolean));
  }

  function showChosen() {
    const keys = selected();
    chosen.hidden = keys.length === 0;
    for (const [key, made] of rows) made.box.checked = keys.includes(key);
    const state = JSON.stringify(keys);
    if (chosen.dataset.state === state) return;
    chosen.dataset.state = state;
    const tooMany = keys.length > MOST_COMPARED ? ` – at most ${MOST_COMPARED} are compared` : "";
    const compares = keys.length > 1 && !tooMany;
    chosen.replaceChildren(...[
      element("span", {}, `${keys.length} selected${tooMany}`),
      compares ? element("a", { class: "button", href: comparisonAddress(keys) }, "Compare") : null,
      button("Clear", () => change({ select: null })),
    ].filter(Boolean));
  }

  function countText() {
    const { there, found } = table;
    if (there === 0 && !table.unread) return "No runs yet: `isolet-nn train quickstart` makes a first one, which appears here by itself.";
    if (found === 0) return "No run fits.";
    const of = found === there ? `${there}` : `${found} of ${there}`;
    const left = table.sweeps_left_out;
    if (table.kind === "groups") {
      return `${of} in ${table.groups} ${table.groups === 1 ? "group" : "groups"}${left ? `; sweeps are left out (${left})` : ""}`;
    }
    const here = table.pages > 1 ? `${of}, of which ${table.first + 1} to ${table.first + table.rows.length} are here` : `${of}${found === there ? " in all" : ""}`;
    return table.unread ? `${here}; ${table.unread} more are being read` : here;
  }

  function show(found) {
    table = found;
    controls.show(table);
    setText(count, countText());
    grid.hidden = table.rows.length === 0;
    showHead();
    if (table.kind === "groups") {
      rows.clear();
      body.replaceChildren(...table.rows.map((row) => groupRow(row, table.columns, table.n_keys)));
    } else {
      const keys = new Set(table.rows.map((row) => row.key));
      for (const key of [...rows.keys()]) if (!keys.has(key)) rows.delete(key);
      setChildren(body, table.rows.map((row) => {
        const made = rowOf(row);
        fill(made, row, table.columns);
        return made.node;
      }));
    }
    showPages();
    showChosen();
  }

  function read() {
    controls.read();
    if (table) {
      showHead();
      showChosen();
    }
    if (asked === documentName()) return;
    asked = documentName();
    stop();
    stop = follow(asked, show, tell);
  }

  read();
  const ages = setInterval(() => table?.kind === "table" && show(table), 10_000);
  return {
    read,
    end: () => {
      stop();
      clearInterval(ages);
    },
  };
}
