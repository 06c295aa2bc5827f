// SPDX-License-Identifier: MIT
// Where the bytes go: LAN, gateway, an arc for each uplink, concentrator, Internet. From
// left to right, or on a telephone from the top down.
import { h, mbit, s, time, uplink_name } from "./dom.js";

const WIDE = { width: 860, row: 80, top: 14 };
const TALL = { width: 350, height: 400 };
const MOST = 12; // uplinks that are drawn

const rate = (u) => u.down_bytes_per_s + u.up_bytes_per_s;
const said = (t, u) =>
  u.state === "up"
    ? `↓ ${mbit(u.down_bytes_per_s)}  ↑ ${mbit(u.up_bytes_per_s)}`
    : (t.states[u.state] ?? u.state);

function box(x, y, width, name, note) {
  return s(
    "g",
    null,
    s("rect", { class: "node", x: x - width / 2, y: y - 24, width, height: 48, rx: 12 }),
    s("text", { x, y: note ? y - 1 : y + 5, "text-anchor": "middle" }, name),
    note ? s("text", { class: "small", x, y: y + 16, "text-anchor": "middle" }, note) : null,
  );
}

// What flows is drawn on it, in moving dashes.
function wire(u, i, d, fastest) {
  const up = u.state === "up",
    busy = up && rate(u) > 12500;
  return [
    s("path", {
      class: `wire c${i % 8} ${up ? "" : "dead"}`,
      "stroke-width": up ? 3 + (9 * rate(u)) / fastest : 2.5,
      d,
    }),
    s("path", {
      class: `flow ${busy ? (u.up_bytes_per_s > u.down_bytes_per_s ? "out" : "in") : "still"}`,
      d,
    }),
  ];
}

function wide(t, state, links, ends) {
  const height = WIDE.top * 2 + Math.max(2, links.length) * WIDE.row,
    middle = height / 2;
  const fastest = Math.max(1, ...links.map(rate));
  return s(
    "svg",
    { class: "map", viewBox: `0 0 ${WIDE.width} ${height}`, "aria-hidden": "true" },
    s("path", { class: "wire c7", "stroke-width": 3, d: `M90 ${middle}H140M700 ${middle}H770` }),
    links.map((u, i) => {
      const y = WIDE.top + ((i + 0.5) * (height - 2 * WIDE.top)) / links.length;
      return wire(
        u,
        i,
        `M230 ${middle}C290 ${middle} 270 ${y} 335 ${y}H525C590 ${y} 570 ${middle} 630 ${middle}`,
        fastest,
      );
    }),
    links.map((u, i) => {
      const y = WIDE.top + ((i + 0.5) * (height - 2 * WIDE.top)) / links.length;
      const more = u.state === "up" ? ` Mbit/s · ${time(u.srtt_us)}` : "";
      return [
        s("text", { x: 430, y: y - 12, "text-anchor": "middle" }, uplink_name(u)),
        s(
          "text",
          { class: "small", x: 430, y: y + 24, "text-anchor": "middle" },
          said(t, u) + more,
        ),
      ];
    }),
    box(50, middle, 92, t.lan),
    box(180, middle, 120, ends.here, ends.note),
    box(680, middle, 124, t.concentrator),
    box(805, middle, 94, t.internet),
  );
}

function tall(t, state, links, ends) {
  const middle = TALL.width / 2,
    step = TALL.width / links.length;
  const fastest = Math.max(1, ...links.map(rate));
  const small = links.length > 3;
  const x_of = (i) => step * (i + 0.5);
  return s(
    "svg",
    { class: "map", viewBox: `0 0 ${TALL.width} ${TALL.height}`, "aria-hidden": "true" },
    s("path", {
      class: "wire c7",
      "stroke-width": 3,
      d: `M${middle - 30} 28H${middle + 30}M${middle - 30} 372H${middle + 40}`,
    }),
    links.map((u, i) =>
      wire(
        u,
        i,
        `M${middle + 70} 52C${middle + 70} 110 ${x_of(i)} 80 ${x_of(i)} 140V260` +
          `C${x_of(i)} 320 ${middle - 70} 290 ${middle - 70} 348`,
        fastest,
      ),
    ),
    links.map((u, i) => {
      const words = [uplink_name(u), said(t, u), u.state === "up" ? time(u.srtt_us) : ""];
      const width = Math.min(step - 6, 128);
      return s(
        "g",
        null,
        s("rect", { class: "plate", x: x_of(i) - width / 2, y: 166, width, height: 68, rx: 10 }),
        words.map((word, n) =>
          s(
            "text",
            {
              class: n || small ? "small" : null,
              x: x_of(i),
              y: 187 + 19 * n,
              "text-anchor": "middle",
            },
            word,
          ),
        ),
      );
    }),
    box(middle - 90, 28, 110, t.lan),
    box(middle + 78, 28, 150, ends.here, ends.note),
    box(middle - 82, 372, 150, t.concentrator),
    box(middle + 92, 372, 120, t.internet),
  );
}

export function map(t, state) {
  const links = state.uplinks.slice(0, MOST);
  const here = state.role === "concentrator" ? t.sites : t.gateway;
  const label = links
    .map((u) => `${uplink_name(u)}: ${t.states[u.state] ?? u.state}, ${said(t, u)}`)
    .join("; ");
  return h(
    "div",
    { class: "map-box", role: "img", "aria-label": label },
    (innerWidth < 640 ? tall : wide)(t, state, links, { here }),
  );
}
