// SPDX-License-Identifier: MIT
'use strict';
'require view';
'require form';
'require fs';
'require ui';
'require tools.widgets as widgets';

const CTL = '/usr/bin/aggctl';

function join(token) {
	return fs.exec(CTL, ['join', token, '--yes']).then((done) => {
		ui.addNotification(
			null,
			E('pre', {}, [done.stdout || done.stderr]),
			done.code ? 'error' : 'info',
		);
		if (!done.code) window.setTimeout(() => location.reload(), 3000);
	});
}

function join_box() {
	const input = E('input', { class: 'cbi-input-text', placeholder: _('Token') });
	return E('div', { class: 'cbi-section' }, [
		E('h3', {}, [_('Join a concentrator')]),
		E('p', {}, [
			_('On the VPS, "aggctl invite NAME" prints a token that is good once.'),
		]),
		input,
		' ',
		E(
			'button',
			{
				class: 'btn cbi-button-apply',
				click: ui.createHandlerFn(this, () => join(input.value.trim())),
			},
			[_('Join')],
		),
	]);
}

// The schedulers that this aggd has; none where it does not run.
async function schedulers() {
	try {
		const done = await fs.exec(CTL, ['scheduler', '--json']);
		return JSON.parse(done.stdout).choices.filter((c) => c.kind === 'scheduler');
	} catch {
		return [];
	}
}

function choice(section, key, title, nothing, known) {
	const o = section.option(form.ListValue, key, title);
	o.optional = true;
	o.value('', nothing);
	for (const c of known) o.value(c.name, '%s: %s'.format(c.name, c.summary));
}

return view.extend({
	load: schedulers,

	async render(known) {
		const map = new form.Map('aggd', _('Link aggregation'));
		let s = map.section(form.NamedSection, 'main', 'aggd', _('This gateway'));
		let o = s.option(
			form.ListValue,
			'on_outage',
			_('When no concentrator answers'),
		);
		o.value('direct', _('leave by the best uplink'));
		o.value('block', _('refuse'));
		choice(s, 'scheduler', _('Scheduler'), _('the usual one'), known);
		choice(s, 'scheduler_up', _('Scheduler for up'), _('as for down'), known);

		s = map.section(form.GridSection, 'uplink', _('Uplinks'));
		s.addremove = true;
		o = s.option(widgets.NetworkSelect, 'interface', _('Interface'));
		o.optional = true;
		o = s.option(widgets.DeviceSelect, 'device', _('or device'));
		o.optional = true;
		o = s.option(form.ListValue, 'cost', _('Cost'));
		o.value('normal', _('normal'));
		o.value('metered', _('metered: when the others are full'));
		o.value('backup', _('backup: when the others are down'));
		o = s.option(form.Value, 'cap', _('Cap a month'));
		o.placeholder = '100GB';
		o.optional = true;
		o = s.option(form.Value, 'cap_day', _('which begins on day'));
		o.datatype = 'range(1, 31)';
		o.placeholder = '1';
		o.optional = true;
		o = s.option(form.Flag, 'enabled', _('Enabled'));
		o.default = '1';

		s = map.section(form.TypedSection, 'lan', _('LAN'));
		o = s.option(widgets.NetworkSelect, 'interface', _('Interfaces'));
		o.multiple = true;
		o = s.option(widgets.DeviceSelect, 'device', _('and devices'));
		o.multiple = true;
		return E('div', {}, [join_box(), await map.render()]);
	},
});
