// SPDX-License-Identifier: MIT
// The page: which view is shown, what is known, and when it is drawn anew.
import * as api from "./api.js";
import { note } from "./chart.js";
import { h, mark } from "./dom.js";
import en from "./en.js";
import fr from "./fr.js";
import * as views from "./views.js";

const texts = { en, fr };
const RETRY_MS = 2000;
const known = { state: null, list: null, history: [], said: "", error: null, say, tell, logout };
let t = en,
  page = "overview",
  asked = 0;

const $ = (id) => document.getElementById(id);
const pages = () =>
  known.state?.role === "concentrator"
    ? ["overview", "sites", "uplinks", "streams", "scheduler", "tools"]
    : ["overview", "uplinks", "streams", "scheduler", "tools"];

function choose_language(name) {
  t = texts[name] ?? en;
  document.documentElement.lang = texts[name] ? name : "en";
  $("language").value = document.documentElement.lang;
  document.querySelector(".skip").textContent = t.skip;
}

function draw_menu() {
  $("menu").replaceChildren(
    ...pages().map((name) =>
      h(
        "li",
        null,
        h("a", { href: "#/" + name, "aria-current": name === page ? "page" : null }, t[name]),
      ),
    ),
  );
}

function draw_head() {
  const { state, error } = known;
  const kinds = { up: "good", degraded: "warn", down: "bad" };
  $("role").textContent = state ? t[state.role] : "";
  $("state").replaceChildren(
    error
      ? mark(t.lost, "bad")
      : state
        ? mark(t[state.state] ?? state.state, kinds[state.state] ?? "quiet")
        : "",
  );
  $("footer").textContent = state ? `aggd ${state.version}` : "";
  document.title = state && state.state !== "up" ? `aggd – ${t[state.state]}` : "aggd";
}

function login_form() {
  return h(
    "form",
    {
      class: "card",
      onsubmit: (event) => {
        event.preventDefault();
        api.setSecret(new FormData(event.target).get("secret"));
        known.refused = null;
        draw();
        listen();
      },
    },
    h("h2", { class: "sentence" }, t.login),
    h(
      "label",
      null,
      t.secret,
      h("input", {
        name: "secret",
        type: "password",
        required: true,
        autocomplete: "current-password",
        autofocus: true,
      }),
    ),
    h("button", null, t.login_go),
    h("p", { class: "quiet" }, t.login_more),
    known.refused
      ? h("p", { class: "bad", role: "alert" }, known.refused === 429 ? t.wait : t.wrong)
      : null,
  );
}

// What a person is at (an open list, a word half typed) is not taken away.
const is_busy = () =>
  $("main").contains(document.activeElement) &&
  ["INPUT", "SELECT"].includes(document.activeElement.tagName);

function draw() {
  draw_menu();
  draw_head();
  if (is_busy()) return;
  if (!api.secret() || known.refused) $("main").replaceChildren(login_form());
  else if (known.error && !known.state)
    $("main").replaceChildren(
      h("div", { class: "card empty" }, h("strong", null, t.lost), t.lost_more),
    );
  else if (!known.state) $("main").replaceChildren(h("div", { class: "card empty" }, t.loading));
  else $("main").replaceChildren(...views[page](t, known).filter(Boolean));
}

async function ask_more() {
  const question = views.asks[page];
  if (!question || Date.now() - asked < question[1]) return;
  asked = Date.now();
  const of = page;
  try {
    const list = await views.ask(of);
    if (of === page) known.list = list;
  } catch (error) {
    known.said = error.message;
  }
}

async function say(answer) {
  try {
    known.said = await answer;
  } catch (error) {
    known.said = error.message;
  }
  document.activeElement?.blur();
  asked = 0;
  await ask_more();
  draw();
}

// Where something is that takes longer.
function tell(text) {
  known.said = text;
  draw();
}

function logout() {
  api.forgetSecret();
  location.reload();
}

function refused(error) {
  if (error.status !== 401 && error.status !== 429) return false;
  known.refused = error.status;
  known.state = null;
  draw();
  return true;
}

async function listen() {
  try {
    await api.events((state) => {
      known.state = state;
      known.error = null;
      note(known.history, state);
      ask_more().then(draw);
    });
  } catch (error) {
    if (refused(error)) return;
    known.error = error;
    draw();
    setTimeout(listen, RETRY_MS);
  }
}

function turn() {
  const name = location.hash.replace(/^#\//, "");
  page = ["overview", "uplinks", "streams", "scheduler", "sites", "tools"].includes(name)
    ? name
    : "overview";
  known.list = null;
  known.said = "";
  asked = 0;
  document.activeElement?.blur();
  draw();
  if (api.secret() && known.state) ask_more().then(draw);
}

api.takeSecretFromAddress();
choose_language(localStorage.getItem("aggd-language") ?? navigator.language.slice(0, 2));
$("language").addEventListener("change", (event) => {
  localStorage.setItem("aggd-language", event.target.value);
  choose_language(event.target.value);
  event.target.blur();
  draw();
});
addEventListener("hashchange", turn);
turn();
if (api.secret()) listen();
