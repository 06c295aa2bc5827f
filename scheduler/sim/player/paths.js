// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The aggd authors
//
// The paths of a run. Each is drawn along the time until arrival, which is at the right end
// for all: a pipe as long as the path's delay and as thick as its rate, filled by what is on
// its way; before it stands the queue, as long as it takes to drain. So the length of both is
// the time after which a byte sent now arrives.
'use strict';

const TUBE_MIN_PX = 5, TUBE_MORE_PX = 13;

// What does not change while a trace is shown.
function pathsFrame(trace) {
	const rates = trace.paths.map((_, p) => rateMaxBps(trace, p));
	return { arrivalMaxUs: arrivalMaxUs(trace), rates, fastest: Math.max(1, ...rates) };
}

function makePaths(side, trace, frame) {
	const list = side.querySelector('.paths');
	list.setAttribute('aria-label', 'Paths');
	const rows = trace.paths.map((path, p) => makePath(path, p, frame));
	list.replaceChildren(...rows.map((row) => row.item));
	makeArrivalAxis(side.querySelector('.axis'), frame);
	return rows;
}

function makePath(path, p, frame) {
	const item = document.getElementById('path').content.firstElementChild.cloneNode(true);
	const find = (selector) => item.querySelector(selector);
	const thick = TUBE_MIN_PX + TUBE_MORE_PX * Math.sqrt(frame.rates[p] / frame.fastest);
	find('.name').textContent = path.name;
	find('.track').style.setProperty('--hue', pathColour(p));
	find('.track').style.setProperty('--thick', `${thick.toFixed(1)}px`);
	find('.tube').style.width = percent(path.delay_us / frame.arrivalMaxUs);
	return {
		item, spec: find('.spec'), queue: find('.queue'), pipe: find('.pipe'),
		full: find('.full'), standing: find('.standing'), flow: find('.tube > i'),
	};
}

function percent(share) {
	return `${(100 * Math.max(0, Math.min(1, share))).toFixed(2)}%`;
}

function makeArrivalAxis(axis, frame) {
	const values = evenValues(frame.arrivalMaxUs, 4);
	axis.replaceChildren(...values.map((us) => {
		const tick = make('span', '', us ? trimZeros(showTime(us)) : '0');
		tick.style.right = percent(us / frame.arrivalMaxUs);
		// A name at an end would hang over it.
		if (!us || us / frame.arrivalMaxUs > 0.94) {
			tick.className = 'edge';
			tick.style.right = us ? 'auto' : '0';
			tick.style.left = us ? '0' : 'auto';
		}
		return tick;
	}));
}

// How long a queue takes to drain, and how full a pipe is; null: nothing passes now.
function pathTimes(path, link) {
	const [queueBytes, pipeBytes, rateBps] = link;
	if (!rateBps)
		return { waitUs: null, full: null };
	const holds = rateBps * path.delay_us / 1e6;
	return { waitUs: queueBytes * 1e6 / rateBps, full: holds ? pipeBytes / holds : null };
}

function updatePath(row, path, link, frame, p) {
	const { waitUs, full } = pathTimes(path, link);
	const flowBps = path.delay_us ? link[1] * 1e6 / path.delay_us : link[2];
	const free = 1 - path.delay_us / frame.arrivalMaxUs;
	const wait = waitUs === null ? (link[0] ? 1 : 0) : waitUs / frame.arrivalMaxUs;
	showText(row.spec, link[2] ?
		trimZeros(`${showRate(link[2])}, ${showTime(path.delay_us)}`) : 'stopped');
	showData(row.queue, link[0], showBytes(link[0]));
	showData(row.pipe, link[1], showBytes(link[1]));
	showText(row.full, full === null ? '' : `${Math.round(100 * full)}${THIN}%`);
	row.standing.style.width = percent(Math.min(wait, free));
	row.standing.classList.toggle('more', wait > free);
	row.flow.style.height = percent(flowBps / frame.rates[p]);
}

function showText(element, text) {
	if (element.textContent !== text)
		element.textContent = text;
}

function updatePaths(rows, trace, seen, frame) {
	rows.forEach((row, p) =>
		updatePath(row, trace.paths[p], seen.paths[p] || [0, 0, 0], frame, p));
}

function describeArrival(path, waitUs) {
	if (waitUs === null)
		return 'not known: nothing passes';
	const queue = Math.round(waitUs), all = queue + path.delay_us;
	return `${showTime(all)}: ${showTime(queue)} in the queue, ` +
		`${showTime(path.delay_us)} in the pipe`;
}

function describePath(path, link) {
	const { waitUs, full } = pathTimes(path, link);
	return [
		['queue', `${showBytes(link[0])} of ${showBytes(path.queue_bytes)}`],
		['pipe', showBytes(link[1]) + (full === null ? '' :
			`, ${Math.round(100 * full)}${THIN}% of what it holds`)],
		['rate now', showRate(link[2])],
		['sent now, arrives in', describeArrival(path, waitUs)],
	];
}
