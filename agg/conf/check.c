/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what must hold between keys and between sections of a configuration
 * whose single values are already right.
 */
#include "agg/conf/check_impl.h"

#include "agg/base/words.h"

#include <stdio.h>
#include <string.h>

bool check_is_destination(const struct addr *a)
{
	return !addr_is_any(a) && !addr_is_multicast(a);
}

static int check_concentrator(const struct check *c)
{
	const struct conf_concentrator *vps = &c->conf->concentrator;
	char text[ADDR_TEXT_MAX];

	if (!c->conf->concentrator_count)
		return FAIL(c, 0, "a gateway needs a concentrator: config "
		            "concentrator 'NAME', with list endpoint and option pin; "
		            "or a page, by which it joins one: list web in config "
		            "aggd");
	for (unsigned i = 0; i < vps->endpoint_count; i++)
		if (!*vps->endpoint[i].host &&
		    !check_is_destination(&vps->endpoint[i].addr))
			return FAIL(c, vps->line, "concentrator '%s': nobody can be "
			            "reached at endpoint '%s'; allowed: the address of "
			            "a host", vps->name,
			            addr_format(&vps->endpoint[i].addr, text));
	return 0;
}

/* Both "": not the same. */
static bool is_same_name(const char *a, const char *b)
{
	return *a && !strcmp(a, b);
}

static int check_uplink(const struct check *c, unsigned i)
{
	const struct conf_uplink *u = &c->conf->uplinks[i], *other;

	if (!*u->own.name && !*u->interface)
		return FAIL(c, u->line, "uplink '%s': where does it leave? needed: "
		            "option device 'NAME', or, where netifd is, option "
		            "interface 'NAME'", u->name);
	if (*u->own.name && *u->interface)
		return FAIL(c, u->line, "uplink '%s': it has device '%s' and interface "
		            "'%s'; allowed: one of them", u->name, u->own.name,
		            u->interface);
	for (other = c->conf->uplinks; other < u; other++) {
		bool device = is_same_name(u->own.name, other->own.name);
		if (device || is_same_name(u->interface, other->interface))
			return FAIL(c, u->line, "uplink '%s': %s '%s' is already uplink "
			            "'%s' in line %u; each has its own", u->name,
			            device ? "device" : "interface",
			            device ? u->own.name : u->interface,
			            other->name, other->line);
	}
	return 0;
}

static int check_uplinks(const struct check *c)
{
	const struct conf *conf = c->conf;

	if (!conf->uplink_count)
		return FAIL(c, 0, "a gateway needs an uplink: config uplink "
		            "'NAME', with option device");
	for (unsigned i = 0; i < conf->uplink_count; i++) {
		int err = check_uplink(c, i);
		if (err)
			return err;
	}
	return 0;
}

/* Traffic of a device cannot both come from the LAN and leave to the Net. */
static int check_lan_devices(const struct check *c)
{
	const struct conf_lan *lan = &c->conf->lan;

	if (lan->own_count + lan->interface_count > CONF_LAN_DEVICES_MAX)
		return FAIL(c, lan->line, "lan: %u devices and interfaces; allowed: up to "
		            "%d in all", lan->own_count + lan->interface_count,
		            CONF_LAN_DEVICES_MAX);
	for (unsigned j = 0; j < c->conf->uplink_count; j++) {
		const struct conf_uplink *u = &c->conf->uplinks[j];
		const char *what = NULL, *name = "";
		for (unsigned i = 0; i < lan->own_count; i++)
			if (is_same_name(lan->own[i].name, u->own.name))
				what = "device", name = u->own.name;
		for (unsigned i = 0; i < lan->interface_count; i++)
			if (is_same_name(lan->interface[i], u->interface))
				what = "interface", name = u->interface;
		if (what)
			return FAIL(c, lan->line, "lan: %s '%s' is uplink '%s' in line "
			            "%u; it can be one of them", what, name, u->name,
			            u->line);
	}
	return 0;
}

static int check_socks5(const struct check *c)
{
	const struct conf_lan *lan = &c->conf->lan;
	char text[ADDR_TEXT_MAX];

	if (!*lan->socks5_user != !*lan->socks5_password)
		return FAIL(c, lan->line, "lan: socks5_user and socks5_password "
		            "go together; '%s' is missing",
		            *lan->socks5_user ? "socks5_password" : "socks5_user");
	if (lan->socks5.family == AF_UNSPEC) {
		if (*lan->socks5_user)
			return FAIL(c, lan->line, "lan: socks5_user without a "
			            "listener; needed: option socks5 'ADDRESS:PORT'");
		return 0;
	}
	if (addr_is_multicast(&lan->socks5))
		return FAIL(c, lan->line, "lan: socks5 '%s' is no address of this "
		            "host", addr_format(&lan->socks5, text));
	if (addr_is_any(&lan->socks5) && !*lan->socks5_password)
		return FAIL(c, lan->line, "lan: socks5 '%s' would serve the whole "
		            "Internet; needed: an address of the LAN, or socks5_user "
		            "and socks5_password", addr_format(&lan->socks5, text));
	return 0;
}

