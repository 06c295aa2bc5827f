// SPDX-License-Identifier: MIT
// What was carried, from ten minutes to a year: all uplinks, one, or a device.
import { card, choose, field, h, picture, size, table } from "./dom.js";
import { chart, legend } from "./plot.js";
import { get, order } from "./api.js";

const SPANS = { seconds: 600, minutes: 86400, hours: 31 * 86400, days: 365 * 86400 };
const ALL = "";
const NAMES_MAX = 8;
let level = "seconds",
  subject = ALL;

export const every_ms = 5000;

export async function ask() {
  const all = await get("history");
  const names = all.subjects.filter((x) => x.kind === "uplink").map((x) => x.name);
  const shown = subject === ALL ? names.slice(0, NAMES_MAX) : [subject];
  const series = await Promise.all(
    shown.map(async (name) => JSON.parse(await order("history", [name, "--" + level, "--json"]))),
  );
  return { all, series, level, subject };
}

// By the second of their begin; the slot that is not over yet is left out.
function slots(series, key, scale) {
  const found = new Map();
  series.forEach((one, n) => {
    (one[key] ?? []).slice(0, -1).forEach((v, i) => {
      const at = one.from_s + i * one.step_s;
      if (!found.has(at)) found.set(at, []);
      found.get(at)[n] = v === null ? null : v * scale(one);
    });
  });
  const times = [...found.keys()].sort((a, b) => a - b);
  return {
    times,
    series: series.map((one, index) => ({
      name: one.name,
      index,
      values: times.map((at) => found.get(at)[index] ?? null),
    })),
  };
}

function plots(t, { all, series, level: of }) {
  const now = all.now_s ?? series[0]?.from_s ?? 0;
  const range = [now - SPANS[of], now];
  const rate = (one) => 8 / 1e6 / one.step_s;
  const plot = (key, title, of_key, scale, more) =>
    chart("past-" + key, { title, range, ...slots(series, of_key, scale), ...more });
  const has = (key) => series.some((one) => one[key]?.some((v) => v !== null));
  return h(
    "div",
    { class: "charts" },
    plot("down", `${t.download}, Mbit/s`, "down_bytes", rate, { stacked: true }),
    plot("up", `${t.upload}, Mbit/s`, "up_bytes", rate, { stacked: true }),
    has("rtt_us")
      ? plot("rtt", `${t.rtt}, ms`, "rtt_us", () => 1e-3, { fill: false, least: 10 })
      : null,
    has("loss_ppm")
      ? plot("loss", `${t.loss}, %`, "loss_ppm", () => 1e-4, { fill: false })
      : null,
  );
}

const label = (x) => (x.address ? `${x.address} (${x.name})` : x.name);

function totals(t, { all, level: of }) {
  return card(
    t.totals,
    table(
      [
        { text: t.name },
        { text: t.download, number: true },
        { text: t.upload, number: true },
        { text: t.month, number: true },
      ],
      all.subjects.map((x) => [
        x.kind === "others" ? t.others : label(x),
        size(x[of].down_bytes),
        size(x[of].up_bytes),
        x.month_bytes === null
          ? "–"
          : [
              size(x.month_bytes) + (x.cap_bytes ? ` / ${size(x.cap_bytes)}` : ""),
              x.cap_bytes
                ? h("progress", {
                    max: x.cap_bytes,
                    value: Math.min(x.cap_bytes, x.month_bytes),
                    "aria-label": t.month,
                  })
                : null,
            ],
      ]),
    ),
  );
}

export function history(t, known) {
  const { data } = known;
  const pick = (change) => {
    change();
    known.again();
  };
  if (!data) return picture("loading", t.loading);
  const subjects = data.all.subjects;
  return [
    card(
      null,
      h(
        "div",
        { class: "row" },
        choose(
          t.how_long,
          Object.keys(SPANS).map((value) => ({ value, text: t.levels[value] })),
          level,
          (v) => pick(() => (level = v)),
        ),
        field(
          t.whose,
          h(
            "select",
            { onchange: (event) => pick(() => (subject = event.target.value)) },
            h("option", { value: ALL }, t.all_uplinks),
            subjects
              .filter((x) => x.kind !== "others")
              .map((x) => h("option", { value: x.name }, label(x))),
          ),
        ),
      ),
      data.all.unsaved
        ? h("p", { class: "warn" }, `${t.unsaved}: ${known.tell(data.all.unsaved)}`)
        : null,
    ),
    data.series.length
      ? card(
          null,
          data.series.length > 1 ? legend(data.series.map((x) => x.name)) : null,
          plots(t, data),
        )
      : picture("empty", t.no_history, t.no_history_more),
    totals(t, data),
  ];
}
