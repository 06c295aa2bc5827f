/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see door.h. Owns the listeners and the strangers.
 */
#include "agg/role/door.h"

#include "agg/base/log.h"
#include "agg/kernel/sockopt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

static void on_ready(void *ctx, struct subflow *sf, const struct tls_pin *pin,
                     const struct wire_hello *hello,
                     const struct wire_welcome *welcome)
{
	struct member *m = ctx;
	struct door *door = m->door;
	struct site *site = sites_find(door->sites, pin);
	char text[ADDR_TEXT_MAX], pin_text[TLS_PIN_TEXT_LEN + 1];

	if (!site) {
		log_peer("stranger %s: unknown pin %s",
		         addr_format(subflow_peer(sf), text),
		         tls_pin_format(pin, pin_text));
		subflow_fail(sf, "unknown pin");
		return;
	}
	const char *why = site_admit(site, hello);
	if (why) {
		subflow_fail(sf, why);
		return;
	}
	guard_leave(&door->guard, subflow_peer(sf), true,
	            loop_now_us(door->loop));
	DL_DELETE(door->strangers, m);
	site_take(site, m, hello);
}

static void on_end(void *ctx, struct subflow *sf, bool joined, const char *why)
{
	struct member *m = ctx;
	struct door *door = m->door;
	char text[ADDR_TEXT_MAX];

	if (m->site) {
		site_lose(m, why);
		return;
	}
	log_peer("stranger %s: %s", addr_format(subflow_peer(sf), text), why);
	guard_leave(&door->guard, subflow_peer(sf), false,
	            loop_now_us(door->loop));
	DL_DELETE(door->strangers, m);
	free(m);
}

static const struct subflow_events subflow_events = { on_ready, on_end };

/* All places are taken: lots decide who goes for a newcomer. So a crowd that
 * comes faster than its handshakes time out keeps nobody out for long, and
 * each who goes has failed, which its source pays for. */
static void make_room(struct door *door, uint64_t now_us)
{
	uint64_t lot = rand_below(&door->rand, door->guard.under_way);
	struct member *m = door->strangers;
	char text[ADDR_TEXT_MAX];

	while (lot-- > 0 && m->next)
		m = m->next;
	log_peer("stranger %s: made room for another",
	         addr_format(subflow_peer(m->sf), text));
	guard_leave(&door->guard, subflow_peer(m->sf), false, now_us);
	DL_DELETE(door->strangers, m);
	subflow_destroy(m->sf);
	free(m);
}

static void take(void *ctx, int fd, const struct addr *from)
{
	struct door *door = ctx;
	struct subflow_args args = {
		.loop = door->loop, .tls = door->tls,
		.congestion = door->congestion,
		.events = &subflow_events,
	};
	uint64_t now = loop_now_us(door->loop);

	if (guard_is_full(&door->guard) && guard_welcomes(&door->guard, from, now))
		make_room(door, now);
	if (!guard_enter(&door->guard, from, now)) {
		sockopt_abort(fd);
		return;
	}
	struct member *m = calloc(1, sizeof(*m));
	args.ctx = m;
	struct subflow *sf = m ? subflow_accept(&args, fd, from) : NULL;
	if (!sf) {
		if (!m)
			close(fd);
		free(m);
		guard_leave(&door->guard, from, false, now);
		return;
	}
	*m = (struct member){ .door = door, .sf = sf };
	DL_APPEND(door->strangers, m);
}

static int listen_at(struct door *door, const struct addr *at)
{
	char text[ADDR_TEXT_MAX];
	int fd = -ENOPROTOOPT;
	struct listener *l = NULL;

	if (door->mptcp)
		fd = sockopt_mptcp_listen(at, NULL);
	if (fd == -ENOPROTOOPT || fd == -EPROTONOSUPPORT) { /* or none of it */
		door->mptcp = false;
		fd = sockopt_tcp_listen(at, NULL);
	}
	if (fd >= 0)
		l = listener_create(door->loop, fd, DESCRIPTORS_SUBFLOW,
		                    take, door);
	if (!l) {
		log_sys("listen %s: %s", addr_format(at, text),
		        strerror(fd < 0 ? -fd : errno));
		return -1;
	}
	door->listeners[door->listener_count++] = l;
	return 0;
}

static bool listens_at(const struct door *door, const struct addr *at)
{
	struct addr own;

	for (unsigned i = 0; i < door->listener_count; i++) {
		listener_address(door->listeners[i], &own);
		if (addr_equal(&own, at))
			return true;
	}
	return false;
}

int door_open(struct door *door, const struct conf_main *main, bool mptcp)
{
	static const uint8_t any[16] = { 0 };

	door->mptcp = mptcp;
	for (unsigned i = 0; i < main->listen_count; i++) {
		const struct addr *at = &main->listen[i];
		struct addr v4 = { .family = AF_INET, .port = at->port };
		if (!listens_at(door, at) && listen_at(door, at) < 0)
			return -1;
		/* '[::]:443' is everywhere: IPv4 has a listener of its own. */
		if (at->family == AF_INET6 && !memcmp(at->ip, any, 16) &&
		    !listens_at(door, &v4) && listen_at(door, &v4) < 0)
			return -1;
	}
	return 0;
}

void door_close(struct door *door)
{
	while (door->listener_count)
		listener_destroy(door->listeners[--door->listener_count]);
}

void door_finish(struct door *door)
{
	struct member *m, *tmp;

	door_close(door);
	DL_FOREACH_SAFE(door->strangers, m, tmp) {
		subflow_destroy(m->sf);
		free(m);
	}
	door->strangers = NULL;
}
