// A section of another document, which may take its time.

import { element } from "./dom.js";

const SHARE = 50; // times that an answer took, until it is asked for again

/**
 * What `make(doc)` gives, drawn from the document that `nameFor(doc)` names.
 * While the status stays it is asked for no more often than its answers come quickly.
 */
export class Asked {
  constructor(source, nameFor, make) {
    Object.assign(this, { source, nameFor, make });
    this.waiting = element("p", { class: "key" }, "Being computed …");
    this.element = element("div", { "aria-busy": "true" }, this.waiting);
    this.inner = null;
    this.last = null; // what was asked for last, and when it may be asked for again
  }

  async draw(doc) {
    const name = this.nameFor(doc);
    const begun = performance.now();
    if (this.last?.name === name && this.last.status === doc.status && begun < this.last.until) return;
    const asked = { name, status: doc.status, until: Infinity };
    this.last = asked;
    let found;
    try {
      found = await this.source.get(name);
    } catch (error) {
      if (asked === this.last) this.#tell(`Cannot be shown: ${error.message}`);
      return;
    } finally {
      const now = performance.now();
      asked.until = now + SHARE * (now - begun);
    }
    if (asked !== this.last || !this.element.isConnected) return; // or the view has ended
    this.inner ??= this.make(doc);
    this.#show(this.inner.element);
    this.inner.draw(found);
  }

  #tell(text) {
    this.waiting.textContent = text;
    this.#show(this.waiting);
  }

  #show(content) {
    this.element.setAttribute("aria-busy", "false");
    if (this.element.firstChild !== content) this.element.replaceChildren(content);
  }
}
