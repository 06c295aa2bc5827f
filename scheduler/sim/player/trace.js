// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The aggd authors
//
// What the trace says, asked at a frame. Knows nothing of the page.
//
//     { version, title, note, seed, repeat, step_us,
//       paths: [{ name, rate_bps, delay_us, queue_bytes }], loads: [{ name, kind, count }],
//       runs: [{ scheduler, order, reinjection, end_us, twice_percent, stats: [by load],
//                streams: [{ name, load, size, start_us, end_us, bound_us }],
//                frames: [[ [[stream, left, in flight]...], [[queue, pipe, rate]...] ]...] }] }
//
// Frame k is at k * step_us. What is shown is always a frame, never a mean of two. stats are of
// all repetitions, the rest is of the first. null: not known, or never.
'use strict';

const TRACE_VERSION = 1;
const COMING = 0, ACTIVE = 1, DONE = 2;

// The last frame of the page: all runs have shown their end there.
function lastFrame(trace) {
	return Math.max(0, ...trace.runs.map((run) => Math.max(run.frames.length - 1,
		Math.ceil((run.end_us || 0) / trace.step_us))));
}

// A run's last frame stands for all that is after it.
function frameOf(run, k) {
	return run.frames[Math.min(k, run.frames.length - 1)] || [[], []];
}

function phaseOf(stream, atUs) {
	if (atUs < stream.start_us)
		return COMING;
	return stream.end_us !== null && stream.end_us <= atUs ? DONE : ACTIVE;
}

// All of a run at a frame: its streams, its paths, their sums.
function snapshot(trace, run, k) {
	const atUs = k * trace.step_us;
	const [parts, paths] = frameOf(run, k);
	const seen = { atUs, paths, done: 0, left: 0, flight: 0 };
	seen.streams = run.streams.map((stream) => {
		const phase = phaseOf(stream, atUs);
		const left = phase === DONE ? 0 : stream.size;
		seen.done += phase === DONE;
		return { phase, left, flight: 0, tookUs: tookUs(trace, run, stream, atUs) };
	});
	for (const [index, left, flight] of parts) {
		const stream = seen.streams[index];
		if (!stream || stream.phase === DONE)
			continue;
		stream.left = left;
		stream.flight = Math.min(flight, left);
		seen.flight += stream.flight;
	}
	for (const stream of seen.streams)
		seen.left += stream.phase === ACTIVE ? stream.left : 0;
	return seen;
}

// Of a stream that is never complete: until its run was given up.
function tookUs(trace, run, stream, atUs) {
	const endUs = stream.end_us === null ? run.frames.length * trace.step_us : stream.end_us;
	return Math.max(0, Math.min(atUs, endUs) - stream.start_us);
}

// What is left of all streams of a run, by frame, until all is done or the run is given up.
function leftByFrame(trace, run) {
	const end = Math.ceil((run.end_us || 0) / trace.step_us);
	const count = Math.max(run.frames.length, end + 1);
	return Array.from({ length: count }, (_, k) => snapshot(trace, run, k).left);
}

function streamsOf(run, load) {
	return run.streams.filter((stream) => stream.load === load);
}

function completionTimesUs(run, load) {
	return streamsOf(run, load).filter((s) => s.end_us !== null)
		.map((s) => s.end_us - s.start_us).sort((a, b) => a - b);
}

function boundsUs(run, load) {
	return streamsOf(run, load).map((s) => s.bound_us).filter((b) => b !== null)
		.sort((a, b) => a - b);
}

const POLICIES = ['scheduler', 'order', 'reinjection'];

// As many of a run's policies as tell it from all others.
function runName(run, runs) {
	for (let count = 1; count <= POLICIES.length; count++) {
		const name = policiesOf(run, count);
		if (runs.filter((other) => policiesOf(other, count) === name).length === 1)
			return name;
	}
	return `${policiesOf(run, POLICIES.length)}/${runs.indexOf(run) + 1}`;
}

function policiesOf(run, count) {
	return POLICIES.slice(0, count).map((policy) => run[policy]).join('/');
}

// What most runs have.
function usual(runs, policy) {
	const count = (value) => runs.filter((run) => run[policy] === value).length;
	return runs.map((run) => run[policy]).reduce((a, b) => (count(b) > count(a) ? b : a), '');
}

// The policies of a run that are not the usual ones, unless its name says them.
function runExtras(run, runs) {
	const said = runName(run, runs).split('/').length;
	return POLICIES.slice(said).map((policy) => run[policy])
		.filter((value, i) => value !== usual(runs, POLICIES[said + i]));
}

function nameForPeople(name) {
	return name.replaceAll('/', '\u00a0\u00b7 ');
}

// By its name, or the first with these policies. -1: no such.
function findRun(runs, names, wanted) {
	const at = names.indexOf(wanted);
	return at >= 0 ? at : runs.findIndex((run) =>
		`${policiesOf(run, POLICIES.length)}/`.startsWith(`${wanted}/`));
}

// How slow a run was over all loads, to find the best; where nothing was done, endlessly.
function meanSlowdown(run) {
	const known = run.stats.map((stats) => stats.slowdown).filter((value) => value !== null);
	return known.length ? known.reduce((a, b) => a + b) / known.length : Infinity;
}

function hasTimes(trace, load) {
	return trace.runs.some((run) => run.stats[load] && run.stats[load].mean_ms !== null);
}

// The first whose objects have completion times.
function loadToShow(trace) {
	return Math.max(0, trace.loads.findIndex((_, load) => hasTimes(trace, load)));
}

const USUAL_SCHEDULERS = ['ecf', 'lowrtt'];

// What to compare at first: the best run with what is usually taken, or with any other.
function runsToCompare(runs) {
	const slowdowns = runs.map(meanSlowdown);
	const left = slowdowns.indexOf(Math.min(...slowdowns));
	const name = USUAL_SCHEDULERS.find((wanted) => wanted !== runs[left].scheduler &&
		runs.some((run) => run.scheduler === wanted));
	const right = runs.findIndex((run) => run.scheduler === name);
	return { left, right: right >= 0 ? right : left ? 0 : runs.length - 1 };
}

// The longest time to arrival worth drawing: hardly ever does more stand in a queue.
// A path without a rate would take for ever, so such moments do not count.
function arrivalMaxUs(trace) {
	const longest = trace.paths.map((path, p) => {
		const links = trace.runs.flatMap((run) => run.frames.map((frame) => frame[1][p]));
		const waits = links.filter((link) => link && link[2] > 0)
			.map(([queueBytes, , rateBps]) => queueBytes * 1e6 / rateBps);
		waits.sort((a, b) => a - b);
		return path.delay_us + (waits[Math.floor(waits.length * 0.99)] || 0);
	});
	return Math.max(1000, ...longest);
}

// A path of a recorded rate may have more at times than its nominal rate.
function rateMaxBps(trace, p) {
	let max = trace.paths[p].rate_bps;
	for (const run of trace.runs)
		for (const frame of run.frames)
			max = Math.max(max, frame[1][p] ? frame[1][p][2] : 0);
	return max;
}
