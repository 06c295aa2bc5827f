/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a gateway that joins, against a concentrator of this test: real TLS, and no
 * socket. What one writes is what the other reads, in pieces as they come.
 */
#include "agg/pair/redeem.h"

#include "agg/transport/greet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET ((const uint8_t *)"sixteen bytes ok")

static char gw_dir[] = "/tmp/redeem_test.gw.XXXXXX";
static char vps_dir[] = "/tmp/redeem_test.vps.XXXXXX";
static struct tls_context *gw, *vps;
static struct tls_pin gw_pin, vps_pin;

struct concentrator {
	struct buf in, out, plain;
	struct tls *tls;
	bool done;      /* with the handshake */
	int failed;
	struct wire_frame heard; /* type 0: nothing */
};

static int begin_group(void **state)
{
	assert_non_null(mkdtemp(gw_dir));
	assert_non_null(mkdtemp(vps_dir));
	assert_int_equal(tls_identity_generate(gw_dir), 0);
	assert_int_equal(tls_identity_generate(vps_dir), 0);
	assert_int_equal(tls_identity_pin(gw_dir, &gw_pin), 0);
	assert_int_equal(tls_identity_pin(vps_dir, &vps_pin), 0);
	gw = tls_context_create(TLS_CLIENT, gw_dir);
	vps = tls_context_create(TLS_SERVER, vps_dir);
	assert_true(gw && vps);
	return 0;
}

static void remove_dir(const char *dir)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/identity.pem", dir);
	unlink(path);
	rmdir(dir);
}

static int end_group(void **state)
{
	tls_context_destroy(gw);
	tls_context_destroy(vps);
	remove_dir(gw_dir);
	remove_dir(vps_dir);
	return 0;
}

static void open_concentrator(struct concentrator *c)
{
	*c = (struct concentrator){ .done = false };
	buf_init(&c->in, 1 << 17);
	buf_init(&c->out, 1 << 17);
	buf_init(&c->plain, 1 << 17);
	c->tls = tls_create(vps, &c->in, &c->out);
	assert_non_null(c->tls);
}

static void close_both(struct redeem *r, struct concentrator *c)
{
	redeem_finish(r);
	tls_destroy(c->tls);
	buf_finish(&c->in);
	buf_finish(&c->out);
	buf_finish(&c->plain);
}

static void listen_to(struct concentrator *c)
{
	const char *why;
	size_t used = 0;
	uint8_t *p;
	ssize_t n;

	if (!c->done && !c->failed) {
		int done = tls_handshake(c->tls);
		c->done = done > 0;
		c->failed = done < 0 ? done : 0;
	}
	if (!c->done)
		return;
	while ((n = tls_open(c->tls, &p)) > 0)
		buf_put(&c->plain, p, (size_t)n);
	tls_taken(c->tls);
	if (!c->heard.type && c->plain.len)
		greet_hear(WIRE_HELLO, buf_head(&c->plain), c->plain.len, &used,
		           &c->heard, &why);
}

/* At most so many bytes; how many it were. */
static size_t move(struct buf *from, struct buf *to, size_t most)
{
	size_t n = from->len < most ? from->len : most;

	buf_put(to, buf_head(from), n);
	buf_take(from, n);
	return n;
}

static void exchange(struct redeem *r, struct concentrator *c, size_t piece)
{
	size_t moved = 1;

	while (moved) {
		moved = move(&r->out, &c->in, piece);
		listen_to(c);
		moved += move(&c->out, &r->in, piece);
		redeem_input(r);
	}
}

static void answer(struct concentrator *c, const struct wire_frame *frame)
{
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];

	assert_int_equal(tls_write(c->tls, bytes, wire_encode(bytes, frame)), 0);
}

