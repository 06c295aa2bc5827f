// SPDX-License-Identifier: MIT
// Throughput of the last minutes, stacked by uplink, by uPlot. The plots live as long
// as the page does, so that a new second only gives them new numbers.
import { h } from "./dom.js";

export const SECONDS = 300;
const HEIGHT = 190;
const plots = new Map(); // by direction: { box, plot, names }

// One row a second: { at, rates: { NAME: [down, up] } } in bytes per second.
export function note(history, state) {
  const rates = Object.fromEntries(
    state.uplinks.map((u) => [
      u.site ? `${u.site}/${u.name}` : u.name,
      [u.down_bytes_per_s, u.up_bytes_per_s],
    ]),
  );
  history.push({ at: Date.now() / 1000, rates });
  while (history.length > SECONDS) history.shift();
}

// Each name's line stands on those before it; drawn from the top one down.
function stack(history, names, direction) {
  const sums = history.map(() => 0);
  return names.map((name) =>
    history.map((row, i) => {
      sums[i] += ((row.rates[name]?.[direction] ?? 0) * 8) / 1e6;
      return sums[i];
    }),
  );
}

const colour = (i) =>
  getComputedStyle(document.documentElement)
    .getPropertyValue(`--c${i % 8}`)
    .trim();

function make(entry, names, title) {
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--quiet").trim();
  const axis = { stroke: ink, grid: { stroke: ink + "22" }, ticks: { show: false } };
  entry.names = names.join("\n");
  entry.box.replaceChildren();
  entry.plot = new window.uPlot(
    {
      title,
      width: Math.max(240, entry.box.clientWidth || 320),
      height: HEIGHT,
      cursor: { show: false },
      legend: { show: false },
      scales: {
        x: { range: (u, first, last) => [(last ?? Date.now() / 1000) - SECONDS, last] },
        y: { range: (u, low, high) => [0, Math.max(1, high * 1.1)] },
      },
      axes: [axis, { ...axis, size: 44 }],
      series: [
        {},
        ...names.map((name, i) => ({
          label: name,
          stroke: colour(i),
          fill: colour(i) + "33",
          width: 1.5,
          points: { show: false },
        })),
      ],
    },
    [[], ...names.map(() => [])],
    entry.box,
  );
}

function draw(direction, title, history, names) {
  if (!plots.has(direction))
    plots.set(direction, { box: h("div", { class: "chart" }), names: null });
  const entry = plots.get(direction);
  requestAnimationFrame(() => {
    if (entry.names !== names.join("\n")) make(entry, names, title);
    const width = entry.box.clientWidth;
    if (width && Math.abs(width - entry.plot.width) > 2)
      entry.plot.setSize({ width, height: HEIGHT });
    entry.plot.setData([history.map((row) => row.at), ...stack(history, names, direction)]);
  });
  return entry.box;
}

export function charts(t, history) {
  if (!window.uPlot) return h("section", { class: "card quiet" }, t.no_chart);
  const names = [...new Set(history.flatMap((row) => Object.keys(row.rates)))].slice(0, 8);
  return h(
    "section",
    { class: "card" },
    h("h2", null, t.last_minutes),
    h(
      "div",
      { class: "charts" },
      draw(0, t.download, history, names),
      draw(1, t.upload, history, names),
    ),
  );
}
