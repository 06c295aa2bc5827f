/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see gwconf.h.
 */
#include "agg/pair/gwconf.h"

#include "agg/conf/edit.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char gateway_head[] =
	"# aggd on the gateway, written by 'aggctl join'. 'aggd -t' checks it,\n"
	"# 'aggctl reload' applies it; docs/aggd.conf.md has every key.\n"
	"\n"
	"config aggd 'main'\n"
	"\toption role 'gateway'\n"
	"\toption control '%s'\n"
	"\toption state '%s'\n"
	"\t# how to send, both ways; 'aggctl scheduler' lists what there is\n"
	"\t#option scheduler 'srpt_ecf'\n"
	"\t# when the concentrator does not answer: leave directly, or block\n"
	"\t#option on_outage 'direct'\n"
	"\n"
	"# Where it is, and its key: no other is believed.\n"
	"config concentrator 'vps'\n"
	"\toption pin ''\n"
	"\n"
	"# An Internet access each. option cost: normal, metered (used when the\n"
	"# others are full) or backup (used when the others are down).\n";
static const char gateway_lan[] =
	"\n"
	"# Whose connections are taken. A SOCKS5 server besides, for programs that\n"
	"# ask for one: option socks5 'ADDRESS-OF-THE-LAN:1080'\n";

static const char page_text[] =
	"# aggd on a gateway that has not joined a concentrator yet, written by\n"
	"# 'aggctl web'. Its page, or 'aggctl join', completes this file.\n"
	"\n"
	"config aggd 'main'\n"
	"\toption role 'gateway'\n"
	"\toption control '%s'\n"
	"\toption state '%s'\n"
	"\t# the page, for browsers in the LAN; 'aggctl web' says its secret\n"
	"\tlist web '%s:8080'\n";

static const char concentrator_text[] =
	"# aggd on the concentrator, written by 'aggctl setup'. 'aggd -t' checks it,\n"
	"# 'aggctl reload' applies it; docs/aggd.conf.md has every key.\n"
	"\n"
	"config aggd 'main'\n"
	"\toption role 'concentrator'\n"
	"\t# TCP and UDP; [::] takes IPv4 too\n"
	"\tlist listen '%s'\n"
	"\toption control '%s'\n"
	"\toption state '%s'\n"
	"\t# a file for each gateway that joined by 'aggctl invite'\n"
	"\toption sites '%s'\n"
	"\n"
	"# Where streams may go besides the Internet, as to a private network.\n"
	"#config egress\n"
	"#\tlist allow '198.51.100.0/24'\n";

int gwconf_concentrator(struct buf *text, const char *control,
                        const char *state, const char *listen,
                        const char *sites)
{
	return buf_printf(text, concentrator_text, listen, control, state,
	                  sites);
}

int gwconf_page(struct buf *text, const char *control, const char *state,
                const char *ip)
{
	return buf_printf(text, page_text, control, state, ip);
}

unsigned gwconf_uplinks(const struct buf *text,
                        char devices[CONF_UPLINKS_MAX][IFNAMSIZ])
{
	struct conf_error error;
	struct uci uci;
	unsigned n = 0;

	if (!text->len || uci_parse(&uci, "", (const char *)buf_head(text),
	                            text->len, &error) < 0)
		return 0;
	for (size_t i = 0; i < uci.count && n < CONF_UPLINKS_MAX; i++) {
		const struct uci_option *device =
			uci_find(&uci.sections[i], "device");
		if (!strcmp(uci.sections[i].type, "uplink") && device &&
		    strlen(device->values[0].text) < IFNAMSIZ)
			strcpy(devices[n++], device->values[0].text);
	}
	uci_finish(&uci);
	return n;
}

/* Does something in the file have that name, or that device? */
struct look {
	const char *name, *device;
	bool has_name, has_device, has_lan, lan_has_device;
};

