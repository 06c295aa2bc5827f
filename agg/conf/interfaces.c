/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which devices uplinks and LAN have: those that the file names, and those that
 * netifd's interfaces have now.
 */
#include "agg/conf/conf.h"

#include <errno.h>
#include <string.h>

/* Is it an uplink's, or one of the LAN's, so far? */
static bool is_taken(const struct conf *conf, const char *device)
{
	for (unsigned i = 0; i < conf->uplink_count; i++)
		if (!strcmp(conf->uplinks[i].device.name, device))
			return true;
	for (unsigned i = 0; i < conf->lan.device_count; i++)
		if (!strcmp(conf->lan.device[i].name, device))
			return true;
	return false;
}

/* "" where it has none that is free. */
static struct conf_device find_device(const struct conf *conf, const char *interface,
                                      conf_device_fn *find, void *ctx)
{
	const char *name = find ? find(ctx, interface) : NULL;
	struct conf_device device = { "" };

	if (name && strlen(name) < sizeof(device.name) && !is_taken(conf, name))
		strcpy(device.name, name);
	return device;
}

void conf_set_devices(struct conf *conf, conf_device_fn *find, void *ctx)
{
	struct conf_lan *lan = &conf->lan;
	struct conf_uplink *u, *end = conf->uplinks + conf->uplink_count;

	memcpy(lan->device, lan->own, sizeof(lan->device));
	lan->device_count = lan->own_count;
	for (u = conf->uplinks; u < end; u++)
		u->device = u->own;
	for (u = conf->uplinks; u < end; u++)
		if (*u->interface)
			u->device = find_device(conf, u->interface, find, ctx);
	for (unsigned i = 0; i < lan->interface_count; i++) {
		struct conf_device device = find_device(conf, lan->interface[i], find,
		                                        ctx);
		if (*device.name && lan->device_count < CONF_LAN_DEVICES_MAX)
			lan->device[lan->device_count++] = device;
	}
}

bool conf_has_interfaces(const struct conf *conf)
{
	bool has = conf->lan.interface_count;

	for (unsigned i = 0; i < conf->uplink_count; i++)
		has |= *conf->uplinks[i].interface;
	return has;
}

int conf_copy(const struct conf *conf, const struct conf_names *names, struct conf **out)
{
	struct conf_error error = { "" };
	struct buf text;

	buf_init(&text, CONF_PRINT_MAX);
	int err = conf_print(conf, true, &text);
	if (!err)
		err = conf_parse("", (const char *)buf_head(&text), text.len, names, out,
		                 &error);
	buf_finish(&text);
	return err;
}