static int check_lan(const struct check *c)
{
	const struct conf_lan *lan = &c->conf->lan;
	int err = check_lan_devices(c);

	if (!err)
		err = check_socks5(c);
	if (!err && lan->tproxy && !lan->own_count && !lan->interface_count)
		return FAIL(c, lan->line, "lan: tproxy needs a device; needed: "
		            "list device 'NAME', or option tproxy '0'");
	return err;
}

/* "bypass 'work'", "bypass" */
static const char *bypass_subject(const struct conf_bypass *b, char *text,
                                  size_t size)
{
	snprintf(text, size, *b->name ? "bypass '%s'" : "bypass", b->name);
	return text;
}

static bool is_reserved(const char *to)
{
	return !strcmp(to, CONF_TO_DIRECT) || !strcmp(to, CONF_TO_TUNNEL);
}

static int check_bypass_to(const struct check *c, const struct conf_bypass *b,
                           const char *subject)
{
	const struct conf *conf = c->conf;
	const char *words[CONF_UPLINKS_MAX + 3] = { CONF_TO_DIRECT,
	                                            CONF_TO_TUNNEL };
	char allowed[CONF_VALUE_TEXT_MAX];

	if (!strcmp(b->to, CONF_TO_TUNNEL) && !conf->lan.tunnel)
		return FAIL(c, b->line, "%s: to 'tunnel': it is off; needed: option "
		            "tunnel '1' in config lan", subject);
	for (unsigned i = 0; i < conf->uplink_count; i++) {
		words[2 + i] = conf->uplinks[i].name;
		if (is_reserved(words[2 + i]))
			return FAIL(c, conf->uplinks[i].line, "uplink '%s': with a "
			            "section bypass it needs another name, as to '%s' "
			            "has a meaning", words[2 + i], words[2 + i]);
	}
	if (is_reserved(b->to) || conf_find_uplink(conf, b->to))
		return 0;
	return FAIL(c, b->line, "%s: to '%s': there is no such uplink; allowed: %s",
	            subject, b->to, words_list(words, allowed, sizeof(allowed)));
}

static int check_bypass(const struct check *c, const struct conf_bypass *b)
{
	char subject[CONF_NAME_MAX + 16];

	bypass_subject(b, subject, sizeof(subject));
	if (!b->dest_count && !b->names_count && !b->host_count && !b->port_count)
		return FAIL(c, b->line, "%s: it says nothing of what shall pass by; "
		            "needed: list dest, name, host or port", subject);
	if (b->names_count && !*b->name)
		return FAIL(c, b->line, "%s: with list name the section needs a name: "
		            "config bypass 'NAME'", subject);
	return check_bypass_to(c, b, subject);
}

/* Bits of the packets' marks that mean one thing each. */
static int check_bypass_mark(const struct check *c)
{
	const struct conf_main *main = &c->conf->main;

	if (main->bypass_mark >> (32 - CONF_BYPASS_MARK_BITS + 1))
		return FAIL(c, main->line, "aggd: bypass_mark '0x%08x': there are not "
		            "%d bits from there on; allowed: up to 0x%08x",
		            main->bypass_mark, CONF_BYPASS_MARK_BITS,
		            1u << (32 - CONF_BYPASS_MARK_BITS));
	unsigned bits = main->bypass_mark * ((1u << CONF_BYPASS_MARK_BITS) - 1);
	if ((main->mark | main->tunnel_mark) & bits)
		return FAIL(c, main->line, "aggd: mark '0x%08x' or tunnel_mark "
		            "'0x%08x' is one of the %d bits of bypass_mark '0x%08x'; "
		            "needed: another one", main->mark, main->tunnel_mark,
		            CONF_BYPASS_MARK_BITS, main->bypass_mark);
	return 0;
}

static int check_bypasses(const struct check *c)
{
	int err = c->conf->bypass_count ? check_bypass_mark(c) : 0;

	for (unsigned i = 0; !err && i < c->conf->bypass_count; i++)
		err = check_bypass(c, &c->conf->bypasses[i]);
	return err;
}

static int check_class(const struct check *c, const struct conf_class *class)
{
	if (strcmp(class->name, "interactive") && strcmp(class->name, "bulk"))
		return FAIL(c, class->line, "class '%s': there is no such class; "
		            "allowed: interactive, bulk", class->name);
	if (class->after_bytes && strcmp(class->name, "bulk"))
		return FAIL(c, class->line, "class '%s': 'after' is an option of "
		            "class 'bulk' only", class->name);
	return 0;
}

