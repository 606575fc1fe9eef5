// The address says all that is shown: a link to it shows the same, and the back button goes back.

const listeners = [];

export function parameters() {
  return new URLSearchParams(location.search);
}

// The address of a page; of several values of one name each has its own place.
export function addressOf(path, given) {
  const text = new URLSearchParams(given).toString();
  return text ? `${path}?${text}` : path;
}

export function go(address, { replace = false } = {}) {
  if (address !== location.pathname + location.search) {
    history[replace ? "replaceState" : "pushState"](null, "", address);
  }
  listeners.forEach((listener) => listener());
}

// A change of some parameters of this page; null and empty values go.
export function change(changes, options) {
  const given = parameters();
  for (const [name, value] of Object.entries(changes)) {
    given.delete(name);
    for (const one of [value].flat()) if (one !== null && one !== "") given.append(name, one);
  }
  go(addressOf(location.pathname, given), options);
}

export function whenChanged(listener) {
  listeners.push(listener);
}

export function start() {
  addEventListener("popstate", () => listeners.forEach((listener) => listener()));
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (!link || !isPlain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
    const to = new URL(link.href);
    const isHere = to.origin === location.origin && !/^\/(files|documents|assets)\//.test(to.pathname);
    if (!isHere || (to.hash && to.pathname + to.search === location.pathname + location.search)) return;
    event.preventDefault();
    go(to.pathname + to.search + to.hash);
  });
}
