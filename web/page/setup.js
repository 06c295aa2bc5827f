// SPDX-License-Identifier: MIT
// Joining: a gateway takes an invitation, a concentrator makes them and has its sites.
import { card, field, h, mark, picture, s, said, size, table, time } from "./dom.js";
import { follow, get, order } from "./api.js";

export const every_ms = 3000;
export const ask = async (state) =>
  state.role === "concentrator"
    ? { sites: (await get("sites")).sites, open: await order("invite") }
    : {};

// A gateway ------------------------------------------------------------------------

const join = (token) => (tell) => follow("join", ["start", token], ["show"], tell);

function join_form(t, known) {
  const onsubmit = (event) => {
    event.preventDefault();
    const token = new FormData(event.target).get("token").replace(/\s+/g, "");
    known.run(join(token), () => (known.joined = true));
  };
  return h(
    "form",
    { class: "join", onsubmit },
    field(
      t.invitation,
      h("textarea", {
        name: "token",
        required: true,
        rows: 4,
        spellcheck: "false",
        autocomplete: "off",
        placeholder: "aggd1_…",
      }),
    ),
    h("button", { disabled: !!known.busy }, known.busy ? t.joining : t.join),
  );
}

const steps = (t) =>
  h(
    "ol",
    { class: "steps" },
    h(
      "li",
      null,
      t.step_vps,
      h("code", null, "sudo aggctl setup"),
      " ",
      t.step_again,
      h("code", null, "sudo aggctl invite home"),
    ),
    h("li", null, t.step_copy),
    h("li", null, t.step_wait),
  );

function gateway(t, known) {
  const { state } = known;
  const fresh = state.paired === false;
  return [
    fresh ? picture("empty", t.welcome, t.welcome_more) : null,
    known.joined && state.state === "up"
      ? picture(
          "good",
          t.joined,
          t.joined_more,
          h("a", { class: "button", href: "#/overview" }, t.overview),
        )
      : null,
    card(
      fresh ? t.join_title : t.join_again,
      fresh ? steps(t) : h("p", null, t.join_again_more),
      join_form(t, known),
      known.said
        ? h("pre", { role: "status", class: known.failed ? "bad" : null }, known.said)
        : null,
    ),
    fresh
      ? null
      : card(
          t.concentrator,
          table(
            [{ text: t.name }, { text: t.state }, { text: t.pin }],
            state.sessions.map((x) => [
              x.concentrator ?? "–",
              mark(t.states[x.state] ?? x.state, x.state === "up" ? "good" : "bad"),
              h("code", null, state.own_pin ?? "–"),
            ]),
          ),
        ),
  ];
}

// rows: "1" is dark. Dark on light in either scheme, with its quiet zone of four modules.
function qr(t, rows) {
  const n = rows.length,
    d = rows.flatMap((row, y) =>
      [...row.matchAll(/1+/g)].map((run) => `M${run.index} ${y}h${run[0].length}v1H${run.index}z`),
    );
  return s(
    "svg",
    { class: "qr", viewBox: `-4 -4 ${n + 8} ${n + 8}`, role: "img", "aria-label": t.qr },
    s("path", { class: "light", d: `M-4-4h${n + 8}v${n + 8}h-${n + 8}z` }),
    s("path", { d: d.join("") }),
  );
}

// A concentrator -------------------------------------------------------------------

async function invite(known, site, how_long) {
  const [token, ...rest] = (await order("invite", [site, "--for", how_long])).split("\n");
  known.token = token;
  // A build may have none.
  known.qr = await order("qr", [token]).then((text) => text.trim().split("\n"), () => null);
  return rest.join("\n");
}

function invite_form(t, known) {
  const onsubmit = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    known.token = known.qr = null;
    known.say(invite(known, form.get("site"), form.get("for")));
  };
  const copy = () => {
    const area = document.querySelector("#token");
    area.select();
    if (navigator.clipboard) navigator.clipboard.writeText(known.token);
    else document.execCommand("copy");
  };
  return card(
    t.invite,
    h("p", { class: "quiet" }, t.invite_words),
    h(
      "form",
      { onsubmit },
      field(
        t.site_name,
        h("input", {
          name: "site",
          required: true,
          pattern: "[A-Za-z0-9_]+",
          placeholder: "home",
        }),
      ),
      field(
        t.good_for,
        h(
          "select",
          { name: "for" },
          [
            ["1h", t.hour],
            ["1d", t.one_day],
            ["7d", t.week],
          ].map(([value, text]) => h("option", { value }, text)),
        ),
      ),
      h("button", null, t.invite_go),
    ),
    known.token
      ? h(
          "div",
          { class: "token" },
          known.qr ? qr(t, known.qr) : null,
          h(
            "div",
            null,
            field(
              t.invitation,
              h("textarea", { id: "token", readonly: true, rows: 4 }, known.token),
            ),
            h(
              "div",
              { class: "row" },
              h("button", { type: "button", onclick: copy }, t.copy),
              h("code", null, "sudo aggctl join -"),
            ),
          ),
        )
      : null,
    said(known.said),
  );
}

// Asked twice, as it cannot be taken back.
const sure = (t, text, go) => () => {
  if (confirm(text)) go();
};

function site_row(t, x, known) {
  const kind = x.connected ? "good" : "bad";
  const word = x.connected ? t.connected : x.since_us === null ? t.never : t.away;
  const rename = () => {
    const name = prompt(t.new_name, x.name);
    if (name && name !== x.name) known.say(order("rename", [x.name, name]));
  };
  return [
    h("strong", null, x.name),
    [mark(word, kind), x.note ? h("div", { class: "quiet" }, known.tell(x.note)) : null],
    time(x.since_us),
    x.uplinks,
    x.streams,
    `${size(x.down_bytes)} / ${size(x.up_bytes)}`,
    h(
      "div",
      { class: "row" },
      h(
        "button",
        {
          type: "button",
          class: "plain small",
          "aria-label": `${t.rename}: ${x.name}`,
          onclick: rename,
        },
        t.rename,
      ),
      h(
        "button",
        {
          type: "button",
          class: "plain small danger",
          "aria-label": `${t.revoke}: ${x.name}`,
          onclick: sure(t, `${t.revoke_sure} ${x.name}`, () =>
            known.say(order("revoke", [x.name])),
          ),
        },
        t.revoke,
      ),
    ),
  ];
}

function concentrator(t, known) {
  const { data } = known;
  if (!data) return picture("loading", t.loading);
  return [
    data.sites.length
      ? card(
          t.sites,
          table(
            [
              { text: t.name },
              { text: t.state },
              { text: t.since_word, number: true },
              { text: t.uplinks, number: true },
              { text: t.connections, number: true },
              { text: t.bytes, number: true },
              { text: "" },
            ],
            data.sites.map((x) => site_row(t, x, known)),
          ),
        )
      : picture("empty", t.no_site, t.no_site_more),
    invite_form(t, known),
    card(t.open_invitations, h("pre", null, known.tell(data.open.trim()))),
  ];
}

export const setup = (t, known) =>
  (known.state.role === "concentrator" ? concentrator : gateway)(t, known);
