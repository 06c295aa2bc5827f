/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the name that a client says first, whole, in pieces, and not at all.
 */
#include "proxy/hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Bytes that grow. */
struct bytes {
	uint8_t p[20000];
	size_t n;
};

static void put(struct bytes *b, const void *p, size_t n)
{
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void put_number(struct bytes *b, unsigned bytes, size_t value)
{
	while (bytes--)
		b->p[b->n++] = (uint8_t)(value >> 8 * bytes);
}

/* A ClientHello's message, whose name stands behind `before` bytes of another
 * extension; name NULL: it has none. */
static struct bytes message(const char *name, size_t before)
{
	static const uint8_t zero[20000];
	struct bytes ext = { .n = 0 }, b = { .n = 0 };

	put_number(&ext, 2, 21);
	put_number(&ext, 2, before);
	put(&ext, zero, before);
	if (name) {
		size_t n = strlen(name);
		put_number(&ext, 2, 0);
		put_number(&ext, 2, n + 5);
		put_number(&ext, 2, n + 3);
		put_number(&ext, 1, 0);
		put_number(&ext, 2, n);
		put(&ext, name, n);
	}
	put_number(&b, 1, 1);
	put_number(&b, 3, 2 + 32 + 1 + 4 + 2 + 2 + ext.n);
	put_number(&b, 2, 0x303);
	put(&b, zero, 32);
	put_number(&b, 1, 0);
	put_number(&b, 2, 2);
	put_number(&b, 2, 0x1301);
	put_number(&b, 2, 0x100);
	put_number(&b, 2, ext.n);
	put(&b, ext.p, ext.n);
	return b;
}

/* In records of at most so many bytes. */
static struct bytes records(const struct bytes *message, size_t most)
{
	struct bytes b = { .n = 0 };

	for (size_t at = 0; at < message->n; at += most) {
		size_t n = message->n - at < most ? message->n - at : most;
		put_number(&b, 1, 22);
		put_number(&b, 2, 0x301);
		put_number(&b, 2, n);
		put(&b, message->p + at, n);
	}
	return b;
}

/* What is said of it when it comes byte by byte: MORE, until that is said. */
static enum hello by_bytes(const struct bytes *b, char name[HELLO_NAME_MAX + 1])
{
	enum hello said = HELLO_MORE;

	for (size_t n = 0; n <= b->n && said == HELLO_MORE; n++)
		said = hello_read(b->p, n, name);
	return said;
}

static void expect(const struct bytes *b, enum hello want, const char *want_name)
{
	char name[HELLO_NAME_MAX + 1] = "";

	assert_int_equal(hello_read(b->p, b->n, name), want);
	if (want == HELLO_NAMED)
		assert_string_equal(name, want_name);
	memset(name, 0, sizeof(name));
	assert_int_equal(by_bytes(b, name), want);
	if (want == HELLO_NAMED)
		assert_string_equal(name, want_name);
}

static void tls_in_records_of_any_size(void **state)
{
	static const size_t sizes[] = { 1, 3, 40, 16384 };
	struct bytes m = message("WWW.Example.com", 300);

	for (int i = 0; i < 4; i++) {
		struct bytes b = records(&m, sizes[i]);
		expect(&b, HELLO_NAMED, "www.example.com");
	}
}

static void tls_without_a_name(void **state)
{
	struct bytes m = message(NULL, 10);
	struct bytes b = records(&m, 16384);

	expect(&b, HELLO_NONE, NULL);
	m = message("", 10);
	b = records(&m, 16384);
	expect(&b, HELLO_NONE, NULL);
	m = message("exa mple.com", 10);
	b = records(&m, 16384);
	expect(&b, HELLO_NONE, NULL);
}

/* The name is beyond what is looked at. */
static void tls_that_is_too_long(void **state)
{
	struct bytes m = message("example.com", 17000);
	struct bytes b = records(&m, 16384);
	char name[HELLO_NAME_MAX + 1];

	assert_int_equal(hello_read(b.p, HELLO_BYTES_MAX - 1, name), HELLO_MORE);
	assert_int_equal(hello_read(b.p, HELLO_BYTES_MAX, name), HELLO_NONE);
	assert_int_equal(hello_read(b.p, b.n, name), HELLO_NONE);
}

static void tls_that_is_something_else(void **state)
{
	struct bytes m = message("example.com", 0), b;

	m.p[0] = 2; /* a ServerHello */
	b = records(&m, 16384);
	expect(&b, HELLO_NONE, NULL);
	m.p[0] = 1;
	b = records(&m, 16384);
	b.p[1] = 4;
	expect(&b, HELLO_NONE, NULL);
	b = records(&m, 30); /* an alert between its records */
	b.p[35] = 21;
	expect(&b, HELLO_NONE, NULL);
}

static void lengths_that_lie(void **state)
{
	struct bytes m = message("example.com", 0);

	for (size_t at = 1; at < m.n; at++)
		for (unsigned v = 0; v < 256; v += 51) {
			struct bytes bad = m, b;
			char name[HELLO_NAME_MAX + 1];
			bad.p[at] = (uint8_t)v;
			b = records(&bad, 50);
			hello_read(b.p, b.n, name); /* and reads nothing else */
		}
}

static void expect_http(const char *text, enum hello want, const char *name)
{
	struct bytes b = { .n = 0 };

	put(&b, text, strlen(text));
	expect(&b, want, name);
}

static void http(void **state)
{
	expect_http("GET / HTTP/1.1\r\nA: b\r\nhOst:  www.Example.com \r\n\r\n",
	            HELLO_NAMED, "www.example.com");
	expect_http("POST /x HTTP/1.1\nHost:example.com:8080\n\n", HELLO_NAMED,
	            "example.com");
	expect_http("GET / HTTP/1.0\r\nX-Host: example.com\r\n\r\n", HELLO_NONE, NULL);
	expect_http("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n", HELLO_NONE, NULL);
	expect_http("GET / HTTP/1.1\r\nHost: \r\n", HELLO_NONE, NULL);
	expect_http("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HELLO_NONE, NULL);
	expect_http("SSH-2.0-OpenSSH_9.2\r\n", HELLO_NONE, NULL);
	expect_http("GET / HTTP/1.1\r\nHost: exampl", HELLO_MORE, NULL);
	expect_http("ABCDEFGHIJKLMNOPQ", HELLO_NONE, NULL);
	expect_http("", HELLO_MORE, NULL);
}

static void http_that_does_not_end(void **state)
{
	struct bytes b = { .n = 0 };

	put(&b, "GET /", 5);
	memset(b.p + b.n, 'x', 9000);
	b.n += 9000;
	expect(&b, HELLO_NONE, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_in_records_of_any_size),
		cmocka_unit_test(tls_without_a_name),
		cmocka_unit_test(tls_that_is_too_long),
		cmocka_unit_test(tls_that_is_something_else),
		cmocka_unit_test(lengths_that_lie),
		cmocka_unit_test(http),
		cmocka_unit_test(http_that_does_not_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
