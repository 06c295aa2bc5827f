/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see redeem.h.
 */
#include "agg/pair/redeem.h"

#include "agg/transport/greet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define QUEUE_MAX (4 * TLS_RECORD_PAYLOAD_MAX)

static void enter(struct redeem *r, enum redeem_state state, const char *why)
{
	r->state = state;
	snprintf(r->why, sizeof(r->why), "%s", why);
}

int redeem_begin(struct redeem *r, struct tls_context *tls,
                 const struct tls_pin *pin)
{
	*r = (struct redeem){ .state = REDEEM_SHAKING };
	buf_init(&r->in, QUEUE_MAX);
	buf_init(&r->out, QUEUE_MAX);
	buf_init(&r->plain, QUEUE_MAX);
	r->tls = tls_create(tls, &r->in, &r->out);
	if (!r->tls)
		return -ENOMEM;
	tls_expect_pin(r->tls, pin);
	redeem_input(r);
	return 0;
}

void redeem_finish(struct redeem *r)
{
	tls_destroy(r->tls);
	buf_finish(&r->in);
	buf_finish(&r->out);
	buf_finish(&r->plain);
}

static bool is_over(const struct redeem *r)
{
	return r->state >= REDEEM_ANSWERED;
}

void redeem_end(struct redeem *r, const char *why)
{
	if (!is_over(r))
		enter(r, REDEEM_BROKEN, why);
}

static void shake_hands(struct redeem *r)
{
	int done = tls_handshake(r->tls);

	if (done == -EKEYREJECTED)
		enter(r, REDEEM_WRONG_PIN, "it shows another key");
	else if (done < 0)
		enter(r, REDEEM_BROKEN, tls_error(r->tls));
	else if (done)
		enter(r, REDEEM_REACHED, "");
}

/* False: more is needed. */
static bool hear(struct redeem *r)
{
	struct wire_frame frame;
	const char *why = "";
	size_t used = 0;

	switch (greet_hear(WIRE_REDEEMED, buf_head(&r->plain), r->plain.len,
	                   &used, &frame, &why)) {
	case GREET_MORE:
		break;
	case GREET_HEARD:
		r->answer = frame.redeemed;
		enter(r, REDEEM_ANSWERED, "");
		break;
	case GREET_REFUSED:
		enter(r, REDEEM_BROKEN, frame.close.reason);
		break;
	case GREET_FOREIGN:
	case GREET_INVITED:
	case GREET_NONE:
		enter(r, REDEEM_BROKEN, why);
		break;
	}
	buf_take(&r->plain, used);
	return used && !is_over(r);
}

static void read_records(struct redeem *r)
{
	uint8_t *p;
	ssize_t n = 0;

	while (!is_over(r) && (n = tls_open(r->tls, &p)) > 0) {
		if (buf_put(&r->plain, p, (size_t)n) < 0)
			enter(r, REDEEM_BROKEN, "out of memory");
		while (!is_over(r) && hear(r))
			;
	}
	tls_taken(r->tls);
	if (n < 0)
		redeem_end(r, n == -EPIPE ? "closed by the peer"
		                          : tls_error(r->tls));
}

void redeem_input(struct redeem *r)
{
	if (r->state == REDEEM_SHAKING)
		shake_hands(r);
	if (r->state == REDEEM_REACHED || r->state == REDEEM_ASKED)
		read_records(r);
}

void redeem_ask(struct redeem *r, const uint8_t secret[WIRE_SECRET_BYTES])
{
	struct wire_frame frame = { .type = WIRE_INVITE,
	                            .invite = { .version = WIRE_VERSION } };
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];

	if (r->state != REDEEM_REACHED)
		return;
	memcpy(frame.invite.secret, secret, WIRE_SECRET_BYTES);
	size_t n = wire_encode(bytes, &frame);
	if (tls_write(r->tls, bytes, n) < 0)
		enter(r, REDEEM_BROKEN, tls_error(r->tls));
	else
		enter(r, REDEEM_ASKED, "");
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(&frame, sizeof(frame));
}
