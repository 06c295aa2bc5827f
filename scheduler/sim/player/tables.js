// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The aggd authors
//
// The two tables: the figures of all runs, and all streams at a moment. The second is what
// the bars say, for who would rather read, or cannot see them.
'use strict';

// best: which figure of a column is bold. text: what it is, where the head does not say it all.
// A column of which no run has a figure is not there.
const STATS_COLUMNS = [
	{ head: 'mean ms', of: (stats) => stats.mean_ms, best: Math.min,
		text: 'Mean to p99 are completion times.' },
	{ head: 'median', of: (stats) => stats.p50_ms, best: Math.min },
	{ head: 'p95', of: (stats) => stats.p95_ms, best: Math.min },
	{ head: 'p99', of: (stats) => stats.p99_ms, best: Math.min },
	{ head: 'slowdown', of: (stats) => stats.slowdown, best: Math.min, decimals: 2,
		text: 'Slowdown: the time taken by the least time possible if the stream were ' +
			'alone on the paths, the mean of all streams; 1 is perfect.' },
	{ head: 'Mbit/s', of: (stats) => stats.goodput_mbit, best: Math.max },
	{ head: 'worst half second', of: (stats) => stats.worst_half_mbit ?? null, best: Math.max,
		text: 'Worst half second: the least Mbit/s of all bulk streams in one.' },
	{ head: 'silence ms', of: (stats) => stats.silence_ms ?? null, best: Math.min,
		text: 'Silence: the longest time in which a reader got nothing.' },
	{ head: 'late %', of: (stats) => stats.late_percent, best: Math.min },
	{ head: 'stalled ms', of: (stats) => stats.stall_ms, best: Math.min },
	{ head: 'quality %', of: (stats) => stats.quality_percent, best: Math.max },
	{ head: 'twice %', of: (stats, run, runs) =>
		(runs.some((one) => one.twice_percent >= 0.05) ? run.twice_percent : null),
		text: 'Twice: what was received more than once, of all bytes of the run.' },
	{ head: 'run ms', of: (stats, run) => run.end_us && run.end_us / 1000,
		text: 'Run: until the last stream of all loads was complete.' },
];

// The columns that a load has, with the figures of all runs.
function statsColumns(trace, load) {
	const { runs } = trace;
	const columns = STATS_COLUMNS.map((column) => ({ ...column,
		values: runs.map((run) => column.of(run.stats[load] || {}, run, runs) ?? null) }));
	return columns.filter((column) => column.values.some((value) => value !== null));
}

function makeStats(table, trace, load, names, onShow, onName) {
	const columns = statsColumns(trace, load);
	const heads = ['scheduler', ...columns.map((column) => column.head), 'show'];
	const rows = trace.runs.map((run, i) =>
		makeStatsRow(trace, i, names[i], columns.length, onShow, onName));
	columns.forEach((column, c) => fillColumn(column, rows, c + 1));
	table.tHead.replaceChildren(headRow(heads));
	table.tBodies[0].replaceChildren(...rows);
	table.tFoot.replaceChildren(...makeBoundRow(trace, load, columns));
	table.caption.textContent = describeStats(trace);
	return { rows, text: columns.map((column) => column.text).filter(Boolean).join(' ') };
}

// The least mean that any scheduler can reach: streams together, on pooled paths.
function makeBoundRow(trace, load, columns) {
	const bound = (trace.loads[load] || {}).bound_ms ?? null;
	if (bound === null)
		return [];
	const row = make('tr', 'dim');
	const head = make('th', '', 'least possible');
	head.scope = 'row';
	row.append(head, ...columns.map((column) =>
		make('td', '', column.head === STATS_COLUMNS[0].head ? bound.toFixed(1) : '')),
	make('td'));
	return [row];
}

// What holds for the whole table, so that no row has to say it.
function describeStats(trace) {
	const times = trace.repeat > 1 ? `, over ${trace.repeat} repetitions` : '';
	return `The best of a column is bold${times}. Order ${usual(trace.runs, 'order')}, ` +
		`reinjection ${usual(trace.runs, 'reinjection')} where a row says nothing else.`;
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

function makeStatsRow(trace, i, name, columnCount, onShow, onName) {
	const row = make('tr');
	const head = make('th');
	head.scope = 'row';
	const words = make('span', '', name);
	for (const extra of runExtras(trace.runs[i], trace.runs))
		words.append(' ', make('small', 'dim', extra));
	head.append(makeSwatch(i), words);
	const cells = Array.from({ length: columnCount }, () => make('td'));
	row.append(head, ...cells, makeShowCell(i, name, onShow));
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

// All figures of a column with as many decimals.
function fillColumn(column, rows, c) {
	const { values } = column;
	const known = values.filter((v) => v !== null);
	const max = Math.max(...known);
	const decimals = column.decimals || (max < 10 ? 2 : max < 1000 ? 1 : 0);
	const texts = values.map((v) => (v === null ? NOT_KNOWN : v.toFixed(decimals)));
	const best = column.best ? column.best(...known).toFixed(decimals) : '';
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
