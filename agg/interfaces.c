/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see interfaces.h. Owns the questions to netifd. While there is no answer the last
 * one holds: netifd may be starting anew.
 */
#include "agg/interfaces.h"

#include "agg/base/log.h"

#include <errno.h>
#include <string.h>

static const char *find(void *ctx, const char *interface)
{
	const struct interfaces *all = ctx;

	for (int i = 0; i < all->count; i++)
		if (!strcmp(all->of[i].name, interface))
			return all->of[i].device;
	return NULL;
}

static void note_failure(struct interfaces *all, int err)
{
	if (all->count == err)
		return;
	log_sys("interfaces: %s", err == -ENOENT ?
	        "there is no ubus to ask netifd by: 'option interface' is OpenWrt's, "
	        "elsewhere 'option device' says it" : err == -EINVAL ?
	        "netifd's answer is not understood" : strerror(-err));
	if (all->count <= 0)
		all->count = err;
}

static void on_answer(void *ctx, const struct netifd_interface *interfaces, int count)
{
	struct interfaces *all = ctx;
	size_t n = count > 0 ? (size_t)count : 0;

	if (count < 0) {
		note_failure(all, count);
		return;
	}
	if (count == all->count && !memcmp(all->of, interfaces, n * sizeof(*interfaces)))
		return;
	all->count = count;
	memcpy(all->of, interfaces, n * sizeof(*interfaces));
	all->on_change(all->ctx);
}

void interfaces_fill(struct interfaces *all, struct conf *conf)
{
	conf_set_devices(conf, find, all);
}

void interfaces_watch(struct interfaces *all, const struct conf *conf)
{
	if (!conf_has_interfaces(conf)) {
		interfaces_end(all);
		return;
	}
	if (!all->netifd)
		all->netifd = netifd_create(all->loop, on_answer, all);
	if (!all->netifd)
		log_sys("interfaces: %s", strerror(errno));
}

void interfaces_ask(struct interfaces *all)
{
	netifd_ask(all->netifd);
}

void interfaces_end(struct interfaces *all)
{
	netifd_destroy(all->netifd);
	all->netifd = NULL;
	all->count = 0;
}
