// What the table is searched, filtered, grouped by, and which columns it has.

import { addressOf, change, parameters } from "./address.js";
import { button, element, setChildren, setText } from "./elements.js";

const TYPING = 300; // milliseconds without a key, after which what was typed counts
const STATUSES = ["running", "completed", "interrupted", "failed", "killed", "damaged"];

function box(id, attributes) {
  return element("input", { id, type: "text", autocomplete: "off", spellcheck: "false", autocapitalize: "none", ...attributes });
}

// A labelled box, of which what was typed counts once Enter or the button is pressed.
function form(label, input, word, onSubmit) {
  const made = element("form", { role: word === null ? "search" : null },
    element("label", { class: "field" }, element("span", {}, label), input),
    word === null ? null : element("button", { type: "submit" }, word));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    onSubmit();
  });
  return made;
}

export function makeControls() {
  let typing = null;
  const suggestions = element("datalist", { id: "columns-there" });
  const search = box("search", { type: "search" });
  const filter = box("filter", { list: "columns-there", placeholder: "test_accuracy>95%" });
  const group = box("group", { list: "columns-there", placeholder: "settings" });
  const columns = box("columns", { placeholder: "the usual ones" });
  const chips = element("ul", { class: "chips", "aria-label": "Filters" });
  const statuses = element("p", { class: "statuses", role: "group", "aria-label": "Filter by status" });
  const readings = element("p", { class: "soft" });
  const names = element("p", { class: "soft names" });

  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      if (search.isConnected) change({ search: search.value, page: null }, { replace: true });
    }, TYPING);
  });
  const filterForm = form("Filter", filter, "Add", () => {
    const wanted = filter.value.trim();
    filter.value = "";
    if (wanted) change({ filter: [...new Set([...parameters().getAll("filter"), wanted])], page: null });
  });
  const groupForm = form("Group by", group, "Group", () => apply("group", group));
  const columnsForm = form("Columns", columns, "Show", () => apply("columns", columns));
  function apply(name, input) {
    change({ [name]: input.value.replaceAll(" ", ""), sort: null, reverse: null, page: null });
  }

  const overSeeds = element("a", { href: "/?group=settings" }, "Group over seeds");
  const more = element("details", { class: "more" },
    element("summary", {}, "Group and columns"), groupForm, columnsForm, names);
  const node = element("div", { class: "asking" },
    statuses, form("Search", search, null, () => {}), filterForm, overSeeds, more, chips, readings, suggestions);

  // Show what the address says.
  function read() {
    const given = parameters();
    for (const [input, name] of [[search, "search"], [group, "group"], [columns, "columns"]]) {
      const value = given.get(name) ?? "";
      if (input.value !== value && document.activeElement !== input) input.value = value;
    }
    const filters = given.getAll("filter");
    chips.hidden = filters.length === 0;
    setChildren(chips, filters.map((text) => {
      const others = filters.filter((one) => one !== text);
      const remove = () => change({ filter: others, page: null });
      return element("li", {}, button(`${text} ×`, remove, { "aria-label": `Remove the filter ${text}` }));
    }));
    const isGrouped = given.get("group") === "settings";
    setText(overSeeds, isGrouped ? "Single runs" : "Group over seeds");
    const other = new URLSearchParams(given);
    for (const name of ["sort", "reverse", "page"]) other.delete(name);
    if (isGrouped) other.delete("group");
    else other.set("group", "settings");
    overSeeds.setAttribute("href", addressOf("/", other));
    if (given.get("columns") || (given.get("group") && !isGrouped)) more.open = true;
  }

  // Show what a document says.
  function show(table) {
    const present = STATUSES.filter((status) => table.statuses[status]);
    const filters = parameters().getAll("filter");
    const state = JSON.stringify([table.statuses, filters]);
    if (statuses.dataset.state !== state) showStatuses(present, filters, table);
    statuses.dataset.state = state;
    statuses.hidden = present.length === 0;
    setText(readings, table.readings.join("; "));
    const there = [...table.known_columns, ...table.settings];
    if (suggestions.children.length !== there.length) {
      setChildren(suggestions, there.map((name) => element("option", { value: name })));
    }
    const differing = table.varying.length ? `Settings that differ: ${table.varying.join(", ")}.` : "";
    setText(names, `Names of columns or settings, with commas between them. ${differing}`);
  }

  function showStatuses(present, filters, table) {
    const place = [...statuses.children].indexOf(document.activeElement);
    setChildren(statuses, present.map((status) => {
      const wanted = `status=${status}`;
      const isOn = filters.includes(wanted);
      const others = filters.filter((text) => !text.startsWith("status="));
      const toggle = () => change({ filter: isOn ? others : [...others, wanted], page: null });
      const words = `${table.statuses[status]} ${status}`;
      return button(words, toggle, { class: `badge ${status}`, "aria-pressed": isOn });
    }));
    statuses.children[place]?.focus();
  }

  return { node, read, show };
}