static int check_packets(const struct check *c, const struct conf_packets *packets)
{
	bool realtime = !strcmp(packets->name, CONF_PACKETS_REALTIME);

	if (!realtime && strcmp(packets->name, CONF_PACKETS_BACKGROUND))
		return FAIL(c, packets->line, "packets '%s': there is no such class; "
		            "allowed: realtime, background", packets->name);
	if (packets->redundant && !realtime)
		return FAIL(c, packets->line, "packets '%s': 'redundant' is an option "
		            "of packets 'realtime' only", packets->name);
	return 0;
}

/* A value of both lists; -1: there is none. */
static int common(const unsigned *a, unsigned a_count, const unsigned *b,
                  unsigned b_count)
{
	for (unsigned i = 0; i < a_count; i++)
		for (unsigned j = 0; j < b_count; j++)
			if (a[i] == b[j])
				return (int)a[i];
	return -1;
}

/* The first host that both have; NULL: there is none. */
static const struct selector_host *common_host(const struct conf_class *a,
                                               const struct conf_class *b)
{
	char one[SELECTOR_TEXT_MAX], other[SELECTOR_TEXT_MAX];

	for (unsigned i = 0; i < a->host_count; i++)
		for (unsigned k = 0; k < b->host_count; k++)
			if (!strcmp(selector_host_format(&a->host[i], one),
			            selector_host_format(&b->host[k], other)))
				return &a->host[i];
	return NULL;
}

/* Nobody could say of which class a stream in both is. */
static int check_classes(const struct check *c)
{
	const struct conf_class *a = &c->conf->classes[0], *b = a + 1;
	char text[CONF_VALUE_TEXT_MAX];
	int err = 0;

	for (unsigned i = 0; !err && i < c->conf->class_count; i++)
		err = check_class(c, &c->conf->classes[i]);
	if (err || c->conf->class_count < 2)
		return err;
	int port = common(a->port, a->port_count, b->port, b->port_count);
	int dscp = common(a->dscp, a->dscp_count, b->dscp, b->dscp_count);
	if (port >= 0)
		return FAIL(c, b->line, "class '%s': port %d is in class '%s' in "
		            "line %u; it can be in one of them", b->name, port,
		            a->name, a->line);
	if (dscp >= 0)
		return FAIL(c, b->line, "class '%s': dscp %s is in class '%s' in "
		            "line %u; it can be in one of them", b->name,
		            conf_dscp_format((unsigned)dscp, text), a->name,
		            a->line);
	const struct selector_host *host = common_host(a, b);
	if (host)
		return FAIL(c, b->line, "class '%s': host %s is in class '%s' in "
		            "line %u; it can be in one of them", b->name,
		            selector_host_format(host, text), a->name, a->line);
	return 0;
}

static int check_web(const struct check *c)
{
	const struct conf_main *main = &c->conf->main;
	char text[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < main->web_count; i++)
		if (addr_is_any(&main->web[i]) || addr_is_multicast(&main->web[i]))
			return FAIL(c, main->line, "web '%s' would show the page to the "
			            "whole Internet; needed: an address of this host's "
			            "in the LAN, or 127.0.0.1",
			            addr_format(&main->web[i], text));
	if (!*main->web_cert != !*main->web_key)
		return FAIL(c, main->line, "web_cert and web_key: needed: both, or none");
	if (*main->web_cert && !main->web_tls)
		return FAIL(c, main->line, "web_cert without web_tls; needed: option "
		            "web_tls '1'");
	return 0;
}

static int check_marks(const struct check *c)
{
	const struct conf_main *main = &c->conf->main;

	if (main->mark == main->tunnel_mark)
		return FAIL(c, main->line, "mark and tunnel_mark are both 0x%08x; "
		            "needed: two bits", main->mark);
	return 0;
}

static int check_gateway(const struct check *c)
{
	int err = check_marks(c);
	bool joins = conf_is_unpaired(c->conf) && c->conf->main.web_count;
	if (!err && !joins)
		err = check_concentrator(c);
	if (!err && !joins)
		err = check_uplinks(c);
	if (!err)
		err = check_lan(c);
	if (!err)
		err = check_bypasses(c);
	for (unsigned i = 0; !err && i < c->conf->packets_count; i++)
		err = check_packets(c, &c->conf->packets[i]);
	return err;
}

int conf_check(const struct conf *conf, const char *file,
               struct conf_error *error)
{
	const struct check c = { .conf = conf, .file = file, .error = error };
	int err = check_classes(&c);

	if (!err)
		err = check_web(&c);
	if (err)
		return err;
	switch (conf->main.role) {
	case CONF_ROLE_GATEWAY:
		return check_gateway(&c);
	case CONF_ROLE_CONCENTRATOR:
		return check_sites(&c);
	}
	return 0;
}