static void it_asks_and_is_answered(void **state)
{
	const size_t pieces[] = { 1, 7, 1 << 16 };

	for (size_t i = 0; i < 3; i++) {
		struct wire_frame yes = { .type = WIRE_REDEEMED, .redeemed = {
			.version = WIRE_VERSION, .result = WIRE_REDEEM_JOINED,
			.now_s = 5, .site = "home" } };
		struct concentrator c;
		struct redeem r;
		struct tls_pin shown;
		open_concentrator(&c);
		assert_int_equal(redeem_begin(&r, gw, &vps_pin), 0);
		redeem_ask(&r, SECRET); /* too early: nothing */
		exchange(&r, &c, pieces[i]);
		assert_int_equal(r.state, REDEEM_REACHED);
		assert_int_equal(c.heard.type, 0);
		redeem_ask(&r, SECRET);
		exchange(&r, &c, pieces[i]);
		assert_int_equal(r.state, REDEEM_ASKED);
		assert_int_equal(c.heard.type, WIRE_INVITE);
		assert_memory_equal(c.heard.invite.secret, SECRET,
		                    WIRE_SECRET_BYTES);
		tls_peer_pin(c.tls, &shown);
		assert_true(tls_pin_equal(&shown, &gw_pin));
		answer(&c, &yes);
		exchange(&r, &c, pieces[i]);
		assert_int_equal(r.state, REDEEM_ANSWERED);
		assert_string_equal(r.answer.site, "home");
		redeem_end(&r, "closed by the peer"); /* as it should */
		assert_int_equal(r.state, REDEEM_ANSWERED);
		close_both(&r, &c);
	}
}

/* Who is in the middle has another key, and hears no secret. */
static void another_key_is_told_nothing(void **state)
{
	struct concentrator c;
	struct redeem r;

	open_concentrator(&c);
	assert_int_equal(redeem_begin(&r, gw, &gw_pin), 0);
	exchange(&r, &c, 1 << 16);
	assert_int_equal(r.state, REDEEM_WRONG_PIN);
	redeem_ask(&r, SECRET);
	exchange(&r, &c, 1 << 16);
	assert_false(c.done);
	assert_int_equal(c.plain.len, 0);
	assert_int_equal(r.state, REDEEM_WRONG_PIN);
	close_both(&r, &c);
}

static void what_it_does_not_understand_ends_it(void **state)
{
	static const struct wire_frame frames[] = {
		{ .type = WIRE_WELCOME, .welcome = { WIRE_VERSION, 1 } },
		{ .type = WIRE_REDEEMED, .redeemed = { .version = 9 } },
		{ .type = WIRE_CLOSE, .close = { "no invitations here" } },
	};

	for (size_t i = 0; i < 3; i++) {
		struct concentrator c;
		struct redeem r;
		open_concentrator(&c);
		assert_int_equal(redeem_begin(&r, gw, &vps_pin), 0);
		exchange(&r, &c, 1 << 16);
		redeem_ask(&r, SECRET);
		exchange(&r, &c, 1 << 16);
		answer(&c, &frames[i]);
		exchange(&r, &c, 1 << 16);
		assert_int_equal(r.state, REDEEM_BROKEN);
		assert_true(*r.why);
		close_both(&r, &c);
	}
}

static void what_is_no_tls_ends_it(void **state)
{
	struct concentrator c;
	struct redeem r;

	open_concentrator(&c);
	assert_int_equal(redeem_begin(&r, gw, &vps_pin), 0);
	buf_put(&r.in, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
	redeem_input(&r);
	assert_int_equal(r.state, REDEEM_BROKEN);
	close_both(&r, &c);
	open_concentrator(&c);
	assert_int_equal(redeem_begin(&r, gw, &vps_pin), 0);
	redeem_end(&r, "closed by the peer");
	assert_int_equal(r.state, REDEEM_BROKEN);
	assert_string_equal(r.why, "closed by the peer");
	close_both(&r, &c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_asks_and_is_answered),
		cmocka_unit_test(another_key_is_told_nothing),
		cmocka_unit_test(what_it_does_not_understand_ends_it),
		cmocka_unit_test(what_is_no_tls_ends_it),
	};

	return cmocka_run_group_tests_name("pair/redeem", tests, begin_group,
	                                   end_group);
}
