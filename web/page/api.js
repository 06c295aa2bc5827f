// SPDX-License-Identifier: MIT
// The daemon's answers. The secret is kept by this browser, and sent in a header.
const KEY = "aggd-secret";
const LOOK_MS = 500;

export function takeSecretFromAddress() {
  const match = /^#secret=([\w-]+)$/.exec(location.hash);
  if (!match) return;
  localStorage.setItem(KEY, match[1]);
  history.replaceState(null, "", location.pathname + "#/overview");
}

export const secret = () => localStorage.getItem(KEY);
export const setSecret = (text) => localStorage.setItem(KEY, text.trim());
export const forgetSecret = () => localStorage.removeItem(KEY);

async function ask(path, options = {}) {
  const answer = await fetch(path, {
    ...options,
    headers: { Authorization: "Bearer " + (secret() ?? "") },
  });
  if (answer.ok) return answer;
  const error = new Error((await answer.text()).trim() || answer.statusText);
  error.status = answer.status;
  throw error;
}

export const get = async (verb) => (await ask("/api/" + verb)).json();

// Words may hold anything but a line end.
const post = (verb, words) => ask("/api/" + verb, { method: "POST", body: words.join("\n") });
export const order = async (verb, words = []) => (await post(verb, words)).text();

// Begins what takes longer; on_text gets what it says so far. What it says in the end.
export async function follow(verb, begin, show, on_text) {
  await order(verb, begin);
  for (;;) {
    const answer = await post(verb, show);
    const text = await answer.text();
    if (answer.status !== 202) return text;
    on_text(text);
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
}

// The configuration in force: [{ type, name, KEY: value or [values] }]; a list of names
// is names.
export async function sections() {
  const found = [];
  for (const line of (await order("sections")).split("\n")) {
    const [, word, key, value = ""] = /^\s*(\w+) (\S+)(?: '(.*)')?$/.exec(line) ?? [];
    const last = found.at(-1);
    if (word === "config") found.push({ type: key, name: value });
    else if (word === "option") last[key] = value;
    else if (word === "list") (last[key === "name" ? "names" : key] ??= []).push(value);
  }
  return found;
}

// Calls on_event with each state, until the connection ends; then throws.
export async function events(on_event) {
  const reader = (await ask("/api/events")).body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ;) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the end");
    const parts = (text + value).split("\n\n");
    text = parts.pop();
    const last = parts.findLast((part) => part.startsWith("data: "));
    if (last) on_event(JSON.parse(last.slice(6)));
  }
}
