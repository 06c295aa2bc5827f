/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one TCP subflow to the peer: how it begins, shakes hands, greets, is
 * joined and ends. Owns its socket, its TLS and its queues. What comes in is
 * subflow_in.c's, what goes out subflow_out.c's.
 */
#include "agg/transport/subflow_impl.h"

#include "agg/base/budget.h"
#include "agg/transport/greet.h"
#include "agg/transport/measure.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUT_MAX (4u << 20) /* as far as the session's budget has it */
#define LAN_RTT_US 1500u
/* Seconds of silence of a peer that has data outstanding. Suspicion comes
 * long before; this only frees what nobody uses any more. */
#define USER_TIMEOUT_MS 60000

struct lane *subflow_part(struct subflow *sf)
{
	struct lane *lane = sf->lane;

	sf->lane = NULL;
	sf->slice = NULL;
	buf_set_budget(&sf->out, NULL);
	return lane;
}

static void destroy(struct subflow *sf)
{
	struct lane *lane = subflow_part(sf);

	if (lane)
		session_detach(lane);
	loop_io_destroy(sf->io);
	loop_timer_destroy(sf->timer);
	loop_task_cancel(&sf->death);
	loop_task_cancel(&sf->again);
	tls_destroy(sf->tls);
	buf_finish(&sf->in);
	buf_finish(&sf->out);
	buf_finish(&sf->partial);
	if (sf->abort)
		sockopt_abort(sf->fd);
	else
		close(sf->fd);
	free(sf);
}

static void on_dead(void *ctx)
{
	struct subflow *sf = ctx;
	struct lane *lane = subflow_part(sf);

	if (lane)
		session_detach(lane);
	if (!sf->orphan)
		sf->args.events->on_end(sf->args.ctx, sf, sf->was_joined,
		                        sf->why);
	destroy(sf);
}

/* First of two steps: no more events; freed at the end of the turn. */
void subflow_mark_dead(struct subflow *sf, const char *why)
{
	if (sf->state == SUBFLOW_DEAD)
		return;
	if (sf->state != SUBFLOW_CLOSING) /* else the reason is known */
		snprintf(sf->why, sizeof(sf->why), "%s", why);
	sf->state = SUBFLOW_DEAD;
	loop_io_want(sf->io, 0);
	loop_timer_disarm(sf->timer);
	loop_task_post(&sf->death);
}

void subflow_destroy(struct subflow *sf)
{
	if (!sf)
		return;
	sf->orphan = true;
	if (sf->state != SUBFLOW_DEAD) /* else on_dead is on its way */
		destroy(sf);
}

/* Greeting -------------------------------------------------------------- */

/* Before a greeting on plain TCP. (The kernel's MPTCP would lay it on one of its
 * paths.) */
static void pad(struct subflow *sf)
{
	struct tcpinfo info;
	struct mptcpinfo mptcp;

	if (tcpinfo_read(sf->fd, false, &info) < 0 ||
	    subflow_mptcp(sf, &mptcp) == 0)
		return;
	size_t n = greet_pad_bytes(info.mss_bytes);
	uint8_t *to = n ? tls_reserve(sf->tls, n) : NULL;
	if (!to)
		return;
	wire_encode_pad(to, n);
	tls_commit(sf->tls, n);
}

static void on_greeting(struct subflow *sf, const struct wire_frame *frame)
{
	bool client = sf->side == TLS_CLIENT;
	struct tls_pin pin;

	if (!client)
		sf->hello = frame->hello;
	tls_peer_pin(sf->tls, &pin);
	sf->args.events->on_ready(sf->args.ctx, sf, &pin,
	                          client ? NULL : &frame->hello,
	                          client ? &frame->welcome : NULL);
}

static void on_invited(struct subflow *sf, const struct wire_frame *frame)
{
	struct tls_pin pin;

	tls_peer_pin(sf->tls, &pin);
	if (sf->args.events->on_invite)
		sf->args.events->on_invite(sf->args.ctx, sf, &pin,
		                           &frame->invite);
	else
		subflow_fail(sf, "no invitations are taken here");
}

static void on_refused(struct subflow *sf, const char *reason)
{
	char why[SUBFLOW_WHY_MAX];

	snprintf(why, sizeof(why), "refused by the peer: %.90s", reason);
	sf->end = SUBFLOW_END_REFUSED;
	subflow_mark_dead(sf, why);
}

