// SPDX-License-Identifier: MIT
// How to send: what runs, what there is to choose from, and what each would do.
import { card, field, h, mark, picture, said, save, table } from "./dom.js";
import { follow, get, order } from "./api.js";

export const every_ms = 3000;
export const ask = () => get("scheduler");

const KINDS = ["order", "reinjection"];

function choose_form(t, data, known) {
  const of = (kind) => data.choices.filter((c) => c.kind === kind).map((c) => c.name);
  const select = (name, label, values, first) =>
    field(
      label,
      h(
        "select",
        { name },
        first ? h("option", { value: "" }, first) : null,
        values.map((v) => h("option", { value: v.value ?? v }, v.text ?? v)),
      ),
    );
  const sites = data.sessions.map((x) => x.site).filter(Boolean);
  const onsubmit = (event) => {
    event.preventDefault();
    const form = new FormData(event.target),
      words = [];
    if (form.get("scheduler")) words.push(form.get("scheduler"));
    for (const kind of KINDS) if (form.get(kind)) words.push(kind, form.get(kind));
    if (form.get("class")) words.push("--class", form.get("class"));
    if (form.get("site")) words.push(form.get("site"));
    known.say(order("scheduler", words));
  };
  return card(
    t.choose,
    h(
      "form",
      { onsubmit },
      select("scheduler", t.scheduler, of("scheduler"), t.keep),
      select(
        "class",
        t.kind,
        ["interactive", "bulk"].map((value) => ({ value, text: t.classes[value] })),
        t.all_streams,
      ),
      select("order", t.order, of("order"), t.keep),
      select("reinjection", t.reinjection, of("reinjection"), t.keep),
      sites.length ? select("site", t.for_site, sites) : null,
      h("button", null, t.apply),
    ),
    h("p", { class: "quiet" }, t.kept),
    said(known.said),
  );
}

function runs_now(t, data) {
  const way = (w) => (w ? `${w.interactive} / ${w.bulk} · ${w.order} · ${w.reinjection}` : "–");
  return card(
    t.runs_now,
    table(
      [{ text: t.name }, { text: "↓ " + t.download }, { text: "↑ " + t.upload }],
      data.sessions.map((x) => [x.site ?? x.concentrator ?? "–", way(x.down), way(x.up)]),
    ),
    h("p", { class: "quiet" }, t.runs_words),
  );
}

// "down, home up bulk": directions and classes have words of ours, sites their names.
function runs_in_words(t, runs) {
  const ours = { down: `↓ ${t.download}`, up: `↑ ${t.upload}`, ...t.classes };
  return runs
    .split(", ")
    .map((run) =>
      run
        .split(" ")
        .map((word) => ours[word] ?? word)
        .join(" "),
    )
    .join(", ");
}

const choices = (t, { data, tell }, kind, title) =>
  card(
    title,
    table(
      [{ text: t.name }, { text: t.summary }, { text: t.runs }],
      data.choices
        .filter((c) => c.kind === kind)
        .map((c) => [
          h("strong", null, c.name),
          tell(c.summary),
          c.runs ? mark(runs_in_words(t, c.runs), "good") : "",
        ]),
    ),
  );

// A bar for each candidate: how it does against what runs now, which is one.
const MOST = 2;
function bars(t, advice, load, tell) {
  const { best, why, figure } = advice.loads[load];
  const row = (c, i) => {
    const f = c.loads[load],
      width = f.ratio === null ? 0 : (100 * Math.min(MOST, f.ratio)) / MOST;
    const both = c.bulk === c.interactive ? c.bulk : `${c.interactive} / ${c.bulk}`;
    const name = `${both} · ${c.order} · ${c.reinjection}`;
    return h(
      "li",
      { class: i === best ? "best" : null },
      h("span", null, name, i === 0 ? ` (${t.now_word})` : ""),
      h("meter", { min: 0, max: 100, value: width, "aria-label": name }),
      h(
        "span",
        { class: "number" },
        f.value === null ? "–" : `${+f.value.toPrecision(3)} ${f.unit}`,
        i === best ? " ★" : "",
      ),
    );
  };
  return h(
    "section",
    { class: "advice" },
    h("h3", null, t.loads[load] ?? load, h("small", { class: "quiet" }, " " + tell(figure))),
    h("ol", null, advice.candidates.map(row)),
    why ? h("p", { class: "quiet" }, tell(why)) : null,
  );
}

function advise(t, known) {
  const words =
    known.state.role === "concentrator" ? [known.state.sessions[0]?.site].filter(Boolean) : [];
  const begin = async (tell) => {
    const text = await follow("advise", ["start", ...words], ["show"], () => tell(t.simulating));
    known.advice = JSON.parse(text);
    return "";
  };
  // The simulation itself, as a page of its own: it plays without asking anybody.
  const film = async (tell) => {
    const text = await follow("film", ["start", ...words], ["show"], () => tell(t.simulating));
    save("aggd-simulation.html", "text/html", text);
    return t.film_saved;
  };
  const { advice } = known;
  const pick = advice?.candidates[advice.pick];
  return card(
    t.advise,
    h("p", null, t.advise_words),
    h(
      "button",
      { type: "button", disabled: !!known.busy, onclick: () => known.run(begin) },
      known.busy ? t.simulating : t.advise_go,
    ),
    advice
      ? [
          h(
            "p",
            { class: "sentence" },
            advice.pick
              ? `${t.best_is} ${pick.interactive} / ${pick.bulk} · ${pick.order}`
              : t.stays,
          ),
          advice.command
            ? h(
                "button",
                {
                  type: "button",
                  onclick: () =>
                    known.say(order("scheduler", advice.command.split(" ").slice(2))),
                },
                t.apply,
              )
            : null,
          " ",
          h(
            "button",
            {
              type: "button",
              class: "plain",
              disabled: !!known.busy,
              onclick: () => known.run(film),
            },
            t.film,
          ),
          h(
            "div",
            { class: "grid" },
            Object.keys(advice.loads).map((load) => bars(t, advice, load, known.tell)),
          ),
        ]
      : null,
  );
}

export function scheduler(t, known) {
  const { data } = known;
  if (!data) return picture("loading", t.loading);
  if (!data.sessions.length) return picture("empty", t.no_session, t.later);
  return [
    runs_now(t, data),
    choose_form(t, data, known),
    advise(t, known),
    choices(t, known, "scheduler", t.schedulers),
    choices(t, known, "order", t.orders),
    choices(t, known, "reinjection", t.reinjections),
  ];
}
