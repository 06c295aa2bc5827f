/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a client says and what it is answered, as a table; each row is
 * fed at once, and byte by byte.
 */
#include "proxy/socks5.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct socks5_auth open_to_all = { 0 };
static const struct socks5_auth locked = { "jo", "secret" };

#define BYTES(text) { (const uint8_t *)(text), sizeof(text) - 1 }
#define HELLO "\x05\x01\x00"
#define FAILED(code) "\x05" code "\x00\x01\x00\x00\x00\x00\x00\x00"

struct bytes {
	const uint8_t *p;
	size_t n;
};

struct row {
	const char *what;
	const struct socks5_auth *auth;
	struct bytes in, out;
	enum socks5_state state;
	const char *dest; /* "ip:port", or "name port" */
};

static const struct row rows[] = {
	{ "IPv4", &open_to_all,
	  BYTES(HELLO "\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb"),
	  BYTES("\x05\x00"), SOCKS5_DONE, "192.0.2.1:443" },
	{ "IPv6", &open_to_all,
	  BYTES(HELLO "\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
	        "\x00\x50"),
	  BYTES("\x05\x00"), SOCKS5_DONE, "[2001:db8::1]:80" },
	{ "a name", &open_to_all,
	  BYTES(HELLO "\x05\x01\x00\x03\x0b" "example.org\x00\x50"),
	  BYTES("\x05\x00"), SOCKS5_DONE, "example.org 80" },
	{ "a name that is an IPv4 address", &open_to_all,
	  BYTES(HELLO "\x05\x01\x00\x03\x09" "192.0.2.7\x00\x50"),
	  BYTES("\x05\x00"), SOCKS5_DONE, "192.0.2.7:80" },
	{ "a name that is an IPv6 address", &open_to_all,
	  BYTES(HELLO "\x05\x01\x00\x03\x0b" "2001:db8::7\x00\x50"),
	  BYTES("\x05\x00"), SOCKS5_DONE, "[2001:db8::7]:80" },
	{ "a name that is almost an address", &open_to_all,
	  BYTES(HELLO "\x05\x01\x00\x03\x07" "192.0.2\x00\x50"),
	  BYTES("\x05\x00"), SOCKS5_DONE, "192.0.2 80" },
	{ "several methods, ours among them", &open_to_all,
	  BYTES("\x05\x03\x02\x01\x00" "\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50"),
	  BYTES("\x05\x00"), SOCKS5_DONE, "192.0.2.1:80" },
	{ "password", &locked,
	  BYTES("\x05\x02\x00\x02" "\x01\x02jo\x06secret"
	        "\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50"),
	  BYTES("\x05\x02\x01\x00"), SOCKS5_DONE, "192.0.2.1:80" },
	{ "wrong password", &locked,
	  BYTES("\x05\x01\x02" "\x01\x02jo\x06secreT"),
	  BYTES("\x05\x02\x01\x01"), SOCKS5_FAILED },
	{ "longer password", &locked,
	  BYTES("\x05\x01\x02" "\x01\x02jo\x07secrets"),
	  BYTES("\x05\x02\x01\x01"), SOCKS5_FAILED },
	{ "password and a NUL", &locked,
	  BYTES("\x05\x01\x02" "\x01\x02jo\x07secret\0"),
	  BYTES("\x05\x02\x01\x01"), SOCKS5_FAILED },
	{ "wrong user", &locked,
	  BYTES("\x05\x01\x02" "\x01\x02ja\x06secret"),
	  BYTES("\x05\x02\x01\x01"), SOCKS5_FAILED },
	{ "neither user nor password", &locked,
	  BYTES("\x05\x01\x02" "\x01\x00\x00"),
	  BYTES("\x05\x02\x01\x01"), SOCKS5_FAILED },
	{ "wrong version of the password", &locked,
	  BYTES("\x05\x01\x02" "\x05"), BYTES("\x05\x02"), SOCKS5_FAILED },
	{ "no password offered where one is wanted", &locked,
	  BYTES(HELLO), BYTES("\x05\xff"), SOCKS5_FAILED },
	{ "only a password offered where none is wanted", &open_to_all,
	  BYTES("\x05\x01\x02"), BYTES("\x05\xff"), SOCKS5_FAILED },
	{ "no methods", &open_to_all,
	  BYTES("\x05\x00"), BYTES("\x05\xff"), SOCKS5_FAILED },
	{ "SOCKS4", &open_to_all,
	  BYTES("\x04"), BYTES(""), SOCKS5_FAILED },
	{ "HTTP", &open_to_all,
	  BYTES("G"), BYTES(""), SOCKS5_FAILED },
	{ "BIND", &open_to_all,
	  BYTES(HELLO "\x05\x02\x00\x01\xc0\x00\x02\x01\x00\x50"),
	  BYTES("\x05\x00" FAILED("\x07")), SOCKS5_FAILED },
	{ "UDP ASSOCIATE", &open_to_all,
	  BYTES(HELLO "\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00"),
	  BYTES("\x05\x00" FAILED("\x07")), SOCKS5_FAILED },
	{ "UDP ASSOCIATE with a name", &open_to_all,
	  BYTES(HELLO "\x05\x03\x00\x03\x01x\x00\x00"),
	  BYTES("\x05\x00" FAILED("\x07")), SOCKS5_FAILED },
	{ "an unknown kind of address", &open_to_all,
	  BYTES(HELLO "\x05\x01\x00\x02"),
	  BYTES("\x05\x00" FAILED("\x08")), SOCKS5_FAILED },
	{ "an empty name", &open_to_all,
	  BYTES(HELLO "\x05\x01\x00\x03\x00\x00\x50"),
	  BYTES("\x05\x00" FAILED("\x01")), SOCKS5_FAILED },
	{ "a name with a NUL", &open_to_all,
	  BYTES(HELLO "\x05\x01\x00\x03\x03" "a\0b\x00\x50"),
	  BYTES("\x05\x00" FAILED("\x01")), SOCKS5_FAILED },
	{ "a name with a line feed", &open_to_all,
	  BYTES(HELLO "\x05\x01\x00\x03\x03" "a\nb\x00\x50"),
	  BYTES("\x05\x00" FAILED("\x01")), SOCKS5_FAILED },
	{ "another version in the request", &open_to_all,
	  BYTES(HELLO "\x04"), BYTES("\x05\x00" FAILED("\x01")), SOCKS5_FAILED },
};

