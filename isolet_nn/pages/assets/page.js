// A page that holds its own documents: it needs no server and no network.

import { show } from "./views.js";

/** The text of an element that holds it deflated, in base64. */
async function unpacked(id) {
  const packed = atob(document.getElementById(id).textContent);
  const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}

function run(script) {
  const element = document.createElement("script");
  element.textContent = script;
  document.head.append(element);
}

const main = document.querySelector("main");
run(await unpacked("plotly"));
const documents = new Map(Object.entries(JSON.parse(await unpacked("documents"))));
const first = documents.keys().next().value;
const source = {
  get: async (name) => {
    if (!documents.has(name)) throw new Error("this page does not hold it");
    return documents.get(name);
  },
  link: (name) => (documents.has(name) ? `#${name}` : null),
  file: () => null,
};
const back = document.querySelector("#back");

async function showAsked() {
  const asked = location.hash.slice(1);
  const name = documents.has(asked) ? asked : first;
  back.hidden = name === first;
  await show(main, source, name);
  document.title = document.querySelector("h1").innerText.replace(/\s+/g, " ");
  if (name !== first) scrollTo(0, 0);
}

globalThis.addEventListener("hashchange", showAsked);
await showAsked();
