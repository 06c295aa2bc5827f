// SPDX-License-Identifier: MIT
'use strict';
'require view';
'require fs';
'require poll';
'require ui';
'require dom';

const CTL = '/usr/bin/aggctl';
const SECONDS = 3;

async function ask(...words) {
	const done = await fs.exec(CTL, [...words, '--json']);
	if (!done.stdout) throw new Error((done.stderr || _('aggd does not run')).trim());
	return JSON.parse(done.stdout);
}

async function load() {
	try {
		return {
			state: await ask('status'),
			choices: (await ask('scheduler')).choices,
		};
	} catch (error) {
		return { error };
	}
}

function mbit(bytes) {
	return ((bytes * 8) / 1e6).toFixed(1);
}

function table(heads, rows, nothing) {
	return E('table', { class: 'table' }, [
		E(
			'tr',
			{ class: 'tr table-titles' },
			heads.map((h) => E('th', { class: 'th' }, [h])),
		),
		...rows.map((row) =>
			E(
				'tr',
				{ class: 'tr' },
				row.map((cell) =>
					E('td', { class: 'td' }, [String(cell ?? '-')]),
				),
			),
		),
		...(rows.length
			? []
			: [
					E('tr', { class: 'tr placeholder' }, [
						E('td', { class: 'td' }, [
							E('em', {}, [nothing]),
						]),
					]),
				]),
	]);
}

function uplinks(state) {
	return table(
		[
			_('Uplink'),
			_('State'),
			_('Cost'),
			_('Mbit/s down'),
			_('Mbit/s up'),
			_('Round trip, ms'),
		],
		state.uplinks.map((u) => [
			u.name,
			u.why ? '%s: %s'.format(u.state, u.why) : u.state,
			u.cost,
			mbit(u.down_bytes_per_s),
			mbit(u.up_bytes_per_s),
			u.srtt_us === null ? null : (u.srtt_us / 1000).toFixed(1),
		]),
		_('There are none'),
	);
}

function megabytes(bytes) {
	return (bytes / 1e6).toFixed(1);
}

function devices(list) {
	return E('div', { class: 'cbi-section' }, [
		E('h3', {}, [_('Devices of the LAN')]),
		table(
			[_('Device'), _('Address'), _('MB down'), _('MB up')],
			list.map((d) => [
				d.name,
				d.address,
				megabytes(d.down_bytes),
				megabytes(d.up_bytes),
			]),
			'',
		),
	]);
}

function schedulers(choices) {
	const select = E(
		'select',
		{ class: 'cbi-input-select' },
		choices
			.filter((c) => c.kind === 'scheduler')
			.map((c) =>
				E('option', { value: c.name, selected: c.runs ? '' : null }, [
					'%s: %s'.format(c.name, c.summary),
				]),
			),
	);
	return E('div', { class: 'cbi-section' }, [
		E('h3', {}, [_('Scheduler')]),
		select,
		' ',
		E(
			'button',
			{
				class: 'btn cbi-button-apply',
				click: ui.createHandlerFn(this, async () => {
					const done = await fs.exec(CTL, [
						'scheduler',
						select.value,
					]);
					ui.addNotification(
						null,
						E('pre', {}, [done.stdout || done.stderr]),
						done.code ? 'error' : 'info',
					);
				}),
			},
			[_('Use it until the next start')],
		),
	]);
}

function content({ state, choices, error }) {
	if (error) return [E('p', { class: 'alert-message warning' }, [error.message])];
	return [
		E('p', {}, [E('strong', {}, [state.state]), ' – ', state.limit ?? '']),
		uplinks(state),
		...(state.devices?.length ? [devices(state.devices)] : []),
	];
}

return view.extend({
	load,

	render(first) {
		const box = E('div', {}, content(first));
		poll.add(async () => dom.content(box, content(await load())), SECONDS);
		return E('div', { class: 'cbi-map' }, [
			E('h2', {}, [_('Link aggregation')]),
			box,
			...(first.choices ? [schedulers(first.choices)] : []),
		]);
	},

	handleSave: null,
	handleSaveApply: null,
	handleReset: null,
});