size_t subflow_hear(struct subflow *sf, const uint8_t *p, size_t n)
{
	enum wire_type wanted = sf->side == TLS_CLIENT ? WIRE_WELCOME
	                                               : WIRE_HELLO;
	struct wire_frame frame;
	const char *why = NULL;
	size_t used = 0;

	switch (greet_hear(wanted, p, n, &used, &frame, &why)) {
	case GREET_MORE:
		break;
	case GREET_HEARD:
		on_greeting(sf, &frame);
		break;
	case GREET_INVITED:
		on_invited(sf, &frame);
		explicit_bzero(&frame, sizeof(frame));
		break;
	case GREET_REFUSED:
		on_refused(sf, frame.close.reason);
		break;
	case GREET_FOREIGN:
		subflow_fail(sf, why);
		break;
	case GREET_NONE:
		subflow_mark_dead(sf, why);
		break;
	}
	return used;
}

/* "auto" is BBR where the kernel has it: random loss does not halve it, and it
 * leaves a modem's queue short. On a LAN's round-trip time there is no such
 * queue, and pacing only costs CPU: there the system's own stays. */
static void choose_congestion(struct subflow *sf)
{
	const char *name = sf->wanted;
	struct tcpinfo info;

	if (!strcmp(name, "auto")) {
		bool lan = tcpinfo_read(sf->fd, false, &info) == 0 &&
		           info.srtt_us && info.srtt_us < LAN_RTT_US;
		name = lan ? NULL : "bbr";
	}
	if (name)
		sockopt_set_congestion(sf->fd, name, sf->congestion);
	sf->with_bbr = !strcmp(sf->congestion, "bbr");
}

static void note_mptcp(struct subflow *sf)
{
	struct mptcpinfo info;

	sf->mptcp = subflow_mptcp(sf, &info) == 0 && !info.fallback;
	if (sf->mptcp)
		sf->una_first = info.snd_una;
}

int subflow_join(struct subflow *sf, struct session *session,
                 uint64_t incarnation)
{
	struct wire_frame welcome = {
		.type = WIRE_WELCOME,
		.welcome = { wire_agree(WIRE_VERSIONS, sf->hello.version),
		             incarnation, sf->peer },
	};

	if (sf->side == TLS_SERVER) {
		pad(sf);
		subflow_out_say(sf, &welcome);
	}
	if (sf->state == SUBFLOW_DEAD)
		return -EPIPE;
	loop_timer_disarm(sf->timer);
	choose_congestion(sf);
	note_mptcp(sf);
	sf->state = SUBFLOW_JOINED;
	sf->was_joined = true;
	sf->lane = session_attach(session, &sf->hello, &subflow_out_ops, sf);
	if (sf->lane) {
		buf_set_budget(&sf->out, session_sealed(session));
		sf->slice = session_slice(session);
		return 0;
	}
	int err = -errno;
	subflow_mark_dead(sf, strerror(-err));
	return err;
}

void subflow_hand_over(struct subflow *sf, const struct subflow_events *events,
                       void *ctx)
{
	sf->args.events = events;
	sf->args.ctx = ctx;
}

void subflow_close(struct subflow *sf)
{
	sf->state = SUBFLOW_CLOSING;
	sf->want_write = false;
	loop_timer_arm(sf->timer, loop_now_us(sf->args.loop) + SUBFLOW_CLOSE_US);
	subflow_out_send(sf);
}

/* A frame that is the last one. */
static void part_with(struct subflow *sf, const struct wire_frame *frame,
                      const char *why)
{
	snprintf(sf->why, sizeof(sf->why), "%s", why);
	subflow_out_say(sf, frame);
	if (sf->state == SUBFLOW_DEAD)
		return;
	subflow_close(sf);
}

void subflow_fail(struct subflow *sf, const char *reason)
{
	struct wire_frame frame = { .type = WIRE_CLOSE };

	if (sf->state != SUBFLOW_GREETING || sf->side == TLS_CLIENT) {
		subflow_mark_dead(sf, reason);
		return;
	}
	snprintf(frame.close.reason, sizeof(frame.close.reason), "%s", reason);
	part_with(sf, &frame, reason);
}

void subflow_answer(struct subflow *sf, const struct wire_redeemed *answer)
{
	const struct wire_frame frame = { .type = WIRE_REDEEMED,
	                                  .redeemed = *answer };

	if (sf->state == SUBFLOW_GREETING)
		part_with(sf, &frame, "it was answered");
}

/* Shaking hands --------------------------------------------------------- */