static void check(const struct row *row, const struct socks5 *s,
                  const uint8_t *out, size_t out_len)
{
	char dest[ADDR_TEXT_MAX + DEST_NAME_MAX] = "", ip[ADDR_TEXT_MAX];

	if (s->state == SOCKS5_DONE && s->dest.addr.family != AF_UNSPEC) {
		assert_string_equal(s->dest.name, "");
		snprintf(dest, sizeof(dest), "%s", addr_format(&s->dest.addr, ip));
	} else if (s->state == SOCKS5_DONE) {
		snprintf(dest, sizeof(dest), "%s %u", s->dest.name,
		         s->dest.addr.port);
	}
	if (s->state != row->state || out_len != row->out.n ||
	    memcmp(out, row->out.p, out_len) ||
	    strcmp(dest, row->dest ? row->dest : ""))
		fail_msg("%s: state %d, %zu bytes out, dest '%s'", row->what,
		         s->state, out_len, dest);
}

/* Feeds in portions, with four bytes behind that are not SOCKS'. */
static void run(const struct row *row, size_t portion)
{
	uint8_t in[SOCKS5_MESSAGE_MAX * 3], out[SOCKS5_OUT_MAX];
	size_t at = 0, out_len = 0, total = row->in.n + 4;
	struct socks5 s;

	memcpy(in, row->in.p, row->in.n);
	memcpy(in + row->in.n, "data", 4);
	socks5_init(&s, row->auth);
	for (size_t taken = 1; taken && at < total; at += taken) {
		size_t n = total - at < portion ? total - at : portion;
		taken = socks5_feed(&s, in + at, n);
		memcpy(out + out_len, s.out, s.out_len);
		out_len += s.out_len;
		s.out_len = 0;
	}
	assert_int_equal(at, row->in.n);
	check(row, &s, out, out_len);
}

static void every_row_in_any_portion(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t portion = 1; portion < 40; portion++)
			run(&rows[i], portion);
}

static void the_longest_messages_fit(void **state)
{
	char user[256], password[256];
	struct socks5_auth auth = { user, password };
	uint8_t in[2000] = { 5, 1, 2, 1, 255 };
	struct socks5 s;

	memset(user, 'u', 255);
	memset(password, 'p', 255);
	user[255] = password[255] = 0;
	memcpy(in + 5, user, 255);
	in[260] = 255;
	memcpy(in + 261, password, 255);
	memcpy(in + 516, "\x05\x01\x00\x03\xff", 5);
	memset(in + 521, 'n', 255);
	in[777] = 7;
	socks5_init(&s, &auth);
	assert_int_equal(socks5_feed(&s, in, sizeof(in)), 778);
	assert_int_equal(s.state, SOCKS5_DONE);
	assert_int_equal(strlen(s.dest.name), 255);
	assert_int_equal(s.dest.addr.port, 7);
}

