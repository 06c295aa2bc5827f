// SPDX-License-Identifier: MIT
// What the daemon says is English. A language has a list of [English, its own], in which
// {} is what differs: { pattern, ours } of each, once.
const MOST = 4; // sentences in a sentence
const KNOWN_MAX = 300; // sentences whose translation is remembered
const lists = new WeakMap();

// The list of a text: a sentence in English, then ours behind "= "; a line that is indented
// goes on with the one before it, and # is a heading.
export function pairs(text) {
  const list = [];
  for (const line of text.split("\n")) {
    if (!line || line.startsWith("#")) continue;
    const last = list.at(-1);
    if (line.startsWith("  ")) last[last.length - 1] += " " + line.trim();
    else if (line.startsWith("= ")) last.push(line.slice(2));
    else list.push([line]);
  }
  return list;
}

const quoted = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
function patterns(list) {
  if (!lists.has(list))
    lists.set(list, {
      known: new Map(),
      patterns: list.map(([english, ours]) => ({
        pattern: new RegExp(`^${english.split("{}").map(quoted).join("(.+?)")}$`),
        ours,
        long: english.includes("; "),
        within: english === "{} and {}", // of names, never of a whole sentence
      })),
    });
  return lists.get(list);
}

// At a sign that is not in brackets.
function split(text, sign) {
  const parts = [];
  let from = 0,
    depth = 0;
  for (let i = 0; i < text.length; i++) {
    depth += { "(": 1, ")": -1 }[text[i]] ?? 0;
    if (depth || !text.startsWith(sign, i)) continue;
    parts.push(text.slice(from, i));
    from = i + sign.length;
  }
  return [...parts, text.slice(from)];
}

// Its parts, each in our language; as it is where none of them has a word there.
function apart(list, text, depth, sign, ours) {
  const parts = split(text, sign);
  if (parts.length === 1) return null;
  const said = parts.map((part) => phrase(list, part, depth));
  return said.some((part, i) => part !== parts[i]) ? said.join(ours) : null;
}

function phrase(list, text, depth) {
  const several = split(text, "; ").length > 1;
  for (const { pattern, ours, long, within } of patterns(list).patterns) {
    const found = (within && !depth) || (several && !long) ? null : pattern.exec(text);
    if (!found) continue;
    let i = 0;
    return ours.replaceAll("{}", () => {
      const part = found[++i];
      return depth < MOST ? phrase(list, part, depth + 1) : part;
    });
  }
  return apart(list, text, depth, "; ", " ; ") ?? apart(list, text, depth, ", ", ", ") ?? text;
}

// Behind where it is: "/etc/config/aggd:7: ", or who says it.
function line_of(list, line) {
  const { known } = patterns(list);
  const [, before, words] = /^(\s*(?:\S+:\d+: |aggctl: )?)(.*?)\s*$/.exec(line);
  if (!words) return line;
  if (!known.has(words)) {
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(words, phrase(list, words, 0));
  }
  return before + known.get(words);
}

// Line by line; what has no translation stays as it is.
export const told = (list, text) =>
  list.length && text
    ? text
        .split("\n")
        .map((line) => line_of(list, line))
        .join("\n")
    : text;

// Of a command the comment: "ping VPS   # then let port 443 in".
export const told_remedy = (list, text) =>
  text.replace(/(# )(.*)$/, (all, sign, words) => sign + told(list, words));