static void refuse_pin(struct subflow *sf)
{
	char why[SUBFLOW_WHY_MAX];
	char shown[TLS_PIN_TEXT_LEN + 1], expected[TLS_PIN_TEXT_LEN + 1];
	struct tls_pin pin;

	tls_peer_pin(sf->tls, &pin);
	snprintf(why, sizeof(why), "wrong pin: shown %s, expected %s",
	         tls_pin_format(&pin, shown),
	         tls_pin_format(&sf->expected, expected));
	sf->end = SUBFLOW_END_WRONG_PIN;
	subflow_mark_dead(sf, why);
}

static void await_greeting(struct subflow *sf)
{
	uint64_t now = loop_now_us(sf->args.loop);
	struct tcpinfo info;
	uint32_t srtt_us = tcpinfo_read(sf->fd, false, &info) < 0 ? 0
	                                                          : info.srtt_us;

	if (!sf->greet_end_us)
		sf->greet_end_us = now + SUBFLOW_HANDSHAKE_US;
	loop_timer_arm(sf->timer, greet_look_at_us(now, srtt_us,
	                                           sf->greet_end_us));
}

static bool full_size_is_lost(const struct subflow *sf)
{
	struct tcpinfo info;

	return sf->state == SUBFLOW_GREETING && sf->side == TLS_CLIENT &&
	       tcpinfo_read(sf->fd, false, &info) == 0 &&
	       measure_full_size_lost(&info);
}

void subflow_shake_hands(struct subflow *sf)
{
	int done = tls_handshake(sf->tls);
	struct wire_frame hello = { .type = WIRE_HELLO, .hello = sf->hello };

	if (done == -EKEYREJECTED)
		refuse_pin(sf);
	else if (done < 0)
		subflow_mark_dead(sf, tls_error(sf->tls));
	subflow_out_send(sf); /* when dead, the alert */
	if (done <= 0 || sf->state == SUBFLOW_DEAD)
		return;
	tls_settle(sf->tls);
	sf->state = SUBFLOW_GREETING;
	if (sf->side == TLS_CLIENT) {
		pad(sf);
		subflow_out_say(sf, &hello);
		await_greeting(sf);
	}
	subflow_in_open(sf);
}

/* What a person can do about it. */
static const char *text_of_connect(int err)
{
	switch (-err) {
	case ECONNREFUSED:
		return "connection refused; aggd may not run on the concentrator, "
		       "at that port";
	case ENETUNREACH:
	case EHOSTUNREACH:
		return "the concentrator cannot be reached; this uplink's access may "
		       "be broken";
	default:
		return strerror(-err);
	}
}

static void on_connected(struct subflow *sf)
{
	int err = sockopt_error(sf->fd);

	if (err < 0) {
		subflow_mark_dead(sf, text_of_connect(err));
		return;
	}
	sf->state = SUBFLOW_TLS;
	loop_timer_arm(sf->timer, loop_now_us(sf->args.loop) +
	               SUBFLOW_HANDSHAKE_US);
	subflow_shake_hands(sf);
}

static void on_writable(struct subflow *sf)
{
	subflow_out_send(sf);
	if (sf->state == SUBFLOW_JOINED && sf->lane && !sf->out.len)
		session_writable(sf->lane);
}

static void on_again(void *ctx)
{
	subflow_in_read(ctx);
}

static void on_ready(void *ctx, unsigned events)
{
	struct subflow *sf = ctx;

	if (sf->state == SUBFLOW_CONNECTING) {
		if (events & LOOP_WRITE)
			on_connected(sf);
		return;
	}
	if (events & LOOP_READ)
		subflow_in_read(sf);
	if ((events & LOOP_WRITE) && sf->state != SUBFLOW_DEAD)
		on_writable(sf);
}

/* Beginning ------------------------------------------------------------- */

static void on_deadline(void *ctx)
{
	struct subflow *sf = ctx;

	if (sf->state == SUBFLOW_JOINED) { /* it polls */
		on_writable(sf);
		subflow_out_watch(sf);
		return;
	}
	if (sf->state == SUBFLOW_CLOSING) {
		sf->abort = sf->out.len > 0;
		subflow_mark_dead(sf, sf->why);
		return;
	}
	if (sf->state == SUBFLOW_CONNECTING) {
		sf->end = SUBFLOW_END_NO_ANSWER;
		subflow_mark_dead(sf, "no answer; the concentrator's port may be "
		                  "closed, or this uplink's access broken");
		return;
	}
	if (full_size_is_lost(sf)) {
		sf->end = SUBFLOW_END_FULL_SIZE;
		subflow_mark_dead(sf, "only packets of less than full size pass");
		return;
	}
	if (sf->greet_end_us > loop_now_us(sf->args.loop))
		await_greeting(sf);
	else if (sf->side == TLS_CLIENT && sf->state == SUBFLOW_TLS && !sf->in.len)
		subflow_mark_dead(sf, SESSION_MUTE_WORDS);
	else
		subflow_mark_dead(sf, "handshake too slow");
}

