// SPDX-License-Identifier: MIT
// Charts over time: by uPlot, where the build has it, else by a few lines of our own.
// A chart lives as long as its element, so that a new second only gives it new numbers.
import { h, s } from "./dom.js";

const HEIGHT = 190,
  LEFT = 46,
  BOTTOM = 22,
  LINES = 4;

export const ink = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const colour = (i) => ink(`c${i % 8}`);
const two = (n) => String(n).padStart(2, "0");

// What stands under the axis depends on how much of it is seen.
function clock(at_s, span_s) {
  const d = new Date(at_s * 1000);
  if (span_s > 40 * 86400) return `${two(d.getMonth() + 1)}/${String(d.getFullYear()).slice(2)}`;
  if (span_s > 2 * 86400) return `${two(d.getDate())}.${two(d.getMonth() + 1)}.`;
  const text = `${two(d.getHours())}:${two(d.getMinutes())}`;
  return span_s < 1200 && d.getSeconds() ? `${text}:${two(d.getSeconds())}` : text;
}

// Each series stands on those before it.
function pile(data) {
  const sums = data.times.map(() => 0);
  return data.series.map((one) =>
    one.values.map((v, i) => {
      sums[i] += v ?? 0;
      return sums[i];
    }),
  );
}
const lines_of = (data) => (data.stacked ? pile(data) : data.series.map((one) => one.values));

function top_of(lines, least) {
  const most = lines.flat().reduce((a, v) => Math.max(a, v ?? 0), 0);
  if (most <= least) return least;
  const step = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 3, 4, 6, 8, 10].map((n) => n * step).find((n) => n >= most);
}

// Ours: a polygon a series, and a few lines to read it by.
function draw(element, data) {
  const width = Math.max(220, element.clientWidth || 320),
    right = width - 8,
    low = HEIGHT - BOTTOM;
  const lines = lines_of(data),
    top = top_of(lines, data.least ?? 1);
  const [from, to] = data.range;
  const x = (at) => LEFT + ((right - LEFT) * (at - from)) / (to - from || 1);
  const y = (v) => low - ((low - 10) * v) / top;
  const parts = [];
  for (let i = 0; i <= LINES; i++) {
    const v = (top * i) / LINES;
    parts.push(
      s("path", { class: "grid", d: `M${LEFT} ${y(v)}H${right}` }),
      s("text", { x: LEFT - 6, y: y(v) + 4, "text-anchor": "end" }, +v.toFixed(2)),
    );
  }
  const marks = width < 420 ? 2 : 4;
  for (let i = 0; i <= marks; i++) {
    const at = from + ((to - from) * i) / marks;
    const anchor = i === 0 ? "start" : i === marks ? "end" : "middle";
    parts.push(
      s("text", { x: x(at), y: HEIGHT - 5, "text-anchor": anchor }, clock(at, to - from)),
    );
  }
  const seen = data.times.map((at, i) => i).filter((i) => data.times[i] >= from);
  const path = (values, points) =>
    points.map((i, n) => `${n ? "L" : "M"}${x(data.times[i])} ${y(values[i] ?? 0)}`).join("");
  lines.forEach((values, n) => {
    const under = n && data.stacked ? lines[n - 1] : values.map(() => 0);
    const points = data.stacked ? seen : seen.filter((i) => values[i] !== null);
    if (points.length < 2) return;
    const back = [...points].reverse().map((i) => `L${x(data.times[i])} ${y(under[i])}`);
    const c = `c${data.series[n].index % 8}`;
    if (data.fill !== false)
      parts.push(
        s("path", { class: `area ${c}`, d: `${path(values, points)}${back.join("")}Z` }),
      );
    parts.push(s("path", { class: `line ${c}`, d: path(values, points) }));
  });
  element.replaceChildren(
    s(
      "svg",
      { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, "aria-hidden": "true" },
      parts,
    ),
  );
}

// Each uPlot listens to the window as long as it is not ended: those whose page was left, are.
const shown = new Set();
function end_others() {
  for (const element of shown)
    if (!element.isConnected) {
      element.plot.destroy();
      shown.delete(element);
    }
}

function by_uplot(element, data) {
  end_others();
  const shape = JSON.stringify([data.series.map((one) => [one.name, one.index]), ink("quiet")]);
  const width = Math.max(220, element.clientWidth || 320);
  element.range = data.range;
  if (element.shape !== shape) {
    const axis = {
      stroke: ink("quiet"),
      font: "12px system-ui",
      grid: { stroke: ink("line"), width: 1 },
      ticks: { show: false },
    };
    element.shape = shape;
    element.plot?.destroy();
    element.replaceChildren();
    shown.add(element);
    element.plot = new window.uPlot(
      {
        width,
        height: HEIGHT,
        padding: [10, 8, 0, 0],
        cursor: { y: false, points: { size: 6 } },
        legend: { show: false },
        scales: {
          x: { range: () => element.range },
          y: { range: (u, low, high) => [0, top_of([[high]], data.least ?? 1)] },
        },
        axes: [
          {
            ...axis,
            size: 26,
            space: 70,
            values: (u, ticks) =>
              ticks.map((at) => clock(at, element.range[1] - element.range[0])),
          },
          { ...axis, size: LEFT },
        ],
        bands: data.stacked
          ? data.series.slice(1).map((one, i) => ({ series: [i + 2, i + 1] }))
          : [],
        series: [
          {},
          ...data.series.map((one) => ({
            label: one.name,
            stroke: colour(one.index),
            fill: data.fill === false ? null : colour(one.index) + "66",
            width: 1.5,
            points: { show: false },
            spanGaps: false,
          })),
        ],
      },
      [[], ...data.series.map(() => [])],
      element,
    );
  }
  if (Math.abs(width - element.plot.width) > 2) element.plot.setSize({ width, height: HEIGHT });
  element.plot.setData([data.times, ...lines_of(data)]);
}

// data: { title, times, series: [{ name, index, values }], range, stacked, fill, least }.
// What a chart shows is told in words, too.
export function chart(key, data) {
  const now = data.series.map((one) => `${one.name} ${+(one.values.at(-1) ?? 0).toFixed(1)}`);
  return h(
    "figure",
    { key, class: "chart" },
    h("figcaption", null, data.title),
    h("div", {
      "data-mount": key,
      role: "img",
      "aria-label": `${data.title}: ${now.join(", ")}`,
      mount: (element) => (window.uPlot ? by_uplot : draw)(element, data),
    }),
  );
}

export const legend = (names) =>
  h(
    "ul",
    { class: "legend" },
    names.map((name, i) => h("li", null, h("span", { class: `key c${i % 8}` }), name)),
  );
