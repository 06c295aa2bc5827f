// SPDX-License-Identifier: MIT
// The pages. Each is a function of what is known to elements.
import { h, mark, mbit, percent, s, size, table, time, uplink_kind } from "./dom.js";
import { follow, get, order } from "./api.js";
import { charts } from "./chart.js";

const MAP = { width: 720, row: 62, top: 26 };

function empty(title, more) {
  return h("div", { class: "card empty" }, h("strong", null, title), more);
}

export function sentence(t, state) {
  return h(
    "section",
    { class: "card" },
    h("h2", null, t.now),
    h(
      "p",
      { class: "sentence" },
      state.limit ?? t[state.state] ?? "",
      h("small", null, `${t.since} ${time(state.uptime_us)}`),
    ),
  );
}

function tiles(t, state) {
  const sum = (key) => state.uplinks.reduce((all, u) => all + u[key], 0);
  const sessions = state.sessions;
  const silent = sessions.reduce((most, x) => (x.silent_us > most.silent_us ? x : most), {
    silent_us: 0,
  });
  const of = (name, value) => h("div", null, h("dt", null, name), h("dd", null, value));
  return h(
    "section",
    { class: "card" },
    h(
      "dl",
      { class: "tiles" },
      of(t.download, mbit(sum("down_bytes_per_s")) + " Mbit/s"),
      of(t.upload, mbit(sum("up_bytes_per_s")) + " Mbit/s"),
      of(
        t.connections,
        sessions.reduce((all, x) => all + x.streams, 0),
      ),
      of(t.memory, size(sessions.reduce((all, x) => all + x.memory_bytes, 0))),
      of(
        t.silence,
        silent.silent_us
          ? `${time(silent.silent_us)} (${t.by} ${silent.silent_uplink ?? "?"})`
          : t.none,
      ),
    ),
  );
}

const rates = (u) => [mbit(u.down_bytes_per_s), mbit(u.up_bytes_per_s)];

// LAN -- gateway == an arc for each uplink == concentrator -- Internet.
function map(t, state) {
  const links = state.uplinks;
  const height = MAP.top * 2 + Math.max(2, links.length) * MAP.row,
    middle = height / 2;
  const box = (x, width, name) => [
    s("rect", { x, y: middle - 19, width, height: 38, rx: 9 }),
    s("text", { x: x + width / 2, y: middle + 5, "text-anchor": "middle" }, name),
  ];
  const fastest = Math.max(1, ...links.map((u) => u.down_bytes_per_s + u.up_bytes_per_s));
  const arcs = links.map((u, i) => {
    const y = MAP.top + ((i + 0.5) * (height - 2 * MAP.top)) / links.length;
    const wide = 2 + (9 * (u.down_bytes_per_s + u.up_bytes_per_s)) / fastest;
    const dead = u.state !== "up";
    const back = `C 490 ${y} 470 ${middle} 530 ${middle}`;
    return [
      s("path", {
        class: `wire c${i % 8}${dead ? " dead" : ""}`,
        "stroke-width": dead ? 2.5 : wide,
        d: `M190 ${middle} C 250 ${middle} 230 ${y} 300 ${y} H420 ${back}`,
      }),
      s(
        "text",
        { x: 360, y: y - 9, "text-anchor": "middle" },
        u.site ? `${u.site}/${u.name}` : u.name,
      ),
      s(
        "text",
        { class: "small", x: 360, y: y + 18, "text-anchor": "middle" },
        dead
          ? (u.why ?? u.state)
          : `↓ ${rates(u)[0]}  ↑ ${rates(u)[1]} Mbit/s · ${time(u.srtt_us)}`,
      ),
    ];
  });
  const label = links.map((u) => `${u.name}: ${u.state}`).join(", ");
  return h(
    "section",
    { class: "card" },
    h("h2", null, t.map),
    s(
      "svg",
      { class: "map", viewBox: `0 0 ${MAP.width} ${height}`, role: "img", "aria-label": label },
      s("path", {
        class: "wire c7",
        "stroke-width": 3,
        d: `M70 ${middle} H100 M640 ${middle} H650`,
      }),
      ...arcs.flat(),
      ...box(4, 66, t.lan),
      ...box(95, 95, t.gateway),
      ...box(530, 112, t.concentrator),
      ...box(648, 68, t.internet),
    ),
  );
}

export function overview(t, { state, history }) {
  const alone = state.sessions.length === 0;
  const parts = [sentence(t, state)];
  if (alone && state.role === "concentrator") parts.push(empty(t.no_site, t.no_site_more));
  else if (alone) parts.push(empty(t.no_session, t.no_session_more));
  else parts.push(tiles(t, state));
  if (state.uplinks.length) parts.push(map(t, state), charts(t, history), uplink_table(t, state));
  return parts;
}

