// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The aggd authors
//
// The completion times of all runs as curves: how many of the streams were complete within
// a time. The two runs that are shown are drawn strong, the others fine; the bound, which no
// scheduler can be left of, is dotted.
'use strict';

const CURVES_LEFT = 44, CURVES_RIGHT = 12, CURVES_TOP = 8, CURVES_BOTTOM = 34;
const CURVES_HEIGHT = 300;
const LOG_FROM = 20;         // times that differ by more are drawn on a logarithmic axis
const CURVES_TIME_PX = 46;   // between two times on it
const CURVE_NEAR_PX = 24;

function svg(tag, attributes, text) {
	const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
	for (const [name, value] of Object.entries(attributes || {}))
		element.setAttribute(name, value);
	if (text !== undefined)
		element.textContent = text;
	return element;
}

// Both ways between times and places, for a width.
function curvesScale(trace, load, width) {
	const all = trace.runs.flatMap((run) =>
		completionTimesUs(run, load).concat(boundsUs(run, load)));
	const max = Math.max(1, ...all), min = Math.max(1, Math.min(max, ...all));
	const log = max / min > LOG_FROM;
	const span = width - CURVES_LEFT - CURVES_RIGHT;
	const height = CURVES_HEIGHT - CURVES_TOP - CURVES_BOTTOM;
	const share = log ? (us) => Math.log(Math.max(us, min) / min) / Math.log(max / min)
		: (us) => us / max;
	return {
		min, max, log, width, right: width - CURVES_RIGHT, bottom: CURVES_TOP + height,
		x: (us) => CURVES_LEFT + span * share(us),
		y: (part) => CURVES_TOP + height * (1 - part),
		us: (x) => {
			const s = (x - CURVES_LEFT) / span;
			return log ? min * (max / min) ** s : max * s;
		},
		part: (y) => 1 - (y - CURVES_TOP) / height,
	};
}

// Steps: the share rises where a stream completes. A run that left streams undone ends low.
function curvePoints(timesUs, count, scale) {
	let points = `M${CURVES_LEFT} ${scale.y(0).toFixed(1)}`;
	timesUs.forEach((us, i) => {
		points += `H${scale.x(us).toFixed(1)}V${scale.y((i + 1) / count).toFixed(1)}`;
	});
	return timesUs.length ? points + `H${scale.right}` : '';
}

function makeCurves(trace, load, names, width) {
	const scale = curvesScale(trace, load, width);
	const root = svg('svg', {
		width, height: CURVES_HEIGHT, viewBox: `0 0 ${width} ${CURVES_HEIGHT}`, role: 'img',
		'aria-label': `Completion times of ${names.join(', ')}, as in the table`,
	});
	addCurvesAxes(root, scale);
	addBoundCurve(root, trace, load, scale);
	const curves = trace.runs.map((run, i) => {
		const times = completionTimesUs(run, load);
		const count = streamsOf(run, load).length || 1;
		const path = svg('path', {
			class: 'curve', d: curvePoints(times, count, scale),
			'stroke-dasharray': runDash(i),
		});
		path.style.stroke = runColour(i);
		root.append(path);
		return { path, times, count };
	});
	const dot = svg('circle', { class: 'dot', r: 4.5, visibility: 'hidden' });
	return { root, scale, curves, dot };
}

function addCurvesAxes(root, scale) {
	for (const part of [0, 0.25, 0.5, 0.75, 1]) {
		const y = Math.round(scale.y(part)) + 0.5;
		addGridLine(root, `M${CURVES_LEFT} ${y}H${scale.right}`);
		addText(root, CURVES_LEFT - 6, y + 3.5, 'end', `${part * 100}${THIN}%`);
	}
	for (const us of curvesTimes(scale)) {
		const x = Math.round(scale.x(us)) + 0.5;
		addGridLine(root, `M${x} ${CURVES_TOP}V${scale.bottom}`);
		addText(root, x, scale.bottom + 15, 'middle', us ? trimZeros(showTime(us)) : '0');
	}
	addText(root, scale.right, scale.bottom + 30, 'end',
		`completion time${scale.log ? ', logarithmic' : ''}`);
}

function addGridLine(root, d) {
	root.append(svg('path', { class: 'grid', d }));
}

function addText(root, x, y, anchor, text) {
	root.append(svg('text', { x, y, 'text-anchor': anchor }, text));
}

function curvesTimes(scale) {
	if (!scale.log)
		return evenValues(scale.max, Math.max(2, Math.floor(scale.width / 90)));
	const times = [];
	let last = Infinity;
	for (let v = rounderBelow(scale.max * 1.01); v >= scale.min; v = rounderBelow(v)) {
		if (last - scale.x(v) < CURVES_TIME_PX)
			continue;
		times.push(v);
		last = scale.x(v);
	}
	return times;
}

function addBoundCurve(root, trace, load, scale) {
	const bounds = boundsUs(trace.runs[0], load);
	root.append(svg('path', { class: 'bound', d: curvePoints(bounds, bounds.length, scale) }));
	const mean = (trace.loads[load] || {}).bound_ms ?? null;
	if (mean === null)
		return;
	const x = Math.max(CURVES_LEFT, Math.min(scale.right, scale.x(mean * 1000)));
	root.append(svg('path', { class: 'bound-mean', d: `M${x} ${CURVES_TOP}V${scale.bottom}` }));
}

// The share of a run's streams that were complete within a time.
function shareWithin(curve, us) {
	let low = 0, high = curve.times.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (curve.times[middle] <= us)
			low = middle + 1;
		else
			high = middle;
	}
	return low / curve.count;
}

// The time within which that share was complete; Infinity: never.
function timeOfShare(curve, share) {
	const at = Math.max(0, Math.ceil(share * curve.count) - 1);
	return at < curve.times.length ? curve.times[at] : Infinity;
}

// The run whose curve is nearest, across or along; the runs that are shown win a tie.
function nearestCurve(chart, x, y, shown) {
	const us = chart.scale.us(x), part = chart.scale.part(y);
	let best = -1, least = CURVE_NEAR_PX;
	chart.curves.forEach((curve, i) => {
		const across = Math.abs(chart.scale.y(shareWithin(curve, us)) - y);
		const along = Math.abs(chart.scale.x(timeOfShare(curve, part)) - x);
		const distance = Math.min(across, along) - (shown.includes(i) ? 0.5 : 0);
		if (curve.times.length && distance < least) {
			least = distance;
			best = i;
		}
	});
	return best;
}

// The strong ones last, so that nothing covers them.
function markCurves(chart, shown, named) {
	const rank = (i) => (i === named ? 2 : shown.includes(i) ? 1 : 0);
	const order = chart.curves.map((_, i) => i).sort((a, b) => rank(a) - rank(b));
	for (const i of order) {
		const path = chart.curves[i].path;
		path.classList.toggle('strong', shown.includes(i) || i === named);
		path.classList.toggle('away', named >= 0 && i !== named);
		chart.root.append(path);
	}
	chart.root.append(chart.dot);
}

// Where on the curve of a run the mouse is; -1: nowhere.
function markMoment(chart, run, us) {
	chart.dot.setAttribute('visibility', run < 0 ? 'hidden' : 'visible');
	if (run < 0)
		return;
	const { scale } = chart;
	chart.dot.setAttribute('cx', Math.max(CURVES_LEFT, Math.min(scale.right, scale.x(us))));
	chart.dot.setAttribute('cy', scale.y(shareWithin(chart.curves[run], us)));
	chart.dot.style.setProperty('--hue', runColour(run));
}
