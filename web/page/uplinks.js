// SPDX-License-Identifier: MIT
// Each uplink: what it is, what it carried, what it costs, and how fast it is.
import {
  card,
  choose,
  field,
  h,
  mark,
  mbit,
  percent,
  picture,
  said,
  size,
  table,
  time,
  uplink_kind,
  uplink_name,
} from "./dom.js";
import { follow, get, order } from "./api.js";

export const every_ms = 5000;
export const ask = async (state) => ({
  history: state.role === "gateway" ? await get("history") : null,
});

function facts(t, u, caps, tell) {
  const cap = caps.find((x) => x.kind === "uplink" && x.name === u.name);
  const of = (name, value) => [h("dt", null, name), h("dd", null, value)];
  return h(
    "dl",
    { class: "facts" },
    of(t.rate, `${mbit(u.down_bytes_per_s)} / ${mbit(u.up_bytes_per_s)} Mbit/s`),
    of(t.best, `${mbit(u.down_best_bytes_per_s)} / ${mbit(u.up_best_bytes_per_s)} Mbit/s`),
    of(t.rtt, `${time(u.srtt_us)} (${t.least} ${time(u.min_rtt_us)})`),
    of(t.loss, percent(u.retransmitted_ppm)),
    of(t.bytes, `${size(u.down_bytes)} / ${size(u.up_bytes)}`),
    cap?.month_bytes != null
      ? of(
          t.month,
          cap.cap_bytes
            ? `${size(cap.month_bytes)} / ${size(cap.cap_bytes)}`
            : size(cap.month_bytes),
        )
      : null,
    of(t.address, `${u.address ?? "–"} → ${u.endpoint_name ?? u.endpoint ?? "–"}`),
    of(t.device, u.device ?? "–"),
    of(t.subflows, `${u.subflows_alive}/${u.subflows_total}, ${t.reconnects} ${u.reconnects}`),
    u.mptcp ? of("MPTCP", tell(u.mptcp.state)) : null,
  );
}

const SEEN_MIN = 25000; // bytes/s: less was never a load

// Down and up by what they are of the best that was seen.
function bars(t, u) {
  const bar = (sign, now, best, word) => {
    const full = best >= SEEN_MIN ? Math.min(100, Math.round((100 * now) / best)) : 0;
    return h(
      "div",
      { class: "bar" },
      h("span", { "aria-hidden": "true" }, sign),
      h("progress", { max: 100, value: full, "aria-label": word }),
      h("span", { class: "number" }, `${mbit(now)}`),
    );
  };
  return [
    bar("↓", u.down_bytes_per_s, u.down_best_bytes_per_s, t.download),
    bar("↑", u.up_bytes_per_s, u.up_best_bytes_per_s, t.upload),
  ];
}

// How fast each was, alone and together, and how long an echo took beside that.
const speedtest = (known, words) => async (tell) => {
  known.speeds = null;
  const text = await follow("speedtest", ["start", ...words], ["show", "--json"], tell);
  known.speeds = JSON.parse(text).results;
  return "";
};

const speeds = (t, { speeds: results, tell }) =>
  table(
    [
      { text: t.name },
      { text: `↓ ${t.download}`, number: true },
      { text: `↑ ${t.upload}`, number: true },
      { text: t.echo, number: true },
      { text: t.echo_down, number: true },
      { text: t.echo_up, number: true },
    ],
    results.map((r) => [
      h("strong", null, tell(r.uplink)),
      `${mbit(r.down_bytes_per_s)} Mbit/s`,
      `${mbit(r.up_bytes_per_s)} Mbit/s`,
      time(r.idle_echo_us),
      time(r.down_echo_us),
      time(r.up_echo_us),
    ]),
  );
const set = (name, ...pairs) => order("set", ["uplink", name, ...pairs]);

// What is used of it, where it has a cap.
function cap_of(t, u, caps) {
  const cap = caps.find((x) => x.kind === "uplink" && x.name === u.name);
  if (!cap?.cap_bytes) return null;
  const used = Math.min(100, Math.round((100 * cap.month_bytes) / cap.cap_bytes));
  return h(
    "div",
    { class: "bar" },
    h("span", { "aria-hidden": "true" }, "Σ"),
    h("progress", { max: 100, value: used, "aria-label": `${t.month}: ${t.cap}` }),
    h("span", { class: "number" }, `${used} %`),
  );
}

// Nothing is no cap.
function cap_form(t, u, known) {
  const onsubmit = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const cap = form.get("cap").replace(/\s/g, ""),
      day = form.get("day");
    known.say(set(u.name, "cap=" + cap, ...(cap && day ? ["cap_day=" + day] : [])));
  };
  return h(
    "details",
    null,
    h("summary", null, t.cap),
    h("p", { class: "quiet" }, t.cap_words),
    h(
      "form",
      { onsubmit },
      field(t.cap, h("input", { name: "cap", size: 8, placeholder: "100GB" })),
      field(
        t.cap_day,
        h("input", { name: "day", type: "number", min: 1, max: 31, placeholder: "1" }),
      ),
      h("button", { class: "plain" }, t.set),
    ),
  );
}

function one(t, u, i, known) {
  const mine = known.state.role === "gateway";
  const off = u.state === "disabled";
  const caps = known.data?.history?.subjects ?? [];
  return h(
    "section",
    { class: "card uplink", key: uplink_name(u) },
    h(
      "h2",
      null,
      h("span", { class: `key c${i % 8}` }),
      uplink_name(u),
      mark(t.states[u.state] ?? u.state, uplink_kind(u.state)),
    ),
    u.why ? h("p", { class: uplink_kind(u.state) }, known.tell(u.why)) : null,
    bars(t, u),
    facts(t, u, caps, known.tell),
    mine ? cap_of(t, u, caps) : null,
    mine
      ? h(
          "div",
          { class: "row" },
          choose(
            t.use,
            [
              { value: "1", text: t.on },
              { value: "0", text: t.off },
            ],
            off ? "0" : "1",
            (v) => known.say(set(u.name, "enabled=" + v)),
          ),
          choose(
            t.cost,
            ["normal", "metered", "backup"].map((value) => ({ value, text: t.costs[value] })),
            u.cost,
            (v) => known.say(set(u.name, "cost=" + v)),
          ),
          h(
            "button",
            {
              type: "button",
              class: "plain",
              disabled: off || u.state !== "up" || !!known.busy,
              onclick: () => known.run(speedtest(known, [u.name])),
            },
            t.speedtest,
          ),
        )
      : null,
    mine ? cap_form(t, u, known) : null,
  );
}

export function uplinks(t, known) {
  const { state } = known;
  if (!state.uplinks.length) return picture("empty", t.no_uplinks, t.no_uplinks_more);
  return [
    state.role === "gateway"
      ? card(
          null,
          h(
            "div",
            { class: "row" },
            h(
              "button",
              {
                type: "button",
                disabled: !!known.busy,
                onclick: () => known.run(speedtest(known, [])),
              },
              t.speedtest_all,
            ),
            h("span", { class: "quiet" }, t.cost_words),
          ),
          said(known.said),
          known.speeds ? speeds(t, known) : null,
        )
      : null,
    h(
      "div",
      { class: "grid" },
      state.uplinks.map((u, i) => one(t, u, i, known)),
    ),
  ];
}
