// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The aggd authors
//
// The timeline: what is left of all streams, of both sides, over the time of the run, and
// where we are in it. The same canvas is the way to another moment.
'use strict';

const TIMELINE_LEFT = 10, TIMELINE_RIGHT = 10, TIMELINE_TOP = 6, TIMELINE_BOTTOM = 16;

function timelineX(canvas, k, last) {
	const width = canvas.clientWidth - TIMELINE_LEFT - TIMELINE_RIGHT;
	return TIMELINE_LEFT + width * (last ? k / last : 0);
}

function timelineFrameAt(canvas, x, last) {
	const width = canvas.clientWidth - TIMELINE_LEFT - TIMELINE_RIGHT;
	const share = Math.max(0, Math.min(1, (x - TIMELINE_LEFT) / width));
	return Math.round(share * last);
}

// lines: [{ left, colour, dash }] of the sides; k: the frame that is shown; stay: the one
// that the page returns to when the mouse leaves.
function drawTimeline(canvas, view) {
	const { trace, lines, last, k, stay, theme } = view;
	const pen = fitCanvas(canvas);
	const bottom = canvas.clientHeight - TIMELINE_BOTTOM;
	const max = Math.max(1, ...lines.flatMap((line) => line.left));
	pen.font = theme.font;
	pen.lineWidth = 1;
	drawTimes(pen, canvas, trace, last, bottom, theme);
	for (const line of lines)
		drawTotal(pen, canvas, line, last, max, bottom);
	drawTimelineName(pen, canvas, theme);
	const x = timelineX(canvas, k, last);
	if (stay !== k)
		drawUpright(pen, timelineX(canvas, stay, last), TIMELINE_TOP, bottom, theme.dim);
	pen.lineWidth = 2;
	drawLine(pen, x, TIMELINE_TOP - 4, x, bottom + 3, theme.ink);
	pen.fillStyle = theme.ink;
	pen.beginPath();
	pen.arc(x, bottom + 3, 4, 0, 2 * Math.PI);
	pen.fill();
}

// With a rim, since the lines may run under it.
function drawTimelineName(pen, canvas, theme) {
	const x = canvas.clientWidth - TIMELINE_RIGHT, y = TIMELINE_TOP + 6;
	const text = 'left of all streams';
	pen.strokeStyle = theme.paper;
	pen.lineWidth = 4;
	pen.textAlign = 'right';
	pen.strokeText(text, x, y);
	drawText(pen, text, x, y, 'right', theme.dim);
}

function drawTimes(pen, canvas, trace, last, bottom, theme) {
	const endUs = last * trace.step_us;
	const count = Math.max(2, Math.floor(canvas.clientWidth / 90));
	pen.textBaseline = 'alphabetic';
	drawLevel(pen, TIMELINE_LEFT, canvas.clientWidth - TIMELINE_RIGHT, bottom, theme.hair);
	for (const us of evenValues(endUs, count)) {
		const x = timelineX(canvas, us / trace.step_us, last);
		const align = x < 20 ? 'left' : x > canvas.clientWidth - 24 ? 'right' : 'center';
		drawUpright(pen, x, TIMELINE_TOP, bottom, theme.hair);
		drawText(pen, us ? trimZeros(showTime(us)) : '0', x, canvas.clientHeight - 3, align,
			theme.dim);
	}
}

function drawTotal(pen, canvas, line, last, max, bottom) {
	const y = (left) => bottom - (bottom - TIMELINE_TOP) * left / max;
	pen.beginPath();
	line.left.forEach((left, k) => pen.lineTo(timelineX(canvas, k, last), y(left)));
	pen.strokeStyle = line.colour;
	pen.lineWidth = 1.5;
	pen.setLineDash(line.dash ? line.dash.split(' ').map(Number) : []);
	pen.stroke();
	pen.setLineDash([]);
	pen.lineTo(timelineX(canvas, line.left.length - 1, last), bottom);
	pen.lineTo(TIMELINE_LEFT, bottom);
	pen.globalAlpha = 0.08;
	pen.fillStyle = line.colour;
	pen.fill();
	pen.globalAlpha = 1;
	pen.lineWidth = 1;
}
