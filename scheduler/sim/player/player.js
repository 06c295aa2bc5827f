// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The aggd authors
//
// The page: which frame is shown of which runs, and all ways to change that. One object, page,
// is handed about; page.state is what a person chose, and what the address says after its #:
//
// Without a time it opens where the two runs differ the most.
//
//     #t=1.2s&left=ecf&right=lowrtt&load=page&streams=page&scale=root&list=1&play=1
//
// What changes the state calls touch(), which draws once before the next frame of the screen.
'use strict';

const SPEEDS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
const PLAY_S = 20;          // about how long a run is to play at first
const WHAT_IS_WHERE = 'above the line stands what is left of each stream, below it hangs the ' +
	'time taken so far, and under that are the paths.';
const QUIET_MS = 500;       // without a change, before the address and a reader are told

function byId(id) {
	return document.getElementById(id);
}

function makePage(trace) {
	const last = lastFrame(trace);
	const names = trace.runs.map((run) => runName(run, trace.runs));
	return {
		trace, last, names, labels: names.map(nameForPeople), theme: readTheme(),
		paths: pathsFrame(trace), totals: [],
		sides: {}, drawn: 0, quiet: 0, tip: null, opened: false,
		state: {
			k: 0, peek: -1, playing: false, speed: speedThatSuits(last * trace.step_us),
			...runsToCompare(trace.runs), load: loadToShow(trace), bars: -1,
			scale: scaleThatSuits(trace), chosen: -1, named: -1,
		},
	};
}

function speedThatSuits(wholeUs) {
	const wanted = wholeUs / 1e6 / PLAY_S;
	const away = (speed) => Math.abs(Math.log(speed / (wanted || 1)));
	return SPEEDS.reduce((best, speed) => (away(speed) < away(best) ? speed : best));
}

function sideNames(page) {
	return page.trace.runs.length > 1 ? ['left', 'right'] : ['left'];
}

function shownFrame(page) {
	return page.state.peek >= 0 ? page.state.peek : page.state.k;
}

// What was given, and what was made of it

function describeTrace(page) {
	const { trace } = page;
	document.title = trace.title || 'aggsim';
	byId('title').textContent = trace.title || 'A simulated run';
	byId('note').textContent = trace.note;
	byId('note').hidden = !trace.note;
	byId('made').textContent = 'Simulated by aggsim under virtual time, ' +
		`seed ${trace.seed}, a frame every ${trimZeros(showTime(trace.step_us))}.`;
	byId('whole').textContent = showClock(page.last * trace.step_us, trace.step_us);
}

// The one sentence that says what is seen.
function describeSides(page) {
	const { trace, labels, state } = page;
	const run = trace.runs[state.left];
	const streams = plural(run.streams.length, 'stream');
	const what = `${streams} over ${plural(trace.paths.length, 'path')}`;
	byId('lead').textContent = sideNames(page).length > 1 ?
		`The same ${what} under two schedulers, at one moment: ${labels[state.left]} ` +
		`(left) and ${labels[state.right]} (right); ${WHAT_IS_WHERE}` :
		`${what} under one scheduler, ${labels[state.left]}; ${WHAT_IS_WHERE}`;
}

// The sides

function makeSide(page, name) {
	const element = byId('side').content.firstElementChild.cloneNode(true);
	const select = element.querySelector('.run');
	element.dataset.side = name;
	element.setAttribute('aria-label', `The ${name} side`);
	select.setAttribute('aria-label', `Run on the ${name}`);
	page.labels.forEach((run, i) => select.append(new Option(run, i)));
	select.addEventListener('change', () => show(page, name, Number(select.value)));
	const find = (selector) => element.querySelector(selector);
	const side = {
		element, select, bars: find('.bars'), line: find('.line'),
		done: find('.done'), left: find('.left'), flight: find('.flight'),
		rows: makePaths(element, page.trace, page.paths),
	};
	listenToBars(page, side.bars);
	side.rows.forEach((row, p) => listenToPath(page, name, row, p));
	byId('sides').append(element);
	return side;
}

