// SPDX-License-Identifier: MIT
// Elements, how they take the place of others, and numbers for people.
const SVG = "http://www.w3.org/2000/svg";

const dispatch = (event) => event.currentTarget.handlers?.[event.type]?.(event);

function handle(element, handlers) {
  element.handlers = handlers;
  for (const type of Object.keys(handlers ?? {})) element.addEventListener(type, dispatch);
}

// h("td", { class: "number" }, "text", element ...). Texts are never markup. mount:
// what it holds is drawn by that function alone, after each look.
function make(element, attributes, children) {
  const handlers = {};
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name === "mount") element.mount = value;
    else if (name === "key") element.key = value;
    else if (name.startsWith("on")) handlers[name.slice(2)] = value;
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : value);
  }
  handle(element, handlers);
  element.append(
    ...children
      .flat(9)
      .filter((c) => c !== null && c !== undefined && c !== false)
      .map((c) => (typeof c === "number" ? String(c) : c)),
  );
  return element;
}
export const h = (name, attributes, ...children) =>
  make(document.createElement(name), attributes, children);
export const s = (name, attributes, ...children) =>
  make(document.createElementNS(SVG, name), attributes, children);

// The children become those: what is alike stays, with what a person does in it.
const alike = (a, b) => a.nodeName === b.nodeName && a.key === b.key;
const KEPT = { DETAILS: ["open"], DIALOG: ["open"] };

function renew(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes])
    if (!fresh.hasAttribute(name) && !KEPT[old.nodeName]?.includes(name))
      old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  handle(old, fresh.handlers);
  old.mount = fresh.mount;
  if (!fresh.mount) replace(old, [...fresh.childNodes]);
}

function replace(parent, fresh) {
  const olds = [...parent.childNodes];
  fresh.forEach((node, i) => {
    if (!olds[i]) parent.append(node);
    else if (alike(olds[i], node)) renew(olds[i], node);
    else olds[i].replaceWith(node);
  });
  olds.slice(fresh.length).forEach((node) => node.remove());
}

export function show(parent, elements) {
  replace(parent, elements.flat(9).filter(Boolean));
  for (const element of parent.querySelectorAll("[data-mount]")) element.mount(element);
}

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

// heads: { text, number }. A telephone has each row as a card, so each cell is named.
export function table(heads, rows, caption) {
  return h(
    "table",
    null,
    caption ? h("caption", null, caption) : null,
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        heads.map((head) =>
          h(
            head.text ? "th" : "td", // over what has no name of its own: buttons
            { scope: head.text ? "col" : null, class: head.number ? "number" : null },
            head.text,
          ),
        ),
      ),
    ),
    h(
      "tbody",
      null,
      rows.map((row) =>
        h(
          "tr",
          null,
          row.map((cell, i) =>
            h(
              "td",
              { class: heads[i].number ? "number" : null, "data-name": heads[i].text || null },
              h("div", null, cell),
            ),
          ),
        ),
      ),
    ),
  );
}

export const card = (title, ...content) =>
  h("section", { class: "card" }, title ? h("h2", null, title) : null, content);

// A state in words and a sign, readable without colour.
export function mark(word, kind) {
  const signs = { good: "●", warn: "◐", bad: "○", quiet: "–" };
  return h("span", { class: "mark " + kind }, `${signs[kind]} ${word}`);
}
export const uplink_kind = (state) =>
  ({ up: "good", disabled: "quiet", down: "bad" })[state] ?? "warn";
export const uplink_name = (u) => (u.site ? `${u.site}/${u.name}` : u.name);

// A picture of a state: loading, empty, bad, locked.
const PICTURES = {
  loading: ["M8 32a24 24 0 0 1 24-24", "M56 32a24 24 0 0 1-24 24"],
  empty: ["M8 20c12 0 12 12 24 12", "M8 32h24", "M8 44c12 0 12-12 24-12", "M40 32h16"],
  bad: ["M8 32h16", "M40 32h16", "M26 24l12 16", "M38 24l-12 16"],
  locked: ["M20 30v-8a12 12 0 0 1 24 0v8", "M14 30h36v24h-36z", "M32 39v7"],
  good: ["M8 32h10", "M46 32h10", "M22 32l7 8 14-16"],
};
export const picture = (kind, title, ...more) =>
  h(
    "section",
    { class: "card picture " + kind },
    s(
      "svg",
      { viewBox: "0 0 64 64", "aria-hidden": "true" },
      PICTURES[kind].map((d) => s("path", { d })),
    ),
    h("strong", null, title),
    more.map((part) => (typeof part === "string" ? h("p", null, part) : part)),
  );

// What a table cannot say in words: which part is whose. parts: { name, bytes }.
export function share(parts, names) {
  const all = parts.reduce((sum, p) => sum + p.bytes, 0);
  if (!all) return "–";
  const of = (p) => Math.round((100 * p.bytes) / all);
  let x = 0;
  return h(
    "span",
    { class: "share" },
    s(
      "svg",
      { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
      parts.map((p) => {
        const at = x,
          width = (100 * p.bytes) / all;
        x += width;
        const i = Math.max(0, names.indexOf(p.name)) % 8;
        return s("rect", { class: `c${i}`, x: at, y: 0, width, height: 10 });
      }),
    ),
    parts.map((p) => `${p.name} ${of(p)} %`).join(", "),
  );
}

// One of several, by buttons: choices are { value, text }.
export const choose = (label, choices, now, on_choice) =>
  h(
    "div",
    { class: "choose", role: "group", "aria-label": label },
    choices.map((c) =>
      h(
        "button",
        {
          type: "button",
          "aria-pressed": c.value === now ? "true" : "false",
          onclick: () => on_choice(c.value),
        },
        c.text,
      ),
    ),
  );

// A file of this browser's, which asks nobody for it.
export function save(name, type, text) {
  const link = h("a", {
    href: URL.createObjectURL(new Blob([text], { type })),
    download: name,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export const field = (label, input) => h("label", null, label, input);
export const said = (text) => (text ? h("pre", { role: "status" }, text) : null);
