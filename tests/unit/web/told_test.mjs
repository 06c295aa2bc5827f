// SPDX-License-Identifier: MIT
// What the daemon says, in French: every sentence that limit_test.c has is translated whole,
// and what nothing is known of stays as it is.
//
//     told_test.mjs ROOT
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const root = process.argv[2];
const from = (file) => import(pathToFileURL(`${root}/web/page/${file}`));
const { told } = await from("told.js");
const french = (await from("fr.js")).default.daemon;
let failed = 0;

function check(good, ...words) {
  if (!good) {
    failed++;
    console.log(...words);
  }
}

const ENGLISH = /\b(is|are|the|and|as|it|at|down|of|to|no|new)\b/;
const source = readFileSync(`${root}/tests/unit/report/limit_test.c`, "utf8");
const sentences = [...source.matchAll(/check\(&r, REPORT_HEALTH_\w+,((?:\s*"[^"]*")+)\)/g)].map(
  (found) => [...found[1].matchAll(/"([^"]*)"/g)].map((part) => part[1]).join(""),
);
check(sentences.length > 15, "only", sentences.length, "sentences");
for (const text of sentences) {
  const said = told(french, text);
  // What others say is in brackets, or is waited for.
  const rest = said.replace(/\((rule|a device)[^)]*\)/g, "").replace(/en attente : .*/, "");
  check(!ENGLISH.test(rest), text, "=>", said);
}
check(
  told(french, sentences.find((text) => text.includes("dsl and lte are full"))) ===
    "réception à 63.0 Mbit/s, car dsl et lte sont pleins, et sat a trop de retard pour porter plus",
  "names are joined",
);
for (const text of ["", "dsl and lte", "a thing; another, and one", "  47.6  18.6 ms\n\nx is y"])
  check(told(french, text) === text, text, "=>", told(french, text));
check(told(french, "  no carrier\nx") === "  pas de porteuse\nx", "lines");
check(
  told(french, "lte is down (no answer; the concentrator's port may be closed, or this uplink's " +
    "access broken); site home is away") ===
    "lte est en panne (pas de réponse ; le port du concentrateur est peut-être fermé, ou cet " +
      "accès en panne) ; le site home est absent",
  "in brackets",
);
check(told([], "no carrier") === "no carrier", "English stays");
// $ is no sign in what the daemon says.
check(told(french, "$&: invited until $1") === "$& : invité jusqu’au $1", "$");
for (const [english, ours] of french)
  check(english.split("{}").length === ours.split("{}").length, "{}:", english);
check(new Set(french.map(([english]) => english)).size === french.length, "twice");
process.exit(failed ? 1 : 0);
