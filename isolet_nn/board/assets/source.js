// Documents from the board, each asked for again when it may have changed.

const known = new Map(); // the last answer to each address: its tag, and the document
const MOST_KNOWN = 20;

export class Refusal extends Error {}

export class NoAnswer extends Error {}

// The browser keeps the last answer, and asks whether it still holds.
async function answerTo(address) {
  try {
    const response = await fetch(address, { cache: "no-cache" });
    return [response, await response.text()];
  } catch (error) {
    throw new NoAnswer(error.message);
  }
}

async function ask(address) {
  const [response, text] = await answerTo(address);
  if (!response.ok) throw new Refusal(refusalIn(text));
  const tag = response.headers.get("ETag");
  const pollAfter = Number(response.headers.get("Poll-After")) || 2;
  const before = known.get(address);
  if (before?.tag === tag) return { ...before, pollAfter, isNew: false };
  const answer = { tag, content: JSON.parse(text) };
  known.delete(address);
  known.set(address, answer);
  if (known.size > MOST_KNOWN) known.delete(known.keys().next().value);
  return { ...answer, pollAfter, isNew: true };
}

function refusalIn(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return text; // the guard says it plainly
  }
}

// What views ask for documents by name.
export const source = {
  get: async (name) => (await ask(`/documents/${name}`)).content,
};

// Calls `show` with a document now and whenever it is another one, until the returned function is
// called. Nothing is asked for while nobody can see it. `tell` hears how that goes.
export function follow(name, show, tell) {
  let timer = null;
  let isOver = false;
  let isAsking = false;
  let isShown = false;

  async function look() {
    clearTimeout(timer);
    if (isOver || isAsking || document.hidden) return;
    isAsking = true;
    let wait = 2;
    try {
      const answer = await ask(`/documents/${name}`);
      wait = answer.pollAfter;
      if (isOver) return;
      if (answer.isNew || !isShown) await show(answer.content);
      isShown = true;
      tell(null);
    } catch (error) {
      if (!isOver) tell(error);
      wait = 5;
    } finally {
      isAsking = false;
      if (!isOver) timer = setTimeout(look, 1000 * wait);
    }
  }

  document.addEventListener("visibilitychange", look);
  look();
  return () => {
    isOver = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  };
}
