// SPDX-License-Identifier: MIT
// Whatever the daemon may say on the page is known in French: its sentences are read from the
// sources of whoever speaks, with samples in place of what differs, and none may stay English.
//
//     sentences_test.mjs ROOT
import { readdirSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const root = process.argv[2];
const from = (file) => import(pathToFileURL(`${root}/web/page/${file}`));
const { told } = await from("told.js");
const french = (await from("fr.js")).default.daemon;

// Folders and files of whoever speaks. (agg/report/limit.c is told_test.mjs's.)
const SPEAKERS = [
  "agg/conf",
  "agg/doctor",
  "agg/pair",
  "agg/role",
  "agg/role/mptcp",
  "agg/ctl/client.c",
  "agg/ctl/measured.c",
  "agg/ctl/verb_join.c",
  "agg/history/history_show.c",
  "agg/kernel/netdev.c",
  "agg/kernel/rpfilter.c",
  "agg/transport/greet.c",
  "agg/transport/subflow.c",
  "agg/transport/subflow_in.c",
  "agg/transport/subflow_out.c",
  "agg/transport/watch.c",
  "scheduler",
  "scheduler/sim/advise.c",
  "scheduler/sim/advise_reason.c",
  "web/server.c",
];
// Of these the page shows nothing: commands of a terminal, files that are written, words for
// the log, manuals, a build without a page.
const SILENT = /\/(gwconf|setup|service|keys|edit|redact|rivals|compare|dscp|sitefile|check_sites_none)\.c$/;
const UNHEARD =
  /^(log_\w+|assert|static_assert|_Static_assert|str\w+|sscanf|mem\w+|open|fopen|popen|access|is_\w+|kerr_set|keeper_fail_from|session_close|text_of|part_of|snapshot_log_suspect|number_of|file_has|HELP)$/;

const LITERAL = /"((?:[^"\\]|\\.)*)"/g;
function* literals(source) {
  const text = source
    .replace(/\\\n/g, "\n")
    .replace(/\/\*.*?\*\//gs, "")
    .replace(/^#include.*$/gm, "")
    .replace(/'(?:"|\\.)'/g, "0")
    .replace(/"\s*PRIu64\s*"/g, "u")
    .replace(/"\s*PRIu64/g, 'u"');
  let whole = null,
    end = 0,
    call = "";
  for (const found of text.matchAll(LITERAL)) {
    if (whole !== null && /^\s*$/.test(text.slice(end, found.index))) {
      whole += found[1];
    } else {
      if (whole !== null) yield { call, whole };
      const before = text.slice(Math.max(0, found.index - 300), found.index);
      call = /(\w+)\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*$/.exec(before)?.[1] ?? "";
      whole = found[1];
    }
    end = found.index + found[0].length;
  }
  if (whole !== null) yield { call, whole };
}

const CONVERSION = /%[-+#0]*[0-9*]*(?:\.[0-9*]+)?(?:hh|ll|h|l|z)?([a-zA-Z%])/g;
const sample = (text) =>
  text
    .replace(/\\n$/, "")
    .replace(CONVERSION, (all, kind) => (kind === "%" ? "%" : kind === "s" ? "xyz" : "42"));

// What is put together of parts is said here as a whole, which the parts themselves are not.
const WHOLE = JSON.parse(readFileSync(`${root}/tests/unit/web/sentences.json`, "utf8"));
const parts = new Set(WHOLE.parts);

const ENGLISH =
  /\b(is|are|was|were|the|and|as|it|its|at|not|no|by|in|has|have|that|this|these|with|for|of|from|there|which|be|been|more|than|then|needed|allowed|nobody|somebody|needs|takes|who|whose|what|why|where|when|while|until|once|only|other|another|each|every|all|none|already|yet|now|here)\b/;
const is_sentence = (text) =>
  /[a-z]{2,} /.test(text) &&
  !/^[-/\s]*[\w./=-]+$/.test(text) &&
  !/[{}]|_bytes|\\"/.test(text) &&
  (text.match(/[a-z]{2,}/g)?.length ?? 0) > 1;

let failed = 0,
  count = 0;
function check(text, where) {
  count++;
  const said = told(french, text);
  const rest = said.replace(/«[^»]*»|'[^']*'|\(from [^)]*\)|xyz|--\w+/g, "");
  if (said !== text && !ENGLISH.test(rest)) return;
  failed++;
  console.log(`${where}: ${text} => ${said}`);
}

function look_at(file) {
  const source = readFileSync(`${root}/${file}`, "utf8");
  for (const { call, whole } of literals(source)) {
    if (UNHEARD.test(call) || parts.has(whole)) continue;
    if (file === "agg/role/verbs.c" && !call) continue; // the list for a terminal
    const remark = /   # (.*)$/.exec(whole)?.[1];
    if (file.endsWith("symptom.c") || remark) {
      if (remark && is_sentence(remark)) check(sample(remark), file);
    } else if (is_sentence(whole)) {
      for (const line of whole.split("\\n")) if (is_sentence(line)) check(sample(line).trim(), file);
    }
  }
}

for (const name of SPEAKERS) {
  const files = name.endsWith(".c")
    ? [name]
    : readdirSync(`${root}/${name}`).filter((f) => f.endsWith(".c")).map((f) => `${name}/${f}`);
  for (const file of files) if (!SILENT.test(file)) look_at(file);
}
// The doctor's steps have a name in both languages.
const { steps } = (await from("fr.js")).default,
  english = (await from("en.js")).default.steps;
const doctor = ["doctor", "symptom"].map((f) => readFileSync(`${root}/agg/doctor/${f}.c`, "utf8"));
const named = [
  ...doctor[0].matchAll(/add\((?:&w|w), "(\w+)"/g),
  ...doctor[1].matchAll(/SYMPTOM_OF_\w+, "[^"]*", "(\w+)"/g),
].map((found) => found[1]);
for (const step of new Set(named))
  if (!steps[step] || !english[step]) {
    failed++;
    console.log("a step without a name:", step);
  }
if (named.length < 50) failed++;
for (const text of WHOLE.whole) check(text, "whole");
// What is no part any more is not to stand there.
const said = new Set();
for (const name of SPEAKERS.flatMap((n) =>
  n.endsWith(".c") ? [n] : readdirSync(`${root}/${n}`).filter((f) => f.endsWith(".c")).map((f) => `${n}/${f}`),
))
  for (const { whole } of literals(readFileSync(`${root}/${name}`, "utf8"))) said.add(whole);
for (const part of parts)
  if (!said.has(part)) {
    failed++;
    console.log("sentences.json: nobody says", part);
  }
console.log(`${count} sentences, ${failed} failed`);
process.exit(failed || count < 300 ? 1 : 0);