static bool has_value(const struct uci_section *section, const char *key,
                      const char *value)
{
	const struct uci_option *option = uci_find(section, key);

	for (size_t i = 0; option && i < option->count; i++)
		if (!strcmp(option->values[i].text, value))
			return true;
	return false;
}

static int look(const struct buf *text, struct look *l)
{
	struct conf_error error;
	struct uci uci;

	if (uci_parse(&uci, "", (const char *)buf_head(text), text->len,
	              &error) < 0)
		return -EINVAL;
	for (size_t i = 0; i < uci.count; i++) {
		const struct uci_section *s = &uci.sections[i];
		l->has_name |= !strcmp(s->name, l->name);
		l->has_device |= !strcmp(s->type, "uplink") &&
		                 has_value(s, "device", l->device);
		if (strcmp(s->type, "lan"))
			continue;
		l->has_lan = true;
		l->lan_has_device |= has_value(s, "device", l->device);
	}
	uci_finish(&uci);
	return 0;
}

/* A name of a section, after the device; of number n among those that are so. */
static void name_of(const char *device, unsigned n, char *out, size_t size)
{
	char plain[IFNAMSIZ];
	size_t i = 0;

	for (; device[i] && i < sizeof(plain) - 1; i++)
		plain[i] = isalnum((unsigned char)device[i]) ? device[i] : '_';
	plain[i] = 0;
	if (n > 1)
		snprintf(out, size, "%s_%u", plain, n);
	else
		snprintf(out, size, "%s", plain);
}

static int add_uplink(struct buf *text, const char *device)
{
	char name[CONF_NAME_MAX + 1] = "";
	struct look l = { .has_name = true };
	int err = 0;

	for (unsigned n = 1; !err && l.has_name; n++) {
		name_of(device, n, name, sizeof(name));
		l = (struct look){ .name = name, .device = device };
		err = look(text, &l);
		if (l.has_device)
			return err;
	}
	return err ? err : edit_set(text, "uplink", name, "device", device);
}

static int add_lan(struct buf *text, const char *device, bool is_new)
{
	const char *const values[] = { device, NULL };
	struct look l = { .name = "", .device = device };
	int err = look(text, &l);

	if (err || l.lan_has_device || l.has_lan)
		return err;
	if (is_new)
		err = buf_printf(text, "%s", gateway_lan);
	if (!err)
		err = buf_printf(text, "%sconfig lan\n", is_new ? "" : "\n");
	if (!err)
		err = edit_set_list(text, "lan", NULL, "device", values);
	return err ? err : edit_set(text, "lan", NULL, "tproxy", "1");
}

static int set_concentrator(struct buf *text, const struct gwconf_plan *plan)
{
	char texts[CONF_ENDPOINTS_MAX][CONF_VALUE_TEXT_MAX];
	const char *values[CONF_ENDPOINTS_MAX + 1] = { NULL };
	char pin[TLS_PIN_TEXT_LEN + 1];
	/* Whatever its name is. */
	const char *name = edit_has(text, "concentrator", NULL) ? NULL : "vps";

	for (unsigned i = 0; i < plan->endpoint_count; i++)
		values[i] = conf_endpoint_format(&plan->endpoints[i], texts[i]);
	int err = edit_set_list(text, "concentrator", name, "endpoint", values);
	return err ? err : edit_set(text, "concentrator", NULL, "pin",
	                            tls_pin_format(&plan->pin, pin));
}

int gwconf_gateway(struct buf *text, const struct gwconf_plan *plan)
{
	bool is_new = !text->len;
	int err = is_new ? buf_printf(text, gateway_head, plan->control,
	                              plan->state) : 0;

	if (!err && !is_new && plan->state)
		err = edit_set(text, "aggd", NULL, "state", plan->state);
	if (!err)
		err = set_concentrator(text, plan);
	for (unsigned i = 0; !err && i < plan->uplink_count; i++)
		err = add_uplink(text, plan->uplinks[i]);
	if (!err && *plan->lan)
		err = add_lan(text, plan->lan, is_new);
	return err;
}
