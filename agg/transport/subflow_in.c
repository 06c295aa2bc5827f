/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what comes into a subflow: a read, then record by record to its session,
 * as far as the turn has time for the site.
 *
 * Records are opened where they lie and stay there until the session has handed
 * out all that they brought. The kernel wakes us when the record at hand is whole.
 */
#include "agg/transport/subflow_impl.h"

#include "agg/transport/seal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define READ_BYTES (64u << 10)      /* in one go; and where as many were there */
#define READ_BYTES_MAX (256u << 10) /* last time */
#define READS_PER_TURN 2
#define SLICE_US 1000u /* of a turn, for all that one session receives in it */

static_assert(READ_BYTES_MAX + TLS_RECORD_PAYLOAD_MAX < SUBFLOW_IN_MAX,
              "with a part of a record");

/* Has the session what it may of this turn? So that a site whose frames cost much
 * holds up nobody but itself. */
static bool has_its_part(const struct subflow *sf)
{
	return sf->slice && slice_is_used_up(sf->slice,
	                                     loop_turn(sf->args.loop), SLICE_US);
}

/* Since the last time. */
static void count_time(struct subflow *sf)
{
	uint64_t now = loop_now_us(sf->args.loop);

	if (sf->slice)
		slice_use(sf->slice, loop_turn(sf->args.loop),
		          now - sf->counted_us);
	sf->counted_us = now;
}

/* Takes what it can, and has time for; how many bytes. */
static size_t consume(struct subflow *sf, const uint8_t *p, size_t n)
{
	size_t used = 0, took = 1;

	while (sf->state == SUBFLOW_GREETING && took && used < n) {
		took = subflow_hear(sf, p + used, n - used);
		used += took;
	}
	took = 1;
	while (sf->state == SUBFLOW_JOINED && sf->lane && took && used < n &&
	       !has_its_part(sf)) {
		ssize_t more = session_input_part(sf->lane, p + used, n - used);
		if (more < 0)
			return n; /* the session is over and has dropped us */
		took = (size_t)more;
		used += took;
		count_time(sf);
	}
	return used;
}

/* What was taken is read no more. */
static void deliver(struct subflow *sf)
{
	if (sf->lane)
		session_deliver(sf->lane);
}

static void take_partial(struct subflow *sf)
{
	size_t n = consume(sf, buf_head(&sf->partial), sf->partial.len);

	deliver(sf);
	buf_take(&sf->partial, n);
}

static void on_plaintext(struct subflow *sf, const uint8_t *p, size_t n)
{
	if (sf->partial.len) {
		if (buf_put(&sf->partial, p, n) < 0)
			subflow_mark_dead(sf, "out of memory"); /* a frame would fit */
		else
			take_partial(sf);
		return;
	}
	size_t used = consume(sf, p, n);
	if (used < n && sf->state != SUBFLOW_DEAD &&
	    buf_put(&sf->partial, p + used, n - used) < 0)
		subflow_mark_dead(sf, "out of memory");
}

static bool is_open(const struct subflow *sf)
{
	return sf->state == SUBFLOW_GREETING || sf->state == SUBFLOW_JOINED;
}

void subflow_in_open(struct subflow *sf)
{
	uint8_t *p = NULL;
	ssize_t n = 1;

	sf->counted_us = loop_now_us(sf->args.loop);
	if (sf->left)
		take_partial(sf);
	while (is_open(sf) && !has_its_part(sf) &&
	       (n = tls_open(sf->tls, &p)) > 0)
		on_plaintext(sf, p, (size_t)n);
	sf->left = is_open(sf) && has_its_part(sf);
	deliver(sf);
	tls_taken(sf->tls);
	count_time(sf);
	if (sf->left)
		loop_task_post(&sf->again);
	if (n >= 0)
		return;
	subflow_mark_dead(sf, n == -EPIPE ? "closed by the peer"
	                                  : tls_error(sf->tls));
	subflow_out_send(sf); /* the alert */
}

/* How much to read at once, by how much was there of late. */
static size_t read_bytes(const struct subflow *sf)
{
	bool large = sf->state == SUBFLOW_JOINED && sf->read_much;

	return large ? READ_BYTES_MAX : READ_BYTES;
}

/* True: the kernel may have more. */
static bool read_once(struct subflow *sf)
{
	size_t most = read_bytes(sf);
	uint8_t *to = buf_reserve(&sf->in, most);
	ssize_t n;

	if (!to) {
		subflow_mark_dead(sf, buf_space(&sf->in) < most ?
		                  "record too long" : "out of memory");
		return false;
	}
	do {
		n = recv(sf->fd, to, most, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		if (errno != EAGAIN)
			subflow_mark_dead(sf, strerror(errno));
		return false;
	}
	if (n == 0) {
		subflow_mark_dead(sf, "closed by the peer");
		return false;
	}
	if (sf->state == SUBFLOW_CLOSING)
		return true; /* what it still says is not heard */
	sf->read_much = (size_t)n >= READ_BYTES;
	buf_added(&sf->in, (size_t)n);
	if (sf->state == SUBFLOW_TLS)
		subflow_shake_hands(sf);
	else
		subflow_in_open(sf);
	return (size_t)n == most;
}

/* With memory that it has only while there is something in it. */
static bool read_some(struct subflow *sf)
{
	struct loop_spares *spares = loop_spares(sf->args.loop);

	buf_borrow(&sf->in, &spares->in);
	bool more = read_once(sf);
	buf_return(&sf->in, &spares->in);
	return more;
}

/* What is missing of the record at hand, as far as one knows: 1 or more. */
static uint32_t missing_bytes(const struct buf *in)
{
	if (in->len < SEAL_HEADER_BYTES)
		return 1;
	const uint8_t *header = buf_head(in);
	size_t whole = SEAL_HEADER_BYTES + ((size_t)header[3] << 8 | header[4]);

	return whole > in->len ? (uint32_t)(whole - in->len) : 1;
}

/* A record can be opened when it is whole, no sooner: not to be woken for each
 * of its packets costs no time. Never for more than the one, or the last of a
 * burst would wait for ever. A kernel that refuses goes on to wake us. */
static void await_record(struct subflow *sf)
{
	uint32_t bytes = missing_bytes(&sf->in);

	if (sf->state != SUBFLOW_JOINED || bytes == sf->receive_lowat)
		return;
	sockopt_set_receive_lowat(sf->fd, bytes);
	sf->receive_lowat = bytes;
}

void subflow_in_read(struct subflow *sf)
{
	if (has_its_part(sf)) {
		loop_task_post(&sf->again);
		return;
	}
	if (sf->left)
		subflow_in_open(sf);
	for (int i = 0; i < READS_PER_TURN && !sf->left; i++)
		if (sf->state == SUBFLOW_DEAD || !read_some(sf))
			break;
	await_record(sf);
}