function uplink_table(t, state) {
  const heads = [
    { text: t.name },
    { text: t.state },
    { text: t.rate, number: true },
    { text: t.rtt, number: true },
    { text: t.loss, number: true },
    { text: t.subflows, number: true },
  ];
  return table(
    heads,
    state.uplinks.map((u, i) => [
      [h("span", { class: `key c${i % 8}` }), u.site ? `${u.site}/${u.name}` : u.name],
      [mark(u.state, uplink_kind(u.state)), u.why ? h("div", { class: "quiet" }, u.why) : null],
      `${mbit(u.down_bytes_per_s)} / ${mbit(u.up_bytes_per_s)}`,
      time(u.srtt_us),
      percent(u.retransmitted_ppm),
      `${u.subflows_alive}/${u.subflows_total}`,
    ]),
    "Mbit/s",
  );
}

export function uplinks(t, { state }) {
  const heads = [
    { text: t.name },
    { text: t.state },
    { text: t.device },
    { text: t.cost },
    { text: t.address },
    { text: t.best, number: true },
    { text: t.bytes, number: true },
    { text: t.reconnects, number: true },
  ];
  return [
    table(
      heads,
      state.uplinks.map((u) => [
        u.site ? `${u.site}/${u.name}` : u.name,
        [mark(u.state, uplink_kind(u.state)), u.why ? h("div", { class: "quiet" }, u.why) : null],
        u.device ?? "–",
        u.cost ?? "–",
        u.address ?? "–",
        `${mbit(u.down_best_bytes_per_s)} / ${mbit(u.up_best_bytes_per_s)}`,
        `${size(u.down_bytes)} / ${size(u.up_bytes)}`,
        u.reconnects,
      ]),
      "Mbit/s",
    ),
  ];
}

function share(paths, names) {
  const all = paths.reduce((sum, p) => sum + p.bytes, 0) || 1;
  let x = 0;
  const bars = paths.map((p) => {
    const width = (100 * p.bytes) / all,
      at = x;
    x += width;
    return s("rect", {
      class: `c${Math.max(0, names.indexOf(p.uplink)) % 8}`,
      x: at,
      y: 0,
      width,
      height: 10,
    });
  });
  const words = paths.map((p) => `${p.uplink} ${Math.round((100 * p.bytes) / all)} %`).join(", ");
  return paths.length
    ? [
        s(
          "svg",
          {
            class: "share",
            viewBox: "0 0 100 10",
            preserveAspectRatio: "none",
            role: "img",
            "aria-label": words,
          },
          ...bars,
        ),
        " ",
        words,
      ]
    : "–";
}

export function streams(t, { state, list }) {
  if (!list) return [empty(t.loading)];
  if (!list.streams.length) return [empty(t.no_streams, t.no_streams_more)];
  const names = state.uplinks.map((u) => u.name);
  const heads = [
    { text: t.client },
    { text: t.destination },
    { text: t.kind },
    { text: t.age, number: true },
    { text: t.bytes, number: true },
    { text: t.share },
  ];
  const rows = list.streams.toSorted(
    (a, b) => b.down_bytes + b.up_bytes - a.down_bytes - a.up_bytes,
  );
  return [
    table(
      heads,
      rows
        .slice(0, 200)
        .map((x) => [
          x.client ?? x.site ?? "–",
          x.destination,
          x.class ?? x.state,
          time(x.age_us),
          `${size(x.down_bytes)} / ${size(x.up_bytes)}`,
          share(x.paths, names),
        ]),
    ),
  ];
}

function choices(t, list, kind, title) {
  const rows = list.choices.filter((c) => c.kind === kind);
  return table(
    [{ text: t.name }, { text: t.summary }, { text: t.runs }],
    rows.map((c) => [c.name, c.summary, c.runs ? mark(c.runs, "good") : ""]),
    title,
  );
}

