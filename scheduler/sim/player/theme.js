// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The aggd authors
//
// Colours and canvases. Colours are in player.css only; a canvas has to ask for them.
'use strict';

const RUN_HUES = 5; // in player.css; then again, dashed

function runColour(run) {
	return `var(--run-${run % RUN_HUES})`;
}

function runDash(run) {
	return run < RUN_HUES ? '' : '5 3';
}

function pathColour(path) {
	return `var(--path-${path})`;
}

function readTheme() {
	const style = getComputedStyle(document.documentElement);
	const read = (name) => style.getPropertyValue(name).trim();
	return {
		ink: read('--ink'), dim: read('--dim'),
		hair: read('--hair'), paper: read('--paper'),
		font: '11px ' + getComputedStyle(document.body).fontFamily,
		runs: Array.from({ length: RUN_HUES }, (_, i) => read(`--run-${i}`)),
	};
}

// The canvas' own pixels follow its size on the page and the density of the screen.
function fitCanvas(canvas) {
	const ratio = window.devicePixelRatio || 1;
	const width = Math.round(canvas.clientWidth * ratio);
	const height = Math.round(canvas.clientHeight * ratio);
	if (canvas.width !== width || canvas.height !== height) {
		canvas.width = width;
		canvas.height = height;
	}
	const pen = canvas.getContext('2d');
	pen.setTransform(ratio, 0, 0, ratio, 0, 0);
	pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
	return pen;
}

function drawLine(pen, x1, y1, x2, y2, colour) {
	pen.strokeStyle = colour;
	pen.beginPath();
	pen.moveTo(x1, y1);
	pen.lineTo(x2, y2);
	pen.stroke();
}

// Level and upright lines of one pixel are sharp in the middle of a pixel.
function drawLevel(pen, x1, x2, y, colour) {
	drawLine(pen, x1, Math.round(y) + 0.5, x2, Math.round(y) + 0.5, colour);
}

function drawUpright(pen, x, y1, y2, colour) {
	drawLine(pen, Math.round(x) + 0.5, y1, Math.round(x) + 0.5, y2, colour);
}

function drawText(pen, text, x, y, align, colour) {
	pen.fillStyle = colour;
	pen.textAlign = align;
	pen.fillText(text, x, y);
}

// A value with its unit for people, and as it is in the trace for programs.
function showData(element, value, text) {
	element.value = value;
	if (element.textContent !== text)
		element.textContent = text;
}

function make(tag, className, text) {
	const element = document.createElement(tag);
	if (className)
		element.className = className;
	if (text !== undefined)
		element.textContent = text;
	return element;
}

// A tooltip: a first line, then pairs of a label and a value.
function showTip(tip, x, y, head, pairs) {
	tip.replaceChildren(make('b', '', head));
	const list = make('dl');
	for (const [label, value] of pairs)
		list.append(make('dt', '', label), make('dd', '', value));
	tip.append(list);
	tip.hidden = false;
	const box = tip.getBoundingClientRect();
	const right = window.innerWidth - box.width - 8;
	const fitsBelow = y + 16 + box.height < window.innerHeight;
	tip.style.left = `${Math.max(8, Math.min(x + 14, right))}px`;
	tip.style.top = `${Math.max(8, fitsBelow ? y + 16 : y - box.height - 12)}px`;
}