static void tune(struct subflow *sf)
{
	sockopt_set_nodelay(sf->fd);
	sockopt_set_user_timeout(sf->fd, USER_TIMEOUT_MS);
}

int subflow_settle_on(struct subflow *sf, struct loop *loop)
{
	sf->args.loop = loop;
	loop_task_init(&sf->death, loop, on_dead, sf);
	loop_task_init(&sf->again, loop, on_again, sf);
	sf->timer = loop_timer_create(loop, on_deadline, sf);
	sf->io = loop_io_create(loop, sf->fd, 0, on_ready, sf);
	return sf->timer && sf->io ? 0 : -ENOMEM;
}

static struct subflow *create(const struct subflow_args *args, int fd,
                              enum tls_side side)
{
	struct subflow *sf = calloc(1, sizeof(*sf));
	if (!sf)
		goto err_fd;
	sf->args = *args;
	snprintf(sf->wanted, sizeof(sf->wanted), "%s", args->congestion);
	sf->fd = fd;
	sf->side = side;
	buf_init(&sf->in, SUBFLOW_IN_MAX);
	buf_init(&sf->out, OUT_MAX);
	sf->in.keep = sf->out.keep = SIZE_MAX; /* it is returned (loop_spares) */
	buf_init(&sf->partial, 2 * TLS_RECORD_PAYLOAD_MAX);
	sf->tls = tls_create(args->tls, &sf->in, &sf->out);
	if (!sf->tls || subflow_settle_on(sf, args->loop) < 0) {
		subflow_destroy(sf);
		errno = ENOMEM;
		return NULL;
	}
	tune(sf);
	loop_timer_arm(sf->timer, loop_now_us(args->loop) + SUBFLOW_HANDSHAKE_US);
	return sf;

err_fd:
	close(fd);
	return NULL;
}

struct subflow *subflow_connect(const struct subflow_args *args,
                                const struct addr *endpoint,
                                const char *device, const struct addr *source,
                                const struct wire_hello *hello)
{
	int fd = args->mptcp ?
		sockopt_mptcp_open(endpoint->family, device, source) :
		sockopt_tcp_open(endpoint->family, device, source);
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	struct subflow *sf = create(args, fd, TLS_CLIENT);
	if (!sf)
		return NULL;
	sf->peer = *endpoint;
	sf->hello = *hello;
	if (args->mss)
		sockopt_set_maxseg(fd, args->mss);
	sf->expected = *args->pin;
	tls_expect_pin(sf->tls, &sf->expected);
	int err = sockopt_connect(fd, endpoint);
	if (err < 0) {
		subflow_destroy(sf);
		errno = -err;
		return NULL;
	}
	if (args->mptcp)
		loop_timer_arm(sf->timer, loop_now_us(args->loop) +
		               SUBFLOW_MPTCP_CONNECT_US);
	subflow_out_watch(sf);
	return sf;
}

struct subflow *subflow_accept(const struct subflow_args *args, int fd,
                               const struct addr *peer)
{
	struct subflow *sf = create(args, fd, TLS_SERVER);
	if (!sf)
		return NULL;
	sf->peer = *peer;
	sf->state = SUBFLOW_TLS;
	subflow_out_watch(sf);
	return sf;
}

bool subflow_end_is_verdict(enum subflow_end end)
{
	switch (end) {
	case SUBFLOW_END_WRONG_PIN:
	case SUBFLOW_END_REFUSED:
		return true;
	case SUBFLOW_END_OTHER:
	case SUBFLOW_END_NO_ANSWER:
	case SUBFLOW_END_FULL_SIZE:
		break;
	}
	return false;
}

enum subflow_end subflow_end_kind(const struct subflow *sf)
{
	return sf->end;
}

const struct addr *subflow_peer(const struct subflow *sf)
{
	return &sf->peer;
}

void subflow_local(const struct subflow *sf, struct addr *out)
{
	if (sockopt_local(sf->fd, out) < 0)
		*out = (struct addr){ 0 };
}

const char *subflow_cipher(const struct subflow *sf)
{
	return sf->was_joined ? tls_cipher(sf->tls) : "";
}

const char *subflow_congestion(const struct subflow *sf)
{
	return sf->congestion;
}

int subflow_mptcp(const struct subflow *sf, struct mptcpinfo *out)
{
	return mptcpinfo_read(sf->fd, false, out);
}

uint32_t subflow_id(const struct subflow *sf)
{
	return sf->hello.subflow_id;
}
