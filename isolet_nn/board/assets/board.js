// Which view an address is of; the views of runs and sweeps are those of every page.

import { parameters, start, whenChanged } from "./address.js";
import { setText } from "./elements.js";
import { NoAnswer, Refusal } from "./source.js";
import { tableView } from "./table.js";
import { documentView } from "./documents.js";

const main = document.getElementById("main");
const trouble = document.getElementById("trouble");
const liveness = document.getElementById("liveness");
let shown = null; // the view, and what it is of

function setTitle(title) {
  document.title = `${title} – isolet-nn`;
}

// What keeps a document from coming; null when one came.
function tell(error) {
  let text = "";
  if (error instanceof Refusal) text = error.message;
  else if (error instanceof NoAnswer) text = "The board does not answer: it has ended, or the way to it is broken. What is shown is as it was; start `isolet-nn board` again, and this page goes on.";
  else if (error) throw error;
  setText(trouble, text);
  trouble.hidden = text === "";
  setText(liveness, error instanceof NoAnswer ? "not live" : "live");
}

function show() {
  const path = location.pathname;
  const key = path === "/" ? "/" : path + JSON.stringify(parameters().getAll("of"));
  if (shown?.key === key) {
    shown.view.read();
    return;
  }
  shown?.view.end();
  const isFirst = shown === null;
  tell(null);
  main.replaceChildren();
  const make = path === "/" ? tableView : documentView;
  shown = { key, view: make({ main, tell, setTitle }) };
  if (!isFirst) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

whenChanged(show);
start();
show();
