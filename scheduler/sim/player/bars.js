// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The aggd authors
//
// The streams of a run as bars. Each keeps its place from start to end and on both sides,
// so that it can be followed by eye. Above the line stands what is left of it, solid where
// it is in flight; below hangs the time that it has taken so far, and a tick where that
// would end if the stream were alone on the paths.
'use strict';

const BARS_LEFT = 50, BARS_RIGHT = 4, BARS_TOP = 10, BARS_BOTTOM = 20;
const BARS_ABOVE = 0.64;      // of the height is for what is left
const BAR_WIDTH_MAX = 34;
const BAR_HEIGHT_MIN = 1.5;   // what is left must be seen, however little
const NAME_WIDTH_MIN = 34;    // a slot narrower than that has no room for a name
const AXIS_GAP = 24;

// The streams that have a bar, by their places: all, or those of a load.
function placesOf(trace, load) {
	const longest = trace.runs.reduce((a, b) => (b.streams.length > a.streams.length ? b : a));
	const places = longest.streams.map((_, i) => i);
	return load < 0 ? places : places.filter((i) => longest.streams[i].load === load);
}

function streamsAt(run, places) {
	return places.map((i) => run.streams[i]).filter((stream) => stream);
}

// What is common to both sides: maxima, so that heights can be compared.
function barsFrame(trace, runs, scale, load) {
	const lastUs = lastFrame(trace) * trace.step_us, places = placesOf(trace, load);
	const sizes = trace.runs.flatMap((run) => streamsAt(run, places).map((s) => s.size));
	const times = runs.flatMap((run) => streamsAt(run, places).flatMap((s) =>
		[tookUs(trace, run, s, lastUs), s.bound_us || 0]));
	return {
		places, slots: Math.max(1, places.length),
		sizeMax: Math.max(1, ...sizes),
		tookMaxUs: Math.max(1, ...times),
		bend: scale === 'root' ? Math.sqrt : (share) => share,
	};
}

// Sizes over some decades look like nothing at all to scale.
function scaleThatSuits(trace) {
	const sizes = trace.runs.flatMap((run) => run.streams.map((s) => s.size));
	sizes.sort((a, b) => a - b);
	const middle = sizes[Math.floor(sizes.length / 2)] || 1;
	const largest = sizes[sizes.length - 1] || 1;
	return largest > 12 * middle || largest > 100 * sizes[0] ? 'root' : 'linear';
}

function barWidth(slot) {
	return Math.min(BAR_WIDTH_MAX, slot > 4 ? slot * 0.7 : Math.max(slot - 0.6, slot * 0.8));
}

// Where everything is on a canvas of that size.
function barsPlaces(canvas, frame) {
	const width = canvas.clientWidth - BARS_LEFT - BARS_RIGHT;
	const height = canvas.clientHeight - BARS_TOP - BARS_BOTTOM;
	const slot = width / frame.slots;
	const above = height * BARS_ABOVE, below = height - above;
	return {
		slot, line: Math.round(BARS_TOP + above),
		right: BARS_LEFT + width, bottom: BARS_TOP + height,
		bar: barWidth(slot),
		up: (bytes) => above * frame.bend(Math.min(1, bytes / frame.sizeMax)),
		down: (us) => below * frame.bend(Math.min(1, us / frame.tookMaxUs)),
	};
}

function drawBars(canvas, view) {
	const { frame, run, seen, colour, theme, chosen } = view;
	const at = barsPlaces(canvas, frame);
	const pen = fitCanvas(canvas);
	pen.font = theme.font;
	pen.lineWidth = 1;
	drawBarsAxes(pen, at, frame, theme);
	frame.places.filter((i) => run.streams[i]).forEach((i, slot) => {
		const x = BARS_LEFT + slot * at.slot + (at.slot - at.bar) / 2;
		if (i === chosen)
			drawChosen(pen, at, slot, theme);
		drawLeft(pen, at, x, run.streams[i], seen.streams[i], colour, theme);
		drawTook(pen, at, x, run.streams[i], seen.streams[i], colour, theme);
	});
	drawLevel(pen, BARS_LEFT, at.right, at.line, theme.dim);
	drawNames(pen, at, streamsAt(run, frame.places), theme);
}

function drawBarsAxes(pen, at, frame, theme) {
	pen.textBaseline = 'middle';
	const tick = (y, text) => {
		drawLevel(pen, BARS_LEFT, at.right, y, theme.hair);
		drawText(pen, trimZeros(text), BARS_LEFT - 6, y, 'right', theme.dim);
	};
	for (const bytes of axisValues(frame.sizeMax, at.up, AXIS_GAP))
		tick(at.line - at.up(bytes), showBytes(bytes));
	for (const us of axisValues(frame.tookMaxUs, at.down, AXIS_GAP))
		tick(at.line + at.down(us), showTime(us));
}

