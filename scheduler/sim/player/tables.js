// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The aggd authors
//
// The two tables: the figures of all runs, and all streams at a moment. The second is what
// the bars say, for who would rather read, or cannot see them.
'use strict';

const STATS_COLUMNS = [
	{ head: 'mean', of: (run) => run.stats.mean_ms },
	{ head: 'median', of: (run) => run.stats.p50_ms },
	{ head: 'p95', of: (run) => run.stats.p95_ms },
	{ head: 'p99', of: (run) => run.stats.p99_ms },
	{ head: 'slowdown', of: (run) => run.stats.slowdown, decimals: 2 },
	{ head: 'all done', of: (run) => run.end_us && run.end_us / 1000 },
];

function makeStats(table, trace, names, onShow, onName) {
	const heads = ['scheduler', ...STATS_COLUMNS.map((c) => c.head), 'show'];
	table.tHead.replaceChildren(headRow(heads));
	const rows = trace.runs.map((run, i) => makeStatsRow(run, i, names[i], onShow, onName));
	STATS_COLUMNS.forEach((column, c) => fillColumn(column, trace.runs, rows, c + 1));
	table.tBodies[0].replaceChildren(...rows);
	table.caption.textContent += commonParts(trace.runs);
	return rows;
}

function commonParts(runs) {
	const differ = partsThatDiffer(runs);
	const common = ['order', 'reinjection'].filter((part) => !differ.includes(part));
	return common.length ? '; of all runs: ' +
		common.map((part) => `${part} ${runs[0][part]}`).join(', ') : '';
}

function headRow(heads) {
	const row = make('tr');
	heads.forEach((head) => {
		const cell = make('th', '', head);
		cell.scope = 'col';
		row.append(cell);
	});
	return row;
}

function makeStatsRow(run, i, name, onShow, onName) {
	const row = make('tr');
	const head = make('th');
	head.scope = 'row';
	head.append(makeSwatch(i), make('span', '', name));
	row.append(head, ...STATS_COLUMNS.map(() => make('td')), makeShowCell(i, name, onShow));
	row.addEventListener('pointerenter', () => onName(i));
	row.addEventListener('pointerleave', () => onName(-1));
	return row;
}

// A piece of the run's curve.
function makeSwatch(i) {
	const root = svg('svg', { class: 'line', viewBox: '0 0 28 8', 'aria-hidden': 'true' });
	root.append(svg('path', { d: 'M1 4H27', 'stroke-dasharray': runDash(i) }));
	root.style.setProperty('--hue', runColour(i));
	return root;
}

function makeShowCell(i, name, onShow) {
	const cell = make('td', 'show');
	for (const side of ['left', 'right']) {
		const button = make('button', side, side);
		button.type = 'button';
		button.setAttribute('aria-label', `Show ${name} on the ${side}`);
		button.addEventListener('click', () => onShow(side, i));
		cell.append(button);
	}
	return cell;
}

// All figures of a column with as many decimals; the least is the best.
function fillColumn(column, runs, rows, c) {
	const values = runs.map(column.of);
	const known = values.filter((v) => v !== null);
	const max = Math.max(...known), min = Math.min(...known);
	const decimals = column.decimals || (max < 10 ? 2 : max < 1000 ? 1 : 0);
	const texts = values.map((v) => (v === null ? NOT_KNOWN : v.toFixed(decimals)));
	const best = known.length ? min.toFixed(decimals) : '';
	const differ = new Set(texts).size > 1;
	texts.forEach((text, i) => {
		const data = make('data', differ && text === best ? 'best' : '', text);
		data.value = values[i] === null ? '' : values[i];
		rows[i].cells[c].replaceChildren(data);
	});
}

function markStats(rows, shown, named) {
	rows.forEach((row, i) => {
		row.classList.toggle('named', i === named);
		for (const side of ['left', 'right']) {
			const button = row.querySelector(`.${side}`);
			button.setAttribute('aria-pressed', String(shown[side] === i));
		}
	});
}

// A cell for what is left and what is in flight of each side, besides what is common.
function makeList(table, trace, sides) {
	const heads = ['stream', 'size', 'bound'];
	for (const side of sides)
		heads.push(`left, ${side.name}`, `in flight, ${side.name}`, `time, ${side.name}`);
	table.tHead.replaceChildren(headRow(heads));
	const count = Math.max(0, ...trace.runs.map((run) => run.streams.length));
	const rows = Array.from({ length: count }, (_, i) => makeListRow(trace, i, sides.length));
	table.tBodies[0].replaceChildren(...rows.map((row) => row.item));
	return rows;
}

function makeListRow(trace, i, sideCount) {
	const stream = trace.runs.map((run) => run.streams[i]).find((s) => s);
	const item = make('tr');
	const head = make('th', '', stream.name);
	head.scope = 'row';
	item.append(head, make('td', '', showBytes(stream.size)),
		make('td', '', showTime(stream.bound_us)));
	const cells = Array.from({ length: 3 * sideCount }, () => make('data'));
	for (const data of cells) {
		const cell = make('td');
		cell.append(data);
		item.append(cell);
	}
	return { item, cells };
}

function updateList(rows, sides) {
	rows.forEach((row, i) => sides.forEach((side, s) => {
		const now = side.seen.streams[i];
		const [left, flight, took] = row.cells.slice(3 * s);
		if (!now || now.phase === COMING) {
			const text = now ? 'to come' : NOT_KNOWN;
			[left, flight, took].forEach((data) => showData(data, '', text));
			return;
		}
		showData(left, now.left, now.phase === DONE ? 'done' : showBytes(now.left));
		showData(flight, now.flight, now.phase === DONE ? '' : showBytes(now.flight));
		showData(took, now.tookUs, showTime(now.tookUs));
	}));
}
