// SPDX-License-Identifier: MIT
// How it is: in a sentence, in figures, as a map, and over the last minutes.
import {
  card,
  h,
  mark,
  mbit,
  percent,
  picture,
  size,
  table,
  time,
  uplink_kind,
  uplink_name,
} from "./dom.js";
import { map } from "./map.js";
import { chart, legend } from "./plot.js";

export const SECONDS = 300;
const LEAST = 60; // seconds that are shown
const NAMES_MAX = 8;

// One row a second: { at, rates: { NAME: [down, up] } } in bytes per second.
export function note(recent, state) {
  recent.push({
    at: Date.now() / 1000,
    rates: Object.fromEntries(
      state.uplinks.map((u) => [uplink_name(u), [u.down_bytes_per_s, u.up_bytes_per_s]]),
    ),
    rtts: Object.fromEntries(
      state.uplinks.map((u) => [uplink_name(u), u.srtt_us === null ? null : u.srtt_us / 1000]),
    ),
  });
  while (recent.length > SECONDS) recent.shift();
}

function sentence(t, { state, tell }) {
  const kind = { up: "good", degraded: "warn", down: "bad" }[state.state] ?? "quiet";
  return h(
    "section",
    { class: "card hero " + kind },
    h("h2", null, t.now),
    h("p", { class: "sentence" }, tell(state.limit ?? "")),
    h("p", { class: "quiet" }, `${t.since} ${time(state.uptime_us)}`),
  );
}

function tiles(t, { state, tell }) {
  const sum = (key) => state.uplinks.reduce((all, u) => all + u[key], 0);
  const sessions = state.sessions;
  const silent = sessions.reduce((a, x) => (x.silent_us > a.silent_us ? x : a), { silent_us: 0 });
  const of = (name, value, unit, more) =>
    h(
      "div",
      null,
      h("dt", null, name),
      h("dd", null, value, unit ? h("small", null, " " + unit) : null),
      more ? h("dd", { class: "quiet more" }, more) : null,
    );
  const all = (key) => sessions.reduce((n, x) => n + x[key], 0);
  return h(
    "dl",
    { class: "tiles" },
    of(
      "↓ " + t.download,
      mbit(sum("down_bytes_per_s")),
      "Mbit/s",
      `${size(all("down_bytes"))} ${t.ever}`,
    ),
    of(
      "↑ " + t.upload,
      mbit(sum("up_bytes_per_s")),
      "Mbit/s",
      `${size(all("up_bytes"))} ${t.ever}`,
    ),
    of(t.connections, all("streams"), null, `${size(all("memory_bytes"))} ${t.of_memory}`),
    of(
      t.silence,
      silent.silent_us ? time(silent.silent_us) : t.none,
      null,
      silent.silent_us ? `${t.by} ${tell(silent.silent_uplink ?? "?")}` : t.last_minute,
    ),
  );
}

function charts(t, recent) {
  const names = [...new Set(recent.flatMap((row) => Object.keys(row.rates)))].slice(0, NAMES_MAX);
  const now = recent.at(-1)?.at ?? Date.now() / 1000;
  const times = recent.map((row) => row.at);
  const of = (title, key, values, more) =>
    chart(key, {
      title,
      times,
      range: [Math.max(now - SECONDS, Math.min(now - LEAST, times[0] ?? now)), now],
      series: names.map((name, index) => ({
        name,
        index,
        values: recent.map((row) => values(row, name)),
      })),
      ...more,
    });
  const rate = (direction) => (row, name) => ((row.rates[name]?.[direction] ?? 0) * 8) / 1e6;
  return card(
    t.last_minutes,
    legend(names),
    h(
      "div",
      { class: "charts" },
      of(t.download + ", Mbit/s", "live-down", rate(0), { stacked: true }),
      of(t.upload + ", Mbit/s", "live-up", rate(1), { stacked: true }),
      of(t.rtt + ", ms", "live-rtt", (row, name) => row.rtts[name] ?? null, {
        fill: false,
        least: 10,
      }),
    ),
  );
}

const uplink_table = (t, { state, tell }) =>
  card(
    t.uplinks,
    table(
      [
        { text: t.name },
        { text: t.state },
        { text: t.rate, number: true },
        { text: t.rtt, number: true },
        { text: t.loss, number: true },
        { text: t.subflows, number: true },
      ],
      state.uplinks.map((u, i) => [
        [h("span", { class: `key c${i % 8}` }), uplink_name(u)],
        [
          mark(t.states[u.state] ?? u.state, uplink_kind(u.state)),
          u.why ? h("div", { class: "quiet" }, tell(u.why)) : null,
        ],
        `${mbit(u.down_bytes_per_s)} / ${mbit(u.up_bytes_per_s)} Mbit/s`,
        time(u.srtt_us),
        percent(u.retransmitted_ppm),
        `${u.subflows_alive}/${u.subflows_total}`,
      ]),
    ),
  );

export function overview(t, known) {
  const { state, recent } = known;
  const alone = state.sessions.length === 0;
  const nobody = alone && state.role === "concentrator";
  const down = state.role === "gateway" && state.state === "down";
  return [
    sentence(t, known),
    nobody
      ? picture(
          "empty",
          t.no_site,
          t.no_site_more,
          h("a", { class: "button", href: "#/setup" }, t.invite),
        )
      : null,
    down
      ? picture(
          "bad",
          t.no_session,
          t.no_session_more,
          h("a", { class: "button", href: "#/diagnostics" }, t.doctor_go),
        )
      : null,
    nobody ? null : tiles(t, known),
    state.uplinks.length
      ? [card(t.map, map(t, state)), charts(t, recent), uplink_table(t, known)]
      : null,
  ];
}