// Another run on a side.
function show(page, name, i) {
	page.state[name] = i;
	chooseRuns(page);
	touch(page);
}

function chooseRuns(page) {
	const { state, trace } = page;
	const names = sideNames(page);
	page.bars = barsFrame(trace, names.map((name) => trace.runs[state[name]]), state.scale,
		state.bars);
	for (const name of names) {
		const side = page.sides[name], i = state[name];
		side.select.value = i;
		side.line.style.setProperty('--hue', runColour(i));
		side.line.firstElementChild.setAttribute('stroke-dasharray', runDash(i));
	}
	page.list = makeList(byId('list').querySelector('table'), trace,
		names.map((name) => ({ name: page.labels[state[name]] })));
	describeSides(page);
	markRuns(page);
}

function markRuns(page) {
	const { state } = page;
	markStats(page.stats, state, state.named);
	if (page.chart)
		markCurves(page.chart, sideNames(page).map((name) => state[name]), state.named);
}

// Drawing

function touch(page) {
	if (!page.drawn)
		page.drawn = requestAnimationFrame(() => {
			page.drawn = 0;
			draw(page);
		});
	clearTimeout(page.quiet);
	if (!page.state.playing)
		page.quiet = setTimeout(() => settle(page), QUIET_MS);
}

function draw(page) {
	const k = shownFrame(page);
	for (const name of sideNames(page))
		drawSide(page, name, k);
	drawClock(page, k);
	drawTimeline(page.timeline, {
		trace: page.trace, last: page.last, k, stay: page.state.k, theme: page.theme,
		lines: timelineLines(page),
	});
	if (byId('list').open)
		updateList(page.list, sideNames(page).map((name) => page.sides[name]));
	if (page.tip)
		page.tip();
}

function drawSide(page, name, k) {
	const side = page.sides[name], i = page.state[name], run = page.trace.runs[i];
	const seen = side.seen = snapshot(page.trace, run, k);
	showData(side.done, seen.done, `${seen.done} of ${run.streams.length}`);
	showData(side.left, seen.left, showBytes(seen.left));
	showData(side.flight, seen.flight, showBytes(seen.flight));
	updatePaths(side.rows, page.trace, seen, page.paths);
	drawBars(side.bars, {
		frame: page.bars, run, seen, theme: page.theme, chosen: page.state.chosen,
		colour: page.theme.runs[i % RUN_HUES],
	});
}

function drawClock(page, k) {
	const us = k * page.trace.step_us;
	showData(byId('now'), us, showClock(us, page.trace.step_us));
	byId('time').value = k;
	byId('time').setAttribute('aria-valuetext', showClock(us, page.trace.step_us));
}

function timelineLines(page) {
	return sideNames(page).map((name) => {
		const i = page.state[name], colour = page.theme.runs[i % RUN_HUES];
		page.totals[i] ||= leftByFrame(page.trace, page.trace.runs[i]);
		return { left: page.totals[i], dash: runDash(i), colour };
	});
}

// Nothing changes any more: time for what must not happen sixty times a second.
function settle(page) {
	const words = sideNames(page).map((name) => describeSide(page, name));
	sideNames(page).forEach((name, i) => page.sides[name].bars.setAttribute('aria-label',
		`Streams of ${words[i]}. Up and down choose a stream.`));
	byId('say').textContent = `${byId('now').textContent}: ${words.join('; ')}`;
	writeAddress(page);
}

function describeSide(page, name) {
	const seen = page.sides[name].seen, run = page.labels[page.state[name]];
	return `${run}: ${seen.done} of ${seen.streams.length} done, ` +
		`${showBytes(seen.left)} left, ${showBytes(seen.flight)} in flight`;
}

// Time

function seek(page, k) {
	page.state.k = Math.max(0, Math.min(page.last, k));
	touch(page);
}

