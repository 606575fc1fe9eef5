// The view of a run, a sweep, a search or a comparison: drawn by the views that every page has.

import { documentName, show } from "/assets/pages/views.js";
import { parameters } from "./address.js";
import { keepChoices } from "./choices.js";
import { element } from "./elements.js";
import { follow, NoAnswer, source } from "./source.js";

let plotly = null; // the promise that its script has run

// Plotly writes styles into the page as it begins, which the board's policy forbids. Its own rules
// go into this sheet, which it finds by its name; those of its maps, of which there are none here,
// go nowhere.
function loadPlotly() {
  plotly ??= new Promise((resolve, reject) => {
    const place = document.createElement("meta");
    place.id = "plotly.js-style-global";
    place.sheet = new CSSStyleSheet();
    document.adoptedStyleSheets.push(place.sheet);
    const script = document.createElement("script");
    script.src = "/assets/plotly.min.js";
    const create = document.createElement;
    document.createElement = (name, ...rest) => create.call(document, name === "style" ? "meta" : name, ...rest);
    const end = (settle, value) => () => {
      delete document.createElement;
      settle(value);
    };
    script.addEventListener("load", end(resolve));
    script.addEventListener("error", end(reject, new NoAnswer("Plotly's script did not come")));
    document.head.append(place, script);
  });
  return plotly;
}

// Plotly sets the styles of elements as attributes, which the policy forbids too, where the same by
// their properties may be done.
const setAttribute = Element.prototype.setAttribute;
Element.prototype.setAttribute = function set(name, value) {
  if (name === "style") this.style.cssText = value;
  else setAttribute.call(this, name, value);
};

const links = {
  link: (name) => `/${name}`,
  file: (path, name) => `/files/${[path, ...name.split("/")].map(encodeURIComponent).join("/")}`,
};

export function documentView({ main, tell, setTitle }) {
  const name = documentName(location.pathname.slice(1), ...parameters().getAll("of"));
  let view = null;
  let isOver = false;

  async function draw(content) {
    if (view !== null) {
      view.update(content);
      return;
    }
    await loadPlotly();
    if (isOver) return;
    const first = { ...source, ...links, get: async (wanted) => (wanted === name ? content : source.get(wanted)) };
    view = await show(main, first, name);
    setTitle(content.name ?? "Comparison");
  }

  function tellOf(error) {
    tell(error);
    waiting.hidden = error !== null;
  }

  const waiting = element("p", { class: "soft" }, "Loading …");
  main.replaceChildren(waiting);
  loadPlotly().catch(tellOf); // while the document is made
  const forget = keepChoices(main);
  const stop = follow(name, draw, tellOf);
  return {
    read: () => {},
    end: () => {
      isOver = true;
      stop();
      forget();
    },
  };
}
