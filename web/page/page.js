// SPDX-License-Identifier: MIT
// The page: which view is shown, what is known, and when it is drawn anew.
import * as api from "./api.js";
import * as devices from "./devices.js";
import * as diagnostics from "./diagnostics.js";
import { card, field, h, mark, picture, s, show } from "./dom.js";
import en from "./en.js";
import * as forwards from "./forwards.js";
import fr from "./fr.js";
import * as history from "./history.js";
import * as overview from "./overview.js";
import * as scheduler from "./scheduler.js";
import * as setup from "./setup.js";
import * as streams from "./streams.js";
import { told, told_remedy } from "./told.js";
import * as uplinks from "./uplinks.js";

const texts = { en, fr };
const RETRY_MS = 2000;
// Each: a function of what is known to elements; ask, what it asks besides the state, and
// every_ms, how often. Its sign in the menu.
const views = {
  overview: { ...overview, draw: overview.overview, sign: "M4 14v6h16v-6M12 4v10M8 10l4 4 4-4" },
  uplinks: { ...uplinks, draw: uplinks.uplinks, sign: "M4 7c8 0 8 5 16 5M4 17c8 0 8-5 16-5" },
  devices: { ...devices, draw: devices.devices, sign: "M4 5h16v10H4zM9 19h6M12 15v4" },
  streams: { ...streams, draw: streams.streams, sign: "M4 7h12l-3-3M20 17H8l3 3" },
  history: { ...history, draw: history.history, sign: "M4 20V4M4 20h16M8 16l4-5 3 3 5-7" },
  scheduler: { ...scheduler, draw: scheduler.scheduler, sign: "M5 12h5l4-6h5M10 12l4 6h5" },
  forwards: { ...forwards, draw: forwards.forwards, sign: "M4 12h13M13 7l5 5-5 5M20 5v14" },
  setup: { ...setup, draw: setup.setup, sign: "M12 4v16M4 12h16" },
  diagnostics: { ...diagnostics, draw: diagnostics.diagnostics, sign: "M3 12h5l2-6 4 12 2-6h5" },
};
const PAGES = {
  gateway: [
    "overview",
    "uplinks",
    "devices",
    "streams",
    "history",
    "scheduler",
    "setup",
    "diagnostics",
  ],
  concentrator: [
    "overview",
    "uplinks",
    "streams",
    "scheduler",
    "forwards",
    "setup",
    "diagnostics",
  ],
  unpaired: ["setup", "diagnostics"],
};
const known = {
  state: null,
  data: null,
  recent: [],
  said: "",
  error: null,
  denied: "",
  busy: false,
  tell: (text) => told(t.daemon, text),
  tell_remedy: (text) => told_remedy(t.daemon, text),
  say,
  run,
  again,
  logout,
};
let t = en,
  page = "overview",
  asked = 0;

const $ = (id) => document.getElementById(id);
const pages = () =>
  !known.state ? [] : known.state.paired === false ? PAGES.unpaired : PAGES[known.state.role];

function choose_language(name) {
  t = texts[name] ?? en;
  document.documentElement.lang = texts[name] ? name : "en";
  $("language").value = document.documentElement.lang;
  document.querySelector(".skip").textContent = t.skip;
}

