// What a person has chosen in a view, such as axes and smoothing, kept in the address.

import { change, parameters } from "./address.js";

const NAME = "set"; // of the parameter; each is a control's name, an equals sign and its value

// The name of a control: that of its section, and the words of its label.
function nameOf(control) {
  const section = control.closest("section")?.querySelector("h2")?.textContent ?? "";
  const label = control.labels?.[0]?.textContent ?? control.getAttribute("aria-label") ?? "";
  return `${section}/${label}`;
}

function valueOf(control) {
  return control.type === "checkbox" ? String(control.checked) : control.value;
}

function kept() {
  const given = parameters().getAll(NAME).map((text) => {
    const end = text.lastIndexOf("=");
    return [text.slice(0, end), text.slice(end + 1)];
  });
  return new Map(given);
}

// Keep the choices of all controls in a place in the address, and make those that it has.
// Controls come in as a view is drawn: each is given its value once, when it is first seen.
export function keepChoices(root) {
  const seen = new WeakSet();
  let isGiving = false;

  function give() {
    const values = kept();
    isGiving = true;
    for (const control of root.querySelectorAll("select, input")) {
      if (seen.has(control)) continue;
      seen.add(control);
      const value = values.get(nameOf(control));
      if (value === undefined || value === valueOf(control)) continue;
      if (control.type === "checkbox") control.checked = value === "true";
      else control.value = value;
      for (const type of ["input", "change"]) control.dispatchEvent(new Event(type, { bubbles: true }));
    }
    isGiving = false;
  }

  function keep(event) {
    if (isGiving) return;
    const values = kept();
    values.set(nameOf(event.target), valueOf(event.target));
    change({ [NAME]: [...values].map(([name, value]) => `${name}=${value}`) }, { replace: true });
  }

  const watcher = new MutationObserver(give);
  watcher.observe(root, { childList: true, subtree: true });
  root.addEventListener("change", keep);
  give();
  return () => {
    watcher.disconnect();
    root.removeEventListener("change", keep);
  };
}