static void every_end_has_its_code(void **state)
{
	static const enum socks5_code codes[STREAM_END_COUNT] = {
		[STREAM_END_FINISHED] = SOCKS5_FAILURE,
		[STREAM_END_RESET] = SOCKS5_FAILURE,
		[STREAM_END_REFUSED] = 5,
		[STREAM_END_NET_UNREACH] = 3,
		[STREAM_END_HOST_UNREACH] = 4,
		[STREAM_END_TIMED_OUT] = 6,
		[STREAM_END_NAME_NOT_FOUND] = 4,
		[STREAM_END_NOT_ALLOWED] = 2,
		[STREAM_END_LIMIT] = SOCKS5_FAILURE,
		[STREAM_END_SESSION_LOST] = SOCKS5_FAILURE,
	};

	for (int end = 0; end < STREAM_END_COUNT; end++)
		assert_int_equal(socks5_code_of((enum stream_end)end), codes[end]);
}

static void a_reply_tells_the_bound_address(void **state)
{
	uint8_t out[SOCKS5_REPLY_MAX];
	struct addr bound;

	addr_parse(&bound, "192.0.2.9:258", 0);
	assert_int_equal(socks5_reply(out, SOCKS5_SUCCEEDED, &bound), 10);
	assert_memory_equal(out, "\x05\x00\x00\x01\xc0\x00\x02\x09\x01\x02", 10);
	addr_parse(&bound, "[2001:db8::9]:258", 0);
	assert_int_equal(socks5_reply(out, SOCKS5_SUCCEEDED, &bound), 22);
	assert_memory_equal(out, "\x05\x00\x00\x04\x20\x01\x0d\xb8", 8);
	assert_memory_equal(out + 19, "\x09\x01\x02", 3);
}

/* Where it is served: it is told from CONNECT. */
static void an_association_may_be_asked_for(void **state)
{
	static const uint8_t said[] = HELLO "\x05\x03\x00\x01\0\0\0\0\x13\x88";
	struct socks5 s;

	socks5_init(&s, &open_to_all);
	s.may_associate = true;
	assert_int_equal(socks5_feed(&s, said, sizeof(said) - 1),
	                 sizeof(said) - 1);
	assert_int_equal(s.state, SOCKS5_DONE);
	assert_int_equal(s.command, SOCKS5_ASSOCIATE);
	assert_int_equal(s.dest.addr.port, 5000);
}

static void heads_of_datagrams(void **state)
{
	static const struct {
		struct bytes in;
		size_t head;
		const char *name;
	} cases[] = {
		{ BYTES("\0\0\0\x01\xc0\0\x02\x01\0\x35xyz"), 10, "" },
		{ BYTES("\0\0\0\x03\x04" "a.de\0\x35"), 11, "a.de" },
		{ BYTES("\0\0\x01\x01\xc0\0\x02\x01\0\x35xyz"), 0, NULL },
		{ BYTES("\0\x01\0\x01\xc0\0\x02\x01\0\x35xyz"), 0, NULL },
		{ BYTES("\0\0\0\x02\xc0\0\x02\x01\0\x35xyz"), 0, NULL },
		{ BYTES("\0\0\0\x01\xc0\0\x02\x01\0"), 0, NULL },
		{ BYTES("\0\0\0\x03\x05" "a.de\0\x35"), 0, NULL },
		{ BYTES("\0\0\0\x03\0\0\x35"), 0, NULL },
		{ BYTES("\0\0\0\x03"), 0, NULL },
		{ BYTES(""), 0, NULL },
	};
	uint8_t head[SOCKS5_UDP_HEAD_MAX];
	struct dest dest;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(socks5_udp_read(cases[i].in.p, cases[i].in.n,
		                                 &dest), cases[i].head);
		if (!cases[i].head)
			continue;
		assert_string_equal(dest.name, cases[i].name);
		assert_int_equal(dest.addr.port, 53);
	}
	assert_int_equal(socks5_udp_read(cases[0].in.p, cases[0].in.n, &dest), 10);
	assert_int_equal(socks5_udp_write(head, &dest.addr), 10);
	assert_memory_equal(head, cases[0].in.p, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_in_any_portion),
		cmocka_unit_test(the_longest_messages_fit),
		cmocka_unit_test(every_end_has_its_code),
		cmocka_unit_test(a_reply_tells_the_bound_address),
		cmocka_unit_test(an_association_may_be_asked_for),
		cmocka_unit_test(heads_of_datagrams),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