function drawChosen(pen, at, slot, theme) {
	pen.fillStyle = theme.hair;
	pen.globalAlpha = 0.6;
	pen.fillRect(BARS_LEFT + slot * at.slot, BARS_TOP - 4, at.slot, at.bottom - BARS_TOP + 8);
	pen.globalAlpha = 1;
}

// A whole stream is an outline, while it is not done; a thin bar has no room for one.
function drawLeft(pen, at, x, stream, now, colour, theme) {
	if (now.phase === DONE)
		return;
	const whole = Math.max(BAR_HEIGHT_MIN, at.up(stream.size));
	const outlined = at.bar >= 5;
	pen.globalAlpha = outlined ? 0.6 : now.phase === COMING ? 0.5 : 0.25;
	if (outlined) {
		pen.strokeStyle = theme.dim;
		pen.setLineDash(now.phase === COMING ? [2, 2] : []);
		pen.strokeRect(x + 0.5, at.line - whole + 0.5, at.bar - 1, whole);
		pen.setLineDash([]);
	} else {
		pen.fillStyle = theme.hair;
		pen.globalAlpha = 1;
		pen.fillRect(x, at.line - whole, at.bar, whole);
	}
	pen.globalAlpha = 1;
	if (now.phase === ACTIVE)
		drawActive(pen, at, x, now, colour, theme);
}

// In flight is a share of the bar, also where the scale is bent.
function drawActive(pen, at, x, now, colour, theme) {
	const left = Math.max(BAR_HEIGHT_MIN, at.up(now.left));
	const flight = now.left ? left * now.flight / now.left : 0;
	pen.fillStyle = theme.paper;
	pen.fillRect(x, at.line - left, at.bar, left);
	pen.fillStyle = colour;
	pen.globalAlpha = 0.36;
	pen.fillRect(x, at.line - left, at.bar, left - flight);
	pen.globalAlpha = 1;
	pen.fillRect(x, at.line - flight, at.bar, flight);
}

function drawTook(pen, at, x, stream, now, colour, theme) {
	if (now.phase === COMING)
		return;
	pen.fillStyle = colour;
	pen.globalAlpha = now.phase === DONE ? 0.75 : 0.36;
	pen.fillRect(x, at.line + 1, at.bar, Math.max(1, at.down(now.tookUs)));
	pen.globalAlpha = 1;
	if (stream.bound_us === null)
		return;
	pen.fillStyle = theme.ink;
	const overhang = at.bar >= 5 ? 1.5 : 0;
	pen.fillRect(x - overhang, at.line + at.down(stream.bound_us), at.bar + 2 * overhang,
		overhang || 1);
}

function drawNames(pen, at, streams, theme) {
	pen.textBaseline = 'alphabetic';
	const y = at.bottom + BARS_BOTTOM - 3;
	if (at.slot < NAME_WIDTH_MIN) {
		const text = `${plural(streams.length, 'stream')}, each in its place`;
		drawText(pen, text, BARS_LEFT, y, 'left', theme.dim);
		return;
	}
	streams.forEach((stream, i) => {
		const name = cutToWidth(pen, stream.name, at.slot - 4);
		drawText(pen, name, BARS_LEFT + (i + 0.5) * at.slot, y, 'center', theme.dim);
	});
}

function cutToWidth(pen, text, width) {
	let length = Math.min(text.length, 80);
	let cut = text;
	while (length > 0 && pen.measureText(cut).width > width)
		cut = text.slice(0, --length) + '\u2026';
	return cut;
}

// The stream in whose place x is, or -1.
function streamAtX(canvas, frame, x) {
	const at = barsPlaces(canvas, frame);
	const slot = Math.floor((x - BARS_LEFT) / at.slot);
	return frame.places[slot] ?? -1;
}

function streamMiddleX(canvas, frame, i) {
	return BARS_LEFT + (frame.places.indexOf(i) + 0.5) * barsPlaces(canvas, frame).slot;
}

// The stream beside another, round the ends; of none, the first or the last.
function streamBeside(frame, i, move) {
	const { places } = frame, slot = places.indexOf(i);
	const next = slot < 0 && move < 0 ? places.length - 1 : slot + move;
	return places[(next + places.length) % places.length] ?? -1;
}

// What a side has to say of a stream, in a few words.
function describeStream(stream, now) {
	if (!stream)
		return 'not there';
	if (now.phase === COMING)
		return `starts at ${showTime(stream.start_us)}`;
	if (now.phase === DONE)
		return `done in ${showTime(now.tookUs)}`;
	return `${showBytes(now.left)} left, ${showBytes(now.flight)} in flight, ` +
		`begun ${showTime(now.tookUs)} ago`;
}
