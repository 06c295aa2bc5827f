/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see door.h. Owns the listeners and the strangers.
 */
#include "agg/role/door.h"

#include "agg/base/log.h"
#include "agg/kernel/sockopt.h"
#include "agg/pair/invitations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utlist.h>

#define HELLO_LOOK_BYTES 1024u /* of a ClientHello, which is half as long */

static int by_pin(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct tls_pin));
}

static bool knows(const struct door *door, const struct tls_pin *pin)
{
	return door->pin_count && bsearch(pin, door->pins, door->pin_count,
	                                  sizeof(*pin), by_pin);
}

/* He leaves the door. */
static void leave(struct stranger *s, enum guard_end how)
{
	struct door *door = s->door;

	guard_leave(&door->guard, subflow_peer(s->sf), how,
	            loop_now_us(door->loop));
	DL_DELETE(door->strangers, s);
	free(s);
}

static void on_ready(void *ctx, struct subflow *sf, const struct tls_pin *pin,
                     const struct wire_hello *hello,
                     const struct wire_welcome *welcome)
{
	struct stranger *s = ctx;
	struct door *door = s->door;
	char text[ADDR_TEXT_MAX], pin_text[TLS_PIN_TEXT_LEN + 1];

	if (knows(door, pin)) {
		leave(s, GUARD_GOOD);
		door->adopt(door->ctx, sf, pin, hello);
		return;
	}
	log_peer("stranger %s: unknown pin %s",
	         addr_format(subflow_peer(sf), text),
	         tls_pin_format(pin, pin_text));
	s->told = true;
	subflow_fail(sf, "unknown pin; it was revoked, or never joined");
}

static void on_invite(void *ctx, struct subflow *sf, const struct tls_pin *pin,
                      const struct wire_invite *invite)
{
	struct stranger *s = ctx;
	struct wire_redeemed answer = { .version = WIRE_VERSION };
	char text[ADDR_TEXT_MAX], pin_text[TLS_PIN_TEXT_LEN + 1];

	s->door->redeem(s->door->ctx, pin, invite, &answer);
	answer.seen = *subflow_peer(sf);
	answer.seen.scope_id = 0;
	s->invited = answer.result == WIRE_REDEEM_JOINED;
	s->told = true;
	if (s->invited)
		log_info("site %s: joined by invitation, from %s, with key %s",
		         answer.site, addr_format(subflow_peer(sf), text),
		         tls_pin_format(pin, pin_text));
	else
		log_peer("stranger %s: %s%s%s",
		         addr_format(subflow_peer(sf), text),
		         invitation_result_text((enum wire_redeem)answer.result),
		         *answer.why ? ": " : "", answer.why);
	subflow_answer(sf, &answer);
}

static void on_end(void *ctx, struct subflow *sf, bool joined, const char *why)
{
	struct stranger *s = ctx;
	char text[ADDR_TEXT_MAX];

	if (!s->told)
		log_peer("stranger %s: %s", addr_format(subflow_peer(sf), text),
		         why);
	leave(s, s->invited ? GUARD_GOOD : GUARD_FAILED);
}

static const struct subflow_events subflow_events = {
	.on_ready = on_ready, .on_invite = on_invite, .on_end = on_end,
};

/* All places are taken: the oldest handshake of the source that has most goes
 * for a newcomer (guard.h), so that a crowd keeps nobody out. */
static void make_room(struct door *door, const struct addr *newcomer)
{
	struct stranger *s;
	char text[ADDR_TEXT_MAX];

	DL_FOREACH(door->strangers, s)
		if (guard_victim(&door->guard, newcomer, subflow_peer(s->sf)))
			break;
	if (!s)
		return;
	struct subflow *sf = s->sf;
	log_peer("stranger %s: made room for another",
	         addr_format(subflow_peer(sf), text));
	leave(s, GUARD_EVICTED);
	subflow_destroy(sf);
}

/* May somebody from there begin a handshake? Then he is counted. */
static bool enter(struct door *door, const struct addr *from, uint64_t now_us)
{
	enum guard_answer answer = guard_enter(&door->guard, from, now_us);

	if (answer == GUARD_NEEDS_ROOM) {
		make_room(door, from);
		answer = guard_enter(&door->guard, from, now_us);
	}
	return answer == GUARD_ENTERS;
}

void door_take(struct door *door, int fd, const struct addr *from)
{
	struct subflow_args args = {
		.loop = door->loop, .tls = door->tls,
		.congestion = door->congestion,
		.events = &subflow_events,
	};
	uint64_t now = loop_now_us(door->loop);

	if (!enter(door, from, now)) {
		sockopt_abort(fd);
		return;
	}
	struct stranger *s = calloc(1, sizeof(*s));
	args.ctx = s;
	struct subflow *sf = s ? subflow_accept(&args, fd, from) : NULL;
	if (!sf) {
		if (!s)
			close(fd);
		free(s);
		guard_leave(&door->guard, from, GUARD_EVICTED, now);
		return;
	}
	*s = (struct stranger){ .door = door, .sf = sf };
	DL_APPEND(door->strangers, s);
}

/* Where that process is there no more, it is heard here, and refused (site.c). */
static bool is_passed(struct door *door, int fd)
{
	uint8_t hello[HELLO_LOOK_BYTES];
	ssize_t n = recv(fd, hello, sizeof(hello), MSG_PEEK | MSG_DONTWAIT);
	uint32_t process = n > 0 ? wire_offered(hello, (size_t)n) : 0;

	return process && process != door->process &&
	       door->pass(door->ctx, fd, process);
}

