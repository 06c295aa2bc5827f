// SPDX-License-Identifier: MIT
// Elements, and numbers for people.
const SVG = "http://www.w3.org/2000/svg";

// h("td", { class: "number" }, "text", element ...). Texts are never markup.
function make(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((c) => c !== null && c !== undefined));
  return element;
}
export const h = (name, attributes, ...children) =>
  make(document.createElement(name), attributes, children);
export const s = (name, attributes, ...children) =>
  make(document.createElementNS(SVG, name), attributes, children);

export function mbit(bytes_per_s) {
  const n = (bytes_per_s * 8) / 1e6;
  return n < 0.05 ? "0" : n < 10 ? n.toFixed(1) : String(Math.round(n));
}
export function size(n) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return `${i && n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}
export function time(us) {
  if (us === null || us === undefined) return "–";
  const seconds = us / 1e6;
  if (seconds < 1) return `${(us / 1000).toFixed(us < 10000 ? 1 : 0)} ms`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86400)} d`;
}
export const percent = (ppm) =>
  ppm === null || ppm === undefined ? "–" : (ppm / 10000).toFixed(1) + " %";

export function table(heads, rows, caption) {
  const cells = (kind, row) =>
    h(
      "tr",
      null,
      row.map((cell, i) =>
        h(
          kind,
          { class: heads[i].number ? "number" : null, scope: kind === "th" ? "col" : null },
          cell,
        ),
      ),
    );
  return h(
    "div",
    { class: "card" },
    h(
      "table",
      null,
      caption ? h("caption", null, caption) : null,
      h(
        "thead",
        null,
        cells(
          "th",
          heads.map((head) => head.text),
        ),
      ),
      h(
        "tbody",
        null,
        rows.map((row) => cells("td", row)),
      ),
    ),
  );
}

// A state in words and a sign, readable without colour.
export function mark(word, kind) {
  const signs = { good: "●", warn: "◐", bad: "○", quiet: "–" };
  return h("span", { class: "mark " + kind }, `${signs[kind]} ${word}`);
}
export const uplink_kind = (state) =>
  ({ up: "good", disabled: "quiet", down: "bad" })[state] ?? "warn";