// The first visit leads through joining.
function settle_page() {
  const list = pages();
  const name = location.hash.replace(/^#\//, "");
  const now = !list.length || list.includes(name) ? name || "overview" : list[0];
  if (now === page) return;
  if (list.length && now !== name) window.history.replaceState(null, "", "#/" + now);
  page = now;
  known.data = null;
  known.said = known.denied = "";
  known.failed = false;
  asked = 0;
}

function draw_menu() {
  const draw = (name) =>
    h(
      "li",
      { key: name },
      h(
        "a",
        { href: "#/" + name, "aria-current": name === page ? "page" : null },
        s(
          "svg",
          { viewBox: "0 0 24 24", "aria-hidden": "true" },
          s("path", { d: views[name].sign }),
        ),
        name === "setup" && known.state.role === "concentrator" ? t.sites : t[name],
      ),
    );
  show($("menu"), pages().map(draw));
}

function draw_head() {
  const { state, error } = known;
  const kinds = { up: "good", degraded: "warn", down: "bad" };
  $("role").textContent = state ? t[state.role] : "";
  show($("state"), [
    error
      ? mark(t.lost, "bad")
      : state
        ? state.paired === false
          ? mark(t.not_joined, "quiet")
          : mark(t[state.state] ?? state.state, kinds[state.state] ?? "quiet")
        : null,
  ]);
  $("footer").textContent = state ? `aggd ${state.version}` : "";
  document.body.classList.toggle("alone", !pages().length);
  document.title =
    (page && state ? `${t[page]} – ` : "") +
    "aggd" +
    (state && state.state !== "up" ? ` (${t[state.state]})` : "");
}

function login_form() {
  const onsubmit = (event) => {
    event.preventDefault();
    api.setSecret(new FormData(event.target).get("secret"));
    known.refused = null;
    draw();
    listen();
  };
  return [
    picture(
      "locked",
      t.login,
      t.login_more,
      h(
        "form",
        { class: "login", onsubmit },
        field(
          t.secret,
          h("input", {
            name: "secret",
            type: "password",
            required: true,
            autocomplete: "current-password",
          }),
        ),
        h("button", null, t.login_go),
      ),
      known.refused
        ? h("p", { class: "bad", role: "alert" }, known.refused === 429 ? t.wait : t.wrong)
        : null,
    ),
  ];
}

function content() {
  if (!api.secret() || known.refused) return login_form();
  if (known.error && !known.state) return [picture("bad", t.lost, t.lost_more)];
  if (!known.state) return [picture("loading", t.loading)];
  return [
    known.error
      ? card(null, h("p", { class: "bad", role: "alert" }, `${t.lost}. ${t.lost_more}`))
      : null,
    known.denied
      ? picture("bad", t.not_here, known.tell(known.denied))
      : views[page].draw(t, known),
  ];
}

function draw() {
  settle_page();
  draw_menu();
  draw_head();
  $("main").dataset.page = known.state ? page : "";
  show($("main"), content());
}

// What the page asks for itself.
async function ask_more() {
  const view = views[page];
  if (!known.state || !view.ask || Date.now() - asked < view.every_ms) return;
  asked = Date.now();
  const of = page;
  try {
    const data = await view.ask(known.state);
    if (of !== page) return;
    known.data = data;
    known.denied = "";
  } catch (error) {
    if (of === page && error.status === 422) known.denied = error.message;
    else if (!refused(error)) known.error ??= null;
  }
}

async function again() {
  asked = 0;
  await ask_more();
  draw();
}

// An order, whose answer is shown.
async function say(answer) {
  known.failed = false;
  try {
    known.said = known.tell((await answer).trim());
  } catch (error) {
    known.failed = true;
    known.said = known.tell(error.message);
  }
  await again();
}

// What takes longer: it tells where it is, and in the end how it went.
async function run(work, on_done) {
  if (known.busy) return;
  known.busy = true;
  known.said = "";
  known.failed = false;
  draw();
  try {
    const text = await work((so_far) => {
      known.said = known.tell(so_far.trim());
      draw();
    });
    known.said = known.tell(text.trim());
    on_done?.();
  } catch (error) {
    known.failed = true;
    known.said = known.tell(error.message);
  }
  known.busy = false;
  await again();
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
      const first = known.state?.paired !== state.paired;
      known.state = state;
      known.error = null;
      if (first) draw();
      overview.note(known.recent, state);
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
  draw();
  scrollTo(0, 0);
  ask_more().then(draw);
}

api.takeSecretFromAddress();
choose_language(localStorage.getItem("aggd-language") ?? navigator.language.slice(0, 2));
$("language").addEventListener("change", (event) => {
  localStorage.setItem("aggd-language", event.target.value);
  choose_language(event.target.value);
  draw();
});
addEventListener("hashchange", turn);
addEventListener("resize", () => draw());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
draw();
if (api.secret()) listen();
