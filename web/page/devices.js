// SPDX-License-Identifier: MIT
// The LAN's devices: what each carried, and whether it goes through the aggregate. And
// what passes by it for other reasons.
import { card, field, h, mark, mbit, picture, said, share, size, table } from "./dom.js";
import { get, order, sections } from "./api.js";

const OURS = "page_"; // how sections begin that this page made
export const every_ms = 3000;
export const ask = async () => ({
  history: await get("history"),
  streams: (await get("streams")).streams,
  sections: await sections(),
});

const of_type = (data, type) => data.sections.filter((x) => x.type === type);

const bare = (host) => host.replace(/[^0-9a-zA-Z]/g, "");
const host_of = (x) => x.client?.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");

// Of the sections those that are about this device, and nothing else.
const of_device = (d, bypasses) =>
  bypasses.filter(
    (b) =>
      !b.dest &&
      !b.names &&
      !b.port &&
      b.host?.length === 1 &&
      [d.name, d.address].includes(b.host[0]),
  );

function paths_of(streams) {
  const sums = {};
  for (const p of streams.flatMap((x) => x.paths))
    sums[p.uplink] = (sums[p.uplink] ?? 0) + p.bytes;
  return Object.entries(sums).map(([name, bytes]) => ({ name, bytes }));
}

const CLASSES = ["interactive", "bulk"];
const classes_of = (data, name) => of_type(data, "class").find((x) => x.name === name)?.host ?? [];
const is_of = (d, host) =>
  [d.name, d.address].some((x) => x && x.toLowerCase() === host.toLowerCase());

// One of them, or none: it leaves the one before it comes into the other.
async function put_into_class(data, d, name) {
  let text = "";
  for (const one of [...CLASSES].sort((a, b) => (a === name) - (b === name))) {
    const before = classes_of(data, one);
    const after = before.filter((host) => !is_of(d, host));
    if (one === name) after.push(d.name);
    if (after.length === before.length && one !== name) continue;
    const words = after.length ? after.map((host) => "host=" + host) : ["host="];
    text = await order("set", ["class", one, ...words]);
  }
  return text;
}

function class_choice(t, d, known) {
  const now = CLASSES.find((name) => classes_of(known.data, name).some((x) => is_of(d, x))) ?? "";
  return h(
    "select",
    {
      class: "small",
      key: now,
      "aria-label": `${t.kind}: ${d.address ?? d.name}`,
      onchange: (event) => known.say(put_into_class(known.data, d, event.target.value)),
    },
    ["", ...CLASSES].map((value) =>
      h("option", { value, selected: value === now }, value ? t.classes[value] : t.by_itself),
    ),
  );
}

function row(t, d, known) {
  const { data, state } = known;
  const mine = data.streams.filter((x) => host_of(x) === d.address);
  const by = of_device(d, of_type(data, "bypass"));
  const both = (x) => `${size(x.down_bytes)} / ${size(x.up_bytes)}`;
  const turn = () =>
    known.say(
      by.length
        ? order("unset", ["bypass", by[0].name])
        : order("set", ["bypass", OURS + bare(d.name), `host=${d.name}`, "to=direct"]),
    );
  return [
    h("div", null, d.address ?? d.name, d.address ? h("div", { class: "quiet" }, d.name) : null),
    d.now ? `${mbit(d.now.down_bytes_per_s)} / ${mbit(d.now.up_bytes_per_s)} Mbit/s` : "–",
    d.seconds ? both(d.seconds) : "–",
    d.minutes ? both(d.minutes) : "–",
    [
      share(
        paths_of(mine),
        state.uplinks.map((u) => u.name),
      ),
      h("div", { class: "quiet" }, `${t.connections}: ${mine.length}`),
    ],
    [
      by.length
        ? mark(by[0].to === "direct" ? t.leaves_directly : `${t.leaves_by} ${by[0].to}`, "warn")
        : mark(t.aggregated, "good"),
      d.kind === "others"
        ? null
        : h(
            "button",
            {
              type: "button",
              class: "plain small",
              onclick: turn,
              "aria-label": `${by.length ? t.aggregate : t.leave_directly}: ${d.address ?? d.name}`,
            },
            by.length ? t.aggregate : t.leave_directly,
          ),
      d.kind === "others" || by.length ? null : class_choice(t, d, known),
    ],
  ];
}

function describe(b) {
  const list = (words, sign) => (words ? words.map((w) => sign + w) : []);
  return [
    ...list(b.dest, ""),
    ...list(b.names, ""),
    ...list(b.host, "← "),
    ...list(b.port, ""),
  ].join(", ");
}

function passing(t, known) {
  const bypasses = of_type(known.data, "bypass");
  const ways = ["direct", ...known.state.uplinks.map((u) => u.name)];
  return card(
    t.passes_by,
    bypasses.length
      ? table(
          [{ text: t.name }, { text: t.what }, { text: t.way }, { text: "" }],
          bypasses.map((b) => [
            b.name || "–",
            describe(b),
            b.to === "direct" ? t.leaves_directly : b.to,
            b.name
              ? h(
                  "button",
                  {
                    type: "button",
                    class: "plain small",
                    "aria-label": `${t.remove}: ${b.name}`,
                    onclick: () => known.say(order("unset", ["bypass", b.name])),
                  },
                  t.remove,
                )
              : null,
          ]),
        )
      : h("p", { class: "quiet" }, t.nothing_passes),
    h(
      "form",
      {
        onsubmit: (event) => {
          event.preventDefault();
          const form = new FormData(event.target);
          const what = form.get("what").trim();
          const key = /^[0-9.]+(\/\d+)?$|:/.test(what) ? "dest" : "name";
          const name = form.get("name").trim();
          known.say(order("set", ["bypass", name, `${key}=${what}`, `to=${form.get("to")}`]));
        },
      },
      field(
        t.name,
        h("input", { name: "name", required: true, pattern: "[A-Za-z0-9_]+", size: 10 }),
      ),
      field(
        t.what_goes,
        h("input", { name: "what", required: true, placeholder: "example.com, 192.0.2.0/24" }),
      ),
      field(
        t.way,
        h(
          "select",
          { name: "to" },
          ways.map((w) => h("option", { value: w }, w === "direct" ? t.leaves_directly : w)),
        ),
      ),
      h("button", null, t.add),
    ),
  );
}

export function devices(t, known) {
  const { data } = known;
  if (!data) return picture("loading", t.loading);
  const list = data.history.subjects.filter((x) => x.kind !== "uplink");
  const hosts = new Set(list.flatMap((d) => [d.name, d.address]));
  for (const b of of_type(data, "bypass"))
    if (b.name.startsWith(OURS) && b.host && !hosts.has(b.host[0]))
      list.push({ kind: "device", name: b.host[0], address: null });
  const busy = (d) => (d.seconds ? d.seconds.down_bytes + d.seconds.up_bytes : 0);
  list.sort((a, b) => busy(b) - busy(a));
  return [
    said(known.said),
    list.length
      ? card(
          t.devices,
          table(
            [
              { text: t.device },
              { text: t.rate, number: true },
              { text: t.ten_minutes, number: true },
              { text: t.day, number: true },
              { text: t.share },
              { text: t.way },
            ],
            list.map((d) => row(t, d, known)),
          ),
        )
      : picture("empty", t.no_devices, t.no_devices_more),
    passing(t, known),
  ];
}
