// SPDX-License-Identifier: MIT
// What is wrong, what was said, and a report for who helps.
import { card, h, picture, said, save, size, table } from "./dom.js";
import { follow, order } from "./api.js";

export const every_ms = 4000;
export const ask = async () => ({ log: await order("log") });

async function examine(known, tell, t) {
  const text = await follow("doctor", ["start"], ["show"], () => tell(t.examining));
  const found = JSON.parse(text);
  known.faults = found.findings.length;
  known.findings = [...found.findings, ...(found.notes ?? []).map((n) => ({ ...n, note: true }))];
  return "";
}

const doctor = (t, known) =>
  card(
    t.doctor,
    h("p", { class: "quiet" }, t.doctor_words),
    h(
      "button",
      {
        type: "button",
        disabled: !!known.busy,
        onclick: () => known.run((tell) => examine(known, tell, t)),
      },
      known.busy ? t.examining : t.doctor_go,
    ),
    said(known.said),
    known.faults === 0
      ? h("p", { class: "sentence good" }, "● ", t.nothing_found)
      : null,
    known.findings?.length
      ? h(
          "ol",
          { class: "findings" },
          known.findings.map((f) =>
            h(
              "li",
              null,
              h(
                "strong",
                null,
                f.note ? `${t.for_your_information} – ` : "",
                t.steps[f.step] ?? f.step,
                f.subject ? `: ${known.tell(f.subject)}` : "",
              ),
              h("p", null, known.tell(f.text)),
              h("pre", null, known.tell_remedy(f.remedy)),
            ),
          ),
        )
      : null,
  );

async function report(tell, t) {
  const text = await follow("bugreport", ["start"], ["show"], () => tell(t.gathering));
  const now = new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-");
  save(`aggd-bugreport-${now}.txt`, "text/plain", text);
  return t.report_saved;
}

const KINDS = { error: "bad", warning: "warn", info: "quiet", debug: "quiet" };

const log = (t, text) =>
  card(
    t.log,
    h(
      "ol",
      { class: "log", lang: "en", tabindex: "0", "aria-label": t.log },
      text
        .trim()
        .split("\n")
        .reverse()
        .map((line) => {
          const [, at, level, words] = /^(\S+ \S+) (\w+): (.*)$/.exec(line) ?? [
            0,
            "",
            "info",
            line,
          ];
          return h(
            "li",
            { class: KINDS[level] },
            h("time", null, at),
            h("b", null, level),
            h("span", null, words),
          );
        }),
    ),
  );

function facts(t, { state, tell }) {
  const rows = state.sessions.flatMap((x) => [
    [
      x.site ?? x.concentrator ?? "",
      [t.states[x.state] ?? x.state, tell(x.why)].filter(Boolean).join(": "),
    ],
    [
      t.carrier,
      [x.carrier, x.carrier_why]
        .filter(Boolean)
        .map((words) => tell(words))
        .join(" – ") || "–",
    ],
    [t.cipher, `${x.cipher ?? "–"} (${x.library ?? "–"})`],
    [
      t.picks,
      `${x.scheduler_picks.sent}, ${x.scheduler_picks.waited}, ${x.scheduler_picks.again}`,
    ],
    [
      t.again,
      Object.entries(x.again_bytes)
        .map(([why, n]) => `${tell(why)} ${size(n)}`)
        .join(", "),
    ],
  ]);
  return card(
    t.facts,
    table(
      [{ text: t.name }, { text: t.state }],
      [
        [t.version, state.version],
        [t.pin, h("code", null, state.own_pin ?? "–")],
        [t.descriptors, `${state.descriptors_used ?? "–"} / ${state.descriptors_max ?? "–"}`],
        ...rows,
      ],
    ),
  );
}

export function diagnostics(t, known) {
  const { data, state } = known;
  if (!data) return picture("loading", t.loading);
  return [
    doctor(t, known),
    card(
      t.more_tools,
      h(
        "div",
        { class: "row" },
        h(
          "button",
          {
            type: "button",
            disabled: !!known.busy,
            onclick: () => known.run((tell) => report(tell, t)),
          },
          t.bugreport,
        ),
        h(
          "button",
          { type: "button", class: "plain", onclick: () => known.say(order("reload")) },
          t.reload,
        ),
        h("button", { type: "button", class: "plain", onclick: known.logout }, t.logout),
      ),
      h("p", { class: "quiet" }, t.bugreport_words),
    ),
    log(t, data.log),
    facts(t, known),
  ];
}