function play(page, playing) {
	const { state } = page;
	state.playing = playing && page.last > 0;
	state.peek = -1;
	if (state.playing && state.k >= page.last)
		state.k = 0;
	byId('play').classList.toggle('playing', state.playing);
	byId('play').setAttribute('aria-label', state.playing ? 'Pause' : 'Play');
	touch(page);
	if (state.playing)
		keepPlaying(page, performance.now(), state.k * page.trace.step_us);
}

// From where it was at a time of the screen; anew where someone else moved the time or
// changed the speed.
function keepPlaying(page, sinceMs, fromUs) {
	const { state, trace } = page;
	const startedAt = state.k, speed = state.speed;
	let expected = startedAt;
	const turn = (nowMs) => {
		if (!state.playing)
			return;
		if (state.k !== expected || state.speed !== speed) {
			keepPlaying(page, nowMs, state.k * trace.step_us);
			return;
		}
		const us = fromUs + Math.max(0, nowMs - sinceMs) * 1000 * speed;
		expected = Math.min(page.last, Math.floor(us / trace.step_us));
		seek(page, expected);
		if (expected < page.last)
			requestAnimationFrame(turn);
		else
			play(page, false);
	};
	requestAnimationFrame(turn);
}

// Another load: other figures, other curves.
function chooseLoad(page) {
	const { trace, state } = page;
	const { rows, text } = makeStats(byId('stats'), trace, state.load, page.labels,
		(side, i) => show(page, side, i), (i) => nameRun(page, i));
	page.stats = rows;
	byId('stats-text').textContent = text;
	byId('verdict').textContent = verdict(trace, state.load, page.labels);
	byId('curves-bound').hidden = ((trace.loads[state.load] || {}).bound_ms ?? null) === null;
	byId('load').value = state.load;
	byId('curves-text').hidden = byId('curves').hidden = !hasTimes(trace, state.load);
	byId('curves-none').hidden = hasTimes(trace, state.load);
	describeCount(page);
	drawCurves(page);
}

// The curves may know fewer streams than the figures.
function describeCount(page) {
	const { trace, state } = page, load = trace.loads[state.load];
	const shown = streamsOf(trace.runs[state.left], state.load).length;
	const words = [];
	if (load && shown < load.count)
		words.push(`the first ${shown} of ${load.count}`);
	if (trace.repeat > 1)
		words.push('in the first repetition');
	byId('curves-count').textContent = words.length ? ` (${words.join(', ')})` : '';
}

// The curves are drawn anew for a new width; their text keeps its size.
function drawCurves(page) {
	const box = byId('curves');
	page.chart = makeCurves(page.trace, page.state.load, page.labels,
		Math.max(240, box.clientWidth));
	box.replaceChildren(page.chart.root);
	markRuns(page);
}

// The address

function readAddress(page) {
	const words = new URLSearchParams(location.hash.slice(1));
	const { state, trace, names } = page;
	for (const name of ['left', 'right']) {
		const i = words.has(name) ? findRun(trace.runs, names, words.get(name)) : -1;
		if (i >= 0)
			state[name] = i;
	}
	const us = readTimeUs(words.get('t') || '');
	if (us !== null)
		state.k = Math.min(page.last, Math.floor(us / trace.step_us + 1e-6));
	else if (!page.opened)
		state.k = frameWorthSeeing(trace, state.left, state.right);
	page.opened = true;
	const load = trace.loads.findIndex((one) => one.name === words.get('load'));
	if (load >= 0)
		state.load = load;
	if (words.has('streams'))
		state.bars = trace.loads.findIndex((one) => one.name === words.get('streams'));
	if (['linear', 'root'].includes(words.get('scale')))
		state.scale = words.get('scale');
	byId('list').open = words.get('list') === '1';
	return words.get('play') === '1';
}

function wordForAddress(name) {
	return encodeURIComponent(name).replaceAll('%2F', '/');
}

