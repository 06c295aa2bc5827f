// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The aggd authors
//
// Numbers as words, and words as numbers.
'use strict';

const NOT_KNOWN = '\u2013';
const THIN = '\u202f'; // between a number and its unit: narrow, and no line breaks there

function threeDigits(n) {
	return n >= 99.95 ? n.toFixed(0) : n >= 9.995 ? n.toFixed(1) : n.toFixed(2);
}

// The largest unit in which n is not below one, with three digits.
function withUnit(n, units) {
	let at = 0;
	while (at < units.length - 1 && n >= 999.5) {
		n /= 1000;
		at++;
	}
	const digits = at || n % 1 ? threeDigits(n) : String(n);
	return digits + THIN + units[at];
}

function showBytes(n) {
	return withUnit(n, ['B', 'KB', 'MB', 'GB']);
}

function showTime(us) {
	return us === null ? NOT_KNOWN : withUnit(us, ['µs', 'ms', 's']);
}

// Rates are bytes/s in the trace, bits to people.
function showRate(bps) {
	return withUnit(bps * 8, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s']);
}

// A round number on an axis: no digits that say nothing.
function trimZeros(text) {
	return text.replace(/\.0+(?=\D)/g, '').replace(/(\.\d*[1-9])0+(?=\D)/g, '$1');
}

// A clock shows as many digits as a step has, so that it does not jump about.
function showClock(us, stepUs) {
	const decimals = stepUs % 1000 ? 4 : stepUs % 100000 ? 3 : 1;
	return (us / 1e6).toFixed(decimals) + THIN + 's';
}

// 1.2s, 300ms, 50us; a bare number is seconds. null: not a time.
function readTimeUs(text) {
	const match = /^(\d+(?:\.\d+)?)(us|ms|s|)$/.exec(text);
	if (!match)
		return null;
	return Number(match[1]) * { us: 1, ms: 1000, s: 1e6, '': 1e6 }[match[2]];
}

function plural(n, noun) {
	return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

// 1, 2 or 5 times a power of ten: the next such number below.
function rounderBelow(n) {
	const power = 10 ** Math.floor(Math.log10(n) - 1e-9);
	const first = [5, 2, 1].find((m) => m * power < n * (1 - 1e-9));
	return first * power;
}

// Values for an axis, rarest first from max down, none closer than gap to the one
// before or to zero, by the place that each would have.
function axisValues(max, place, gap) {
	const values = [];
	let last = Infinity;
	for (let v = max * (1 + 1e-6), i = 0; v > 0 && i < 30; i++) {
		v = rounderBelow(v);
		if (place(v) < gap)
			break;
		if (last - place(v) >= gap) {
			values.push(v);
			last = place(v);
		}
	}
	return values;
}

// The same distance between all of them, at most count of them, zero first.
function evenValues(max, count) {
	if (!(max > 0))
		return [0];
	const power = 10 ** Math.floor(Math.log10(max / count));
	const step = [1, 2, 5, 10].map((m) => m * power).find((s) => max / s <= count);
	const values = [];
	for (let i = 0; i * step <= max * (1 + 1e-9); i++)
		values.push(i * step);
	return values;
}
