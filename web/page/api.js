// SPDX-License-Identifier: MIT
// The daemon's answers. The secret is kept by this browser, and sent in a header.
const KEY = "aggd-secret";

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
export async function order(verb, words = []) {
  return (await ask("/api/" + verb, { method: "POST", body: words.join("\n") })).text();
}

// Begins what takes longer; on_text gets where it is, until its result is there.
export async function follow(verb, begin, show, on_text) {
  await order(verb, begin);
  for (;;) {
    const answer = await ask("/api/" + verb, { method: "POST", body: show.join("\n") });
    on_text(await answer.text());
    if (answer.status !== 202) return;
    await new Promise((done) => setTimeout(done, 500));
  }
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
