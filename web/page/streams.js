// SPDX-License-Identifier: MIT
// What is under way: connections by device and destination, with which uplinks carry
// them, and what goes through the packet tunnel.
import { card, h, mark, picture, share, size, table, time } from "./dom.js";
import { get } from "./api.js";

const MOST = 200; // lines
export const every_ms = 2000;
export const ask = () => get("streams");

const bytes = (x) => x.down_bytes + x.up_bytes;
const host = (x) => x.site ?? x.client?.replace(/:\d+$/, "") ?? "–";

function by_host(streams) {
  const groups = new Map();
  for (const x of streams) {
    const name = host(x);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(x);
  }
  return [...groups].sort((a, b) => sum(b[1]) - sum(a[1]));
}
const sum = (list) => list.reduce((n, x) => n + bytes(x), 0);

function group(t, [name, list], names) {
  const rows = list
    .toSorted((a, b) => bytes(b) - bytes(a))
    .map((x) => [
      x.destination,
      t.classes[x.class] ?? x.class ?? x.state,
      time(x.age_us),
      `${size(x.down_bytes)} / ${size(x.up_bytes)}`,
      share(
        x.paths.map((p) => ({ name: p.uplink, bytes: p.bytes })),
        names,
      ),
    ]);
  return h(
    "section",
    { class: "card", key: name },
    h("h2", null, name, h("small", { class: "quiet" }, ` ${list.length} · ${size(sum(list))}`)),
    table(
      [
        { text: t.destination },
        { text: t.kind },
        { text: t.age, number: true },
        { text: t.bytes, number: true },
        { text: t.share },
      ],
      rows,
    ),
  );
}

function tunnel(t, session, names, tell) {
  const x = session.tunnel;
  if (!x) return null;
  const dropped = Object.values(x.dropped_packets).reduce((a, b) => a + b, 0);
  return card(
    [
      session.site ? session.site + ": " : "",
      t.tunnel,
      " ",
      mark(t.states[x.state], x.state === "up" ? "good" : "bad"),
    ],
    x.why ? h("p", { class: "quiet" }, tell(x.why)) : null,
    table(
      [
        { text: t.flows, number: true },
        { text: t.bytes, number: true },
        { text: t.packets, number: true },
        { text: t.dropped, number: true },
        { text: "MTU", number: true },
        { text: t.share },
      ],
      [
        [
          x.flows,
          `${size(x.down_bytes)} / ${size(x.up_bytes)}`,
          `${x.down_packets} / ${x.up_packets}`,
          dropped,
          x.mtu,
          share(
            x.paths.map((p) => ({ name: p.uplink ?? "?", bytes: p.down_bytes + p.up_bytes })),
            names,
          ),
        ],
      ],
    ),
  );
}

export function streams(t, { state, data, tell }) {
  if (!data) return picture("loading", t.loading);
  const names = state.uplinks.map((u) => u.name);
  const seen = data.streams.toSorted((a, b) => bytes(b) - bytes(a)).slice(0, MOST);
  return [
    seen.length
      ? by_host(seen).map((one) => group(t, one, names))
      : picture("empty", t.no_streams, t.no_streams_more),
    data.streams.length > MOST
      ? h("p", { class: "quiet" }, `${data.streams.length - MOST} ${t.more}`)
      : null,
    state.sessions.map((session) => tunnel(t, session, names, tell)),
  ];
}
