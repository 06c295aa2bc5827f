/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see warnings.h.
 */
#include "agg/role/warnings.h"

#include "agg/base/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEVICES_TEXT_MAX 256

struct walk {
	const struct conf *conf;
	const char *file;
	const struct warnings_facts *facts;
	void (*on_warning)(void *ctx, const char *text);
	void *ctx;
	unsigned count;
};

#define WARN(w, line, ...) \
	do { \
		struct conf_error e_; \
		conf_error_set(&e_, (w)->file, line, __VA_ARGS__); \
		(w)->on_warning((w)->ctx, e_.text); \
		(w)->count++; \
	} while (0)

/* Pins -------------------------------------------------------------------- */

/* 43 letters A, as in docs/examples. */
static bool is_placeholder(const struct conf_pin *pin)
{
	static const uint8_t zero[sizeof(pin->sha256)];

	return !memcmp(pin->sha256, zero, sizeof(zero));
}

static void look_at_pin(struct walk *w, unsigned line, const char *what,
                        const char *name, const struct conf_pin *pin,
                        const char *other)
{
	const struct warnings_facts *f = w->facts;

	if (is_placeholder(pin))
		WARN(w, line, "%s '%s': the pin is the example's, which nobody "
		     "has; needed is what 'aggctl pin' prints on the %s", what,
		     name, other);
	else if (!f->identity_err && !memcmp(pin->sha256, f->own.sha256,
	                                     sizeof(pin->sha256)))
		WARN(w, line, "%s '%s': the pin is this host's own; needed is what "
		     "'aggctl pin' prints on the %s", what, name, other);
}

static void look_at_identity(struct walk *w)
{
	const struct conf_main *main = &w->conf->main;

	switch (-w->facts->identity_err) {
	case 0:
		return;
	case ENOENT:
	case ENOTDIR:
		WARN(w, main->line, "there is no identity in '%s', without which "
		     "aggd does not start; 'aggctl keygen %s' makes one",
		     main->state, main->state);
		return;
	case EPERM:
		WARN(w, main->line, "others may read %s/identity.pem, so that aggd "
		     "does not take it; 'chmod 600 %s/identity.pem', or make a "
		     "new one", main->state, main->state);
		return;
	case EBADMSG:
		WARN(w, main->line, "%s/identity.pem is no identity; remove it, "
		     "and 'aggctl keygen %s' makes one", main->state,
		     main->state);
		return;
	case EACCES:
		WARN(w, main->line, "you may not read %s/identity.pem, so that it "
		     "was not looked at; as root it is", main->state);
		return;
	default:
		WARN(w, main->line, "%s/identity.pem: %s", main->state,
		     strerror(-w->facts->identity_err));
	}
}

/* Devices and addresses -------------------------------------------------------- */

static const char *list_devices(const struct host *host, const char *missing,
                                char text[DEVICES_TEXT_MAX])
{
	const char *names[HOST_DEVICES_MAX + 1];
	char list[DEVICES_TEXT_MAX / 2];

	for (unsigned i = 0; i < host->device_count; i++)
		names[i] = host->devices[i].name;
	names[host->device_count] = NULL;
	const char *near = words_near(names, missing);
	snprintf(text, DEVICES_TEXT_MAX, "%s%s%sthere are: %s",
	         near ? "did you mean '" : "", near ? near : "",
	         near ? "'? " : "", words_list(names, list, sizeof(list)));
	return text;
}

static void look_at_device(struct walk *w, unsigned line, const char *what,
                           const char *device, bool wants_address)
{
	const struct host *host = w->facts->host;
	const struct host_device *dev = host_find(host, device);
	char text[DEVICES_TEXT_MAX];

	if (!dev && host->whole)
		WARN(w, line, "%s: there is no device '%s' on this host now; %s",
		     what, device, list_devices(host, device, text));
	else if (dev && wants_address && !dev->has_address)
		WARN(w, line, "%s: device '%s' has no address now; hosts of the LAN "
		     "need it as their router", what, device);
}

static void look_at_listener(struct walk *w, unsigned line, const char *what,
                             const struct addr *at)
{
	char text[ADDR_TEXT_MAX];

	if (at->family != AF_UNSPEC && !addr_is_any(at) &&
	    !host_has_address(w->facts->host, at))
		WARN(w, line, "%s '%s': this host does not have that address now",
		     what, at->port ? addr_format(at, text) : addr_format_ip(at, text));
}