function choose_form(t, list, on_done) {
  const of = (kind) => list.choices.filter((c) => c.kind === kind).map((c) => c.name);
  const select = (name, label, values, first) =>
    h(
      "label",
      null,
      label,
      h(
        "select",
        { name },
        first ? h("option", { value: "" }, first) : null,
        values.map((v) => h("option", { value: v.value ?? v }, v.text ?? v)),
      ),
    );
  const sites = list.sessions.map((x) => x.site).filter(Boolean);
  return h(
    "form",
    {
      class: "card",
      onsubmit: async (event) => {
        event.preventDefault();
        const form = new FormData(event.target),
          words = [];
        if (form.get("scheduler")) words.push(form.get("scheduler"));
        for (const kind of ["order", "reinjection"])
          if (form.get(kind)) words.push(kind, form.get(kind));
        if (form.get("class")) words.push("--class", form.get("class"));
        if (form.get("site")) words.push(form.get("site"));
        on_done(order("scheduler", words));
      },
    },
    select("scheduler", t.scheduler, of("scheduler"), t.keep),
    select(
      "class",
      t.kind,
      [
        { value: "interactive", text: t.interactive },
        { value: "bulk", text: t.bulk },
      ],
      t.all_streams,
    ),
    select("order", t.order, of("order"), t.keep),
    select("reinjection", t.reinjection, of("reinjection"), t.keep),
    sites.length ? select("site", t.for_site, sites) : null,
    h("button", null, t.apply),
    h("span", { class: "quiet" }, t.kept),
  );
}

function runs_now(t, list) {
  const way = (w) => (w ? `${w.interactive} / ${w.bulk}, ${w.order}, ${w.reinjection}` : "–");
  return table(
    [
      { text: t.name },
      {
        text: `${t.direction_down} (${t.interactive} / ${t.bulk}, ${t.order}, ${t.reinjection})`,
      },
      { text: t.direction_up },
    ],
    list.sessions.map((x) => [x.site ?? x.concentrator ?? "–", way(x.down), way(x.up)]),
  );
}

export function scheduler(t, { list, said, say }) {
  if (!list) return [empty(t.loading)];
  return [
    runs_now(t, list),
    choose_form(t, list, say),
    said ? h("pre", { role: "status" }, said) : null,
    choices(t, list, "scheduler", t.schedulers),
    choices(t, list, "order", t.orders),
    choices(t, list, "reinjection", t.reinjections),
  ];
}

export function sites(t, { list }) {
  if (!list) return [empty(t.loading)];
  if (!list.sites.length) return [empty(t.no_site, t.no_site_more)];
  const state = (x) =>
    x.connected ? mark(t.connected, "good") : mark(x.since_us === null ? t.never : t.away, "bad");
  return [
    table(
      [
        { text: t.name },
        { text: t.state },
        { text: t.age, number: true },
        { text: t.uplinks, number: true },
        { text: t.connections, number: true },
        { text: t.bytes, number: true },
        { text: t.note },
      ],
      list.sites.map((x) => [
        x.name,
        state(x),
        time(x.since_us),
        x.uplinks,
        x.streams,
        `${size(x.down_bytes)} / ${size(x.up_bytes)}`,
        x.note ?? "",
      ]),
    ),
  ];
}

// The last text is the result.
async function speedtest(tell) {
  let last = "";
  await follow("speedtest", ["start"], ["show"], (text) => tell((last = text)));
  return last;
}

export function tools(t, { state, said, say, tell, logout }) {
  const facts = state.sessions.flatMap((x) => [
    [x.site ?? x.concentrator ?? "", ""],
    [t.carrier, x.carrier_why ? `${x.carrier}: ${x.carrier_why}` : (x.carrier ?? "–")],
    [t.cipher, x.cipher ?? "–"],
    [t.library, x.library ?? "–"],
    [
      `${t.picks} (${t.picks_words})`,
      `${x.scheduler_picks.sent}, ${x.scheduler_picks.waited}, ${x.scheduler_picks.again}`,
    ],
    [
      t.again,
      Object.entries(x.again_bytes)
        .map(([why, n]) => `${why} ${size(n)}`)
        .join(", "),
    ],
  ]);
  return [
    h(
      "div",
      { class: "card" },
      h(
        "form",
        {
          onsubmit: (event) => {
            event.preventDefault();
            say(order("reload"));
          },
        },
        state.role === "gateway"
          ? h("button", { type: "button", onclick: () => say(speedtest(tell)) }, t.speedtest)
          : null,
        h("button", null, t.reload),
        h("button", { type: "button", class: "plain", onclick: logout }, t.logout),
      ),
      said ? h("pre", { role: "status" }, said) : null,
    ),
    table(
      [{ text: t.name }, { text: t.state }],
      [[t.version, state.version], [t.pin, state.own_pin ?? "–"], ...facts],
    ),
  ];
}

// Which question a page asks besides the state, and how often, in ms.
export const asks = {
  streams: ["streams", 2000],
  scheduler: ["scheduler", 3000],
  sites: ["sites", 3000],
};
export const ask = (page) => get(asks[page][0]);