static void on_accept(void *ctx, int fd, const struct addr *from)
{
	struct door *door = ctx;

	if (!door->passes || !is_passed(door, fd))
		door_take(door, fd, from);
}

static int listen_at(struct door *door, const struct addr *at, bool mptcp)
{
	struct door_listener *next = &door->listeners[door->listener_count];
	int fd = -ENOPROTOOPT;

	*next = (struct door_listener){ .at = *at, .asked_mptcp = mptcp };
	if (mptcp)
		fd = sockopt_mptcp_listen(at, NULL);
	next->mptcp = fd >= 0;
	if (fd == -ENOPROTOOPT || fd == -EPROTONOSUPPORT) /* or none of it */
		fd = sockopt_tcp_listen(at, NULL);
	if (fd < 0)
		return fd;
	next->listener = listener_create(door->loop, fd, DESCRIPTORS_SUBFLOW,
	                                 on_accept, door);
	if (!next->listener)
		return -errno;
	listener_await_words(next->listener, door->passes);
	door->listener_count++;
	return 0;
}

static bool has(const struct door_plan *plan, const struct addr *at)
{
	for (unsigned i = 0; i < plan->count; i++)
		if (addr_equal(&plan->at[i], at))
			return true;
	return false;
}

static bool listens_at(const struct door *door, const struct addr *at)
{
	for (unsigned i = 0; i < door->listener_count; i++)
		if (addr_equal(&door->listeners[i].at, at))
			return true;
	return false;
}

/* What is not in the plan goes first: it may hold a port that is. */
static int follow(struct door *door, const struct door_plan *plan,
                  struct addr *culprit)
{
	for (unsigned i = door->listener_count; i-- > 0; ) {
		struct door_listener *l = &door->listeners[i];
		if (has(plan, &l->at) && l->asked_mptcp == plan->mptcp)
			continue;
		listener_destroy(l->listener);
		*l = door->listeners[--door->listener_count];
	}
	for (unsigned i = 0; i < plan->count; i++) {
		int err = listens_at(door, &plan->at[i]) ? 0 :
		          listen_at(door, &plan->at[i], plan->mptcp);
		if (err < 0) {
			*culprit = plan->at[i];
			return err;
		}
	}
	return 0;
}

static void add(struct door_plan *plan, const struct addr *at)
{
	if (!has(plan, at))
		plan->at[plan->count++] = *at;
}

static void make_plan(struct door_plan *plan, const struct conf_main *main,
                      bool mptcp)
{
	*plan = (struct door_plan){ .mptcp = mptcp };
	for (unsigned i = 0; i < main->listen_count; i++) {
		const struct addr *at = &main->listen[i];
		struct addr v4 = { .family = AF_INET, .port = at->port };
		add(plan, at);
		/* '[::]:443' is everywhere: IPv4 has a listener of its own. */
		if (at->family == AF_INET6 && addr_is_any(at))
			add(plan, &v4);
	}
}

int door_open(struct door *door, const struct conf_main *main, bool mptcp,
              struct addr *culprit)
{
	struct door_plan plan;
	struct addr other;
	char text[ADDR_TEXT_MAX];

	make_plan(&plan, main, mptcp);
	int err = follow(door, &plan, culprit);
	if (!err) {
		door->plan = plan;
		return 0;
	}
	int back = follow(door, &door->plan, &other);
	if (back < 0)
		log_sys("listen %s: it was given up for a moment, and now: %s",
		        addr_format(&other, text), strerror(-back));
	return err;
}

static bool has_new(const struct door *door, const struct tls_pin *pins,
                    unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!knows(door, &pins[i]))
			return true;
	return false;
}

int door_know(struct door *door, const struct conf *conf)
{
	unsigned count = conf->site_count;
	struct tls_pin *pins = calloc(count ? count : 1, sizeof(*pins));

	if (!pins)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		memcpy(pins[i].sha256, conf->sites[i].pin.sha256,
		       sizeof(pins[i].sha256));
	qsort(pins, count, sizeof(*pins), by_pin);
	if (has_new(door, pins, count))
		guard_forgive(&door->guard);
	free(door->pins);
	door->pins = pins;
	door->pin_count = count;
	return 0;
}

bool door_takes_mptcp(const struct door *door)
{
	for (unsigned i = 0; i < door->listener_count; i++)
		if (!door->listeners[i].mptcp)
			return false;
	return door->listener_count > 0;
}

bool door_lacks(const struct door *door,
                bool (*is_local)(void *ctx, const struct addr *a), void *ctx,
                struct addr *at)
{
	for (unsigned i = 0; i < door->listener_count; i++) {
		struct addr bare = door->listeners[i].at;
		bare.port = 0;
		bare.scope_id = 0;
		if (addr_is_any(&bare) || is_local(ctx, &bare))
			continue;
		*at = door->listeners[i].at;
		return true;
	}
	return false;
}

void door_set_passes(struct door *door, bool passes)
{
	door->passes = passes;
	for (unsigned i = 0; i < door->listener_count; i++)
		listener_await_words(door->listeners[i].listener, passes);
}

void door_rest(struct door *door, bool rests)
{
	for (unsigned i = 0; i < door->listener_count; i++)
		listener_rest(door->listeners[i].listener, rests);
}

void door_close(struct door *door)
{
	while (door->listener_count)
		listener_destroy(door->listeners[--door->listener_count].listener);
}

void door_finish(struct door *door)
{
	struct stranger *s, *tmp;

	door_close(door);
	DL_FOREACH_SAFE(door->strangers, s, tmp) {
		subflow_destroy(s->sf);
		free(s);
	}
	door->strangers = NULL;
	free(door->pins);
	door->pins = NULL;
	door->pin_count = 0;
}
