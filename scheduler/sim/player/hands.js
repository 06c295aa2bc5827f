// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The aggd authors
//
// What a person does: the mouse or a finger on the timeline and the charts, and keys. A tooltip
// that is open is drawn again by page.tip, since time goes on under it.
'use strict';

const STEPS_WITH_SHIFT = 10;

// The mouse over the timeline peeks; pressed, it stays. A finger always stays.
function listenToTimeline(page) {
	const canvas = page.timeline, { state } = page;
	const at = (event) => timelineFrameAt(canvas, event.offsetX, page.last);
	canvas.addEventListener('pointerdown', (event) => {
		canvas.setPointerCapture(event.pointerId);
		byId('time').focus({ preventScroll: true });
		event.preventDefault();
		state.peek = -1;
		seek(page, at(event));
	});
	canvas.addEventListener('pointermove', (event) => {
		if (event.buttons)
			seek(page, at(event));
		else if (event.pointerType === 'mouse')
			state.peek = at(event);
		touch(page);
	});
	canvas.addEventListener('pointerleave', () => {
		state.peek = -1;
		touch(page);
	});
	byId('time').addEventListener('input', () => seek(page, Number(byId('time').value)));
}

function closeTip(page) {
	page.tip = null;
	page.state.chosen = -1;
	byId('tip').hidden = true;
	touch(page);
}

function listenToBars(page, canvas) {
	canvas.addEventListener('pointermove', (event) => {
		const i = streamAtX(canvas, page.bars, event.offsetX);
		if (i < 0)
			closeTip(page);
		else
			chooseStream(page, i, event.clientX, event.clientY);
	});
	canvas.addEventListener('pointerleave', () => closeTip(page));
	canvas.addEventListener('blur', () => closeTip(page));
	canvas.addEventListener('keydown', (event) => {
		const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
		if (!move)
			return;
		event.preventDefault();
		const i = streamBeside(page.bars, page.state.chosen, move);
		if (i < 0)
			return;
		const box = canvas.getBoundingClientRect();
		chooseStream(page, i, box.left + streamMiddleX(canvas, page.bars, i), box.top + 40);
		byId('say').textContent = byId('tip').textContent;
	});
}

function chooseStream(page, i, x, y) {
	page.state.chosen = i;
	page.tip = () => {
		const pairs = streamPairs(page, i);
		showTip(byId('tip'), x, y, pairs.name, pairs.list);
	};
	page.tip();
	touch(page);
}

function streamPairs(page, i) {
	const sides = sideNames(page).map((name) => ({
		name: page.labels[page.state[name]],
		stream: page.trace.runs[page.state[name]].streams[i],
		now: page.sides[name].seen.streams[i],
	}));
	const known = (sides.find((side) => side.stream) || {}).stream;
	if (!known)
		return { name: NOT_KNOWN, list: [] };
	const list = [['size', showBytes(known.size)], ['least time', showTime(known.bound_us)]];
	for (const side of sides)
		list.push([side.name, describeStream(side.stream, side.now)]);
	return { name: known.name, list };
}

function listenToPath(page, name, row, p) {
	row.item.addEventListener('pointermove', (event) => {
		const path = page.trace.paths[p];
		page.tip = () => showTip(byId('tip'), event.clientX, event.clientY, path.name,
			describePath(path, page.sides[name].seen.paths[p] || [0, 0, 0]));
		page.tip();
	});
	row.item.addEventListener('pointerleave', () => closeTip(page));
}

function listenToCurves(page) {
	const box = byId('curves');
	box.addEventListener('pointermove', (event) => {
		const rect = box.getBoundingClientRect();
		const x = event.clientX - rect.left, y = event.clientY - rect.top;
		const shown = sideNames(page).map((name) => page.state[name]);
		nameRun(page, nearestCurve(page.chart, x, y, shown));
		markMoment(page.chart, page.state.named, page.chart.scale.us(x));
		if (page.state.named < 0)
			closeTip(page);
		else
			showTip(byId('tip'), event.clientX, event.clientY,
				page.labels[page.state.named], curvePairs(page, x));
	});
	box.addEventListener('pointerleave', () => {
		nameRun(page, -1);
		markMoment(page.chart, -1, 0);
		closeTip(page);
	});
}

function curvePairs(page, x) {
	const { scale, curves } = page.chart, curve = curves[page.state.named];
	const us = Math.max(0, Math.min(scale.max, scale.us(x)));
	const share = shareWithin(curve, us);
	const within = (part) => {
		const time = timeOfShare(curve, part);
		return time === Infinity ? 'never' : showTime(time);
	};
	return [
		[`within ${showTime(Math.round(us))}`, `${Math.round(share * curve.count)} of ` +
			`${plural(curve.count, 'stream')}, ${(100 * share).toFixed(0)}${THIN}%`],
		['half of them', within(0.5)], ['95 of 100', within(0.95)],
	];
}

function nameRun(page, i) {
	if (page.state.named === i)
		return;
	page.state.named = i;
	markRuns(page);
}

// The keyboard

function listenToKeys(page) {
	document.addEventListener('keydown', (event) => {
		const { target } = event;
		if (event.ctrlKey || event.altKey || event.metaKey || target.tagName === 'SELECT')
			return;
		if (event.key === 'Escape')
			closeTip(page);
		else if (event.key === ' ' && !target.closest('button, summary'))
			play(page, !page.state.playing);
		else if (!target.closest('.table-box') && frameOfKey(page, event) !== null)
			moveTo(page, frameOfKey(page, event));
		else
			return;
		event.preventDefault();
	});
}

function frameOfKey(page, event) {
	const { k } = page.state, step = event.shiftKey ? STEPS_WITH_SHIFT : 1;
	switch (event.key) {
	case 'ArrowLeft': return k - step;
	case 'ArrowRight': return k + step;
	case 'Home': return 0;
	case 'End': return page.last;
	}
	return null;
}

function moveTo(page, k) {
	play(page, false);
	seek(page, k);
}