static void look_at_congestion(struct walk *w)
{
	const struct conf_main *main = &w->conf->main;
	const struct host *host = w->facts->host;

	if (strcmp(main->congestion, "auto") && !host->has_congestion)
		WARN(w, main->line, "congestion '%s' is not in this kernel, so that "
		     "its own choice is used; there are: auto %s",
		     main->congestion, host->congestions);
}

static void look_at_gateway(struct walk *w)
{
	const struct conf *conf = w->conf;
	char what[CONF_NAME_MAX + 16];

	if (!conf_is_unpaired(conf))
		look_at_pin(w, conf->concentrator.line, "concentrator",
		            conf->concentrator.name, &conf->concentrator.pin,
		            "concentrator");
	for (unsigned i = 0; i < conf->uplink_count; i++) {
		const struct conf_uplink *u = &conf->uplinks[i];
		snprintf(what, sizeof(what), "uplink '%s'", u->name);
		if (u->enabled && *u->device.name)
			look_at_device(w, u->line, what, u->device.name, false);
	}
	for (unsigned i = 0; i < conf->lan.device_count; i++)
		look_at_device(w, conf->lan.line, "lan", conf->lan.device[i].name,
		               true);
	look_at_listener(w, conf->lan.line, "lan: socks5", &conf->lan.socks5);
	if (conf->lan.device_count && !w->facts->host->forwards_v4)
		WARN(w, conf->lan.line, "lan: this host does not forward IPv4, so "
		     "that nothing but TCP leaves the LAN; "
		     "'sysctl -w net.ipv4.ip_forward=1' turns it on");
}

/* Of its family; those of the packet tunnels are no way in. */
static bool is_only_one(const struct walk *w, const struct addr *own)
{
	const struct host *host = w->facts->host;

	for (unsigned i = 0; i < host->address_count; i++) {
		const struct addr *a = &host->addresses[i];
		bool near = a->family == AF_INET ? a->ip[0] == 127 :
			a->ip[0] == 0xfe || !a->ip[0];
		if (a->family == own->family && !near && !addr_equal_ip(a, own) &&
		    !prefix_has(&w->conf->main.pool, a))
			return false;
	}
	return true;
}

static void look_at_forwards(struct walk *w)
{
	const struct conf *conf = w->conf;
	char what[CONF_NAME_MAX + 24];

	for (unsigned i = 0; i < conf->forward_count; i++) {
		const struct conf_forward *f = &conf->forwards[i];
		snprintf(what, sizeof(what), "forward '%s': listen", f->name);
		look_at_listener(w, f->line, what, &f->listen);
	}
	for (unsigned i = 0; i < conf->address_count; i++) {
		const struct conf_address *a = &conf->addresses[i];
		struct addr at = { .family = a->address.family };
		memcpy(at.ip, a->address.ip, sizeof(at.ip));
		snprintf(what, sizeof(what), "address '%s':", a->name);
		look_at_listener(w, a->line, what, &at);
		if (is_only_one(w, &at))
			WARN(w, a->line, "%s this host has no other of its family; its own "
			     "programs, ssh for one, are not reached any more", what);
	}
}

static void look_at_concentrator(struct walk *w)
{
	const struct conf *conf = w->conf;
	const char *file = w->file;

	if (!conf->site_count)
		WARN(w, 0, "no gateway may connect: there is no site; needed: "
		     "config site 'NAME', with option pin");
	for (unsigned i = 0; i < conf->site_count; i++) {
		const struct conf_site *site = &conf->sites[i];
		w->file = conf_site_file(conf, site, file);
		look_at_pin(w, site->line, "site", site->name, &site->pin,
		            "gateway");
	}
	w->file = file;
	for (unsigned i = 0; i < conf->main.listen_count; i++)
		look_at_listener(w, conf->main.line, "listen",
		                 &conf->main.listen[i]);
	look_at_forwards(w);
}

unsigned warnings_find(const struct conf *conf, const char *file,
                       const struct warnings_facts *facts,
                       void (*on_warning)(void *ctx, const char *text),
                       void *ctx)
{
	struct walk w = { conf, file, facts, on_warning, ctx, 0 };

	if (!conf_is_unpaired(conf))
		look_at_identity(&w);
	look_at_congestion(&w);
	switch (conf->main.role) {
	case CONF_ROLE_GATEWAY:
		look_at_gateway(&w);
		break;
	case CONF_ROLE_CONCENTRATOR:
		look_at_concentrator(&w);
		break;
	}
	return w.count;
}
