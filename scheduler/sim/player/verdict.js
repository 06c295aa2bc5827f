// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The aggd authors
//
// Who won, by how much, and how far that is from the least that is possible: one sentence about
// a load, from the figures of the table.
'use strict';

const LEVEL = 1.02;         // who is within two percent is level
const LEVEL_NAMES = 3;      // so many are named
const STILL_BUSY = 0.1;     // of all bytes, left on both sides

// The figure by which a load is judged: of which less is better, or, without times, more.
function verdictFigure(trace, load) {
	const of = (key) => trace.runs.map((run) => (run.stats[load] || {})[key] ?? null);
	const times = of('mean_ms');
	return times.some((value) => value !== null)
		? { values: times, less: true, text: (v) => `${showTime(v * 1000)} in the mean` }
		: { values: of('goodput_mbit'), less: false, text: (v) => showRate(v * 1e6 / 8) };
}

// How many times as good a is as b.
function timesAsGood(figure, a, b) {
	const [x, y] = [figure.values[a], figure.values[b]];
	return figure.less ? y / x : x / y;
}

function describeBound(trace, load, value) {
	const bound = (trace.loads[load] || {}).bound_ms ?? null;
	if (bound === null || value < bound)
		return '';
	return `, ${(value / bound).toFixed(2)} times the least possible ` +
		`(${showTime(bound * 1000)})`;
}

function listNames(names) {
	return names.length < 2 ? names.join('') :
		`${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
}

function describeLevel(ranks, level, labels) {
	return level > LEVEL_NAMES
		? `${level} of ${ranks.length} are level, ${labels[ranks[0]]} first`
		: `${listNames(ranks.slice(0, level).map((i) => labels[i]))} are level`;
}

function describeOthers(figure, ranks, level, labels) {
	if (ranks.length === level)
		return '';
	const next = ranks[level], last = ranks[ranks.length - 1];
	const far = (i) => `${labels[i]} with ${figure.text(figure.values[i])}`;
	const times = timesAsGood(figure, ranks[0], next).toFixed(2);
	return `; next is ${far(next)}, ${times} times ${figure.less ? 'as long' : 'slower'}` +
		(last === next ? '' : `, last ${far(last)}`);
}

// '': there is nothing to judge.
function verdict(trace, load, labels) {
	const figure = verdictFigure(trace, load);
	const known = figure.values.map((_, i) => i).filter((i) => figure.values[i] > 0);
	if (!known.length)
		return '';
	const ranks = known.sort((a, b) => timesAsGood(figure, b, a) - 1);
	const best = ranks[0], value = figure.values[best];
	const level = ranks.filter((i) => timesAsGood(figure, best, i) < LEVEL).length;
	const name = trace.loads.length > 1 ? ` for ${trace.loads[load].name}` : '';
	const who = trace.runs.length === 1 ? `${labels[best]}${name}:` : level === 1
		? `${labels[best]} wins${name}:`
		: `${describeLevel(ranks, level, labels)}${name}:`;
	return `${who} ${figure.text(value)}` +
		(figure.less ? describeBound(trace, load, value) : '') +
		`${describeOthers(figure, ranks, level, labels)}.`;
}

// Where to open: where the runs that are shown differ the most while both are busy; of a single
// one, at a third.
function frameWorthSeeing(trace, left, right) {
	const totals = (i) => leftByFrame(trace, trace.runs[i]);
	const a = totals(left), b = totals(right);
	const done = (run, k) => run.streams.filter((s) =>
		phaseOf(s, k * trace.step_us) === DONE).length / (run.streams.length || 1);
	const whole = Math.max(1, ...a, ...b);
	let best = Math.floor(lastFrame(trace) / 3), most = 0;
	for (let k = 0; k <= lastFrame(trace); k++) {
		if (Math.min(a[k] || 0, b[k] || 0) < whole * STILL_BUSY)
			continue;
		const bytes = Math.abs((a[k] || 0) - (b[k] || 0)) / whole;
		const streams = Math.abs(done(trace.runs[left], k) - done(trace.runs[right], k));
		if (bytes + streams > most) {
			most = bytes + streams;
			best = k;
		}
	}
	return best;
}