// Not while it plays; and where a browser forbids it, the address just stays.
function writeAddress(page) {
	const { state, names, trace } = page;
	const words = [`t=${state.k * trace.step_us / 1e6}s`];
	for (const name of sideNames(page))
		words.push(`${name}=${wordForAddress(names[state[name]])}`);
	if (state.load !== loadToShow(trace))
		words.push(`load=${wordForAddress(trace.loads[state.load].name)}`);
	if (state.bars >= 0)
		words.push(`streams=${wordForAddress(trace.loads[state.bars].name)}`);
	if (state.scale !== scaleThatSuits(trace))
		words.push(`scale=${state.scale}`);
	if (byId('list').open)
		words.push('list=1');
	try {
		history.replaceState(null, '', '#' + words.join('&'));
	} catch (error) {
		console.info('the address stays as it is:', error.message);
	}
}

// The start

function listenToControls(page) {
	const { trace, state } = page;
	for (const factor of SPEEDS)
		byId('speed').append(new Option(factor < 1 ? `1/${Math.round(1 / factor)}`
			: `${factor}\u00d7`, factor));
	trace.loads.forEach((load, i) => {
		byId('load').append(new Option(`${load.name} (${load.kind})`, i));
		byId('bars').append(new Option(`of ${load.name}`, i));
	});
	byId('load-label').hidden = byId('bars-label').hidden = trace.loads.length < 2;
	listenToSelect('speed', state.speed, (value) => {
		state.speed = Number(value);
	});
	listenToSelect('scale', state.scale, (value) => {
		state.scale = value;
		chooseRuns(page);
		touch(page);
	});
	listenToSelect('bars', state.bars, (value) => {
		state.bars = Number(value);
		chooseRuns(page);
		touch(page);
	});
	listenToSelect('load', state.load, (value) => {
		state.load = Number(value);
		chooseLoad(page);
		touch(page);
	});
	byId('play').addEventListener('click', () => play(page, !state.playing));
	byId('list').addEventListener('toggle', () => touch(page));
	byId('time').max = page.last;
}

function listenToSelect(id, value, choose) {
	byId(id).value = value;
	byId(id).addEventListener('change', () => choose(byId(id).value));
}

// Another screen may have more pixels for the same size, which no resizing tells.
function listenToDensity(page) {
	const same = window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
	same.addEventListener('change', () => {
		touch(page);
		listenToDensity(page);
	}, { once: true });
}

function listenToWindow(page) {
	const newTheme = () => {
		page.theme = readTheme();
		touch(page);
	};
	window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', newTheme);
	listenToDensity(page);
	new ResizeObserver(() => touch(page)).observe(byId('sides'));
	new ResizeObserver(() => drawCurves(page)).observe(byId('curves'));
	window.addEventListener('hashchange', () => {
		const playing = readAddress(page);
		byId('scale').value = page.state.scale;
		byId('bars').value = page.state.bars;
		chooseLoad(page);
		chooseRuns(page);
		play(page, playing);
	});
}

function start(trace) {
	if (trace.version !== TRACE_VERSION || !trace.runs.length) {
		byId('lead').textContent =
			`This page shows traces of version ${TRACE_VERSION} with one run at least.`;
		return;
	}
	const page = makePage(trace);
	describeTrace(page);
	byId('main').hidden = false;
	page.timeline = byId('timeline').querySelector('canvas');
	for (const name of sideNames(page))
		page.sides[name] = makeSide(page, name);
	byId('sides').classList.toggle('single', sideNames(page).length === 1);
	const playing = readAddress(page);
	listenToControls(page);
	chooseLoad(page);
	chooseRuns(page);
	listenToTimeline(page);
	listenToCurves(page);
	listenToKeys(page);
	listenToWindow(page);
	draw(page);
	settle(page);
	play(page, playing);
}

start(JSON.parse(byId('trace').textContent));
