/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "dns_server.h"
#include "net.h"
#include "proxy/resolve.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LATE_US 100000

#define SILENT_MS 200 /* where the server does not answer */
#define TRIES 5

static const struct dns_row rows[] = {
	{ "both.test", AF_INET6, .addrs = { "2001:db8::1", "2001:db8::2" } },
	{ "both.test", AF_INET, .addrs = { "192.0.2.1" } },
	{ "late6.test", AF_INET6, .delay_us = LATE_US, .addrs = { "2001:db8::1" } },
	{ "late6.test", AF_INET, .addrs = { "192.0.2.1" } },
	{ "late4.test", AF_INET6, .addrs = { "2001:db8::1" } },
	{ "late4.test", AF_INET, .delay_us = LATE_US, .addrs = { "192.0.2.1" } },
	{ "only4.test", AF_INET6 },
	{ "only4.test", AF_INET, .addrs = { "192.0.2.1" } },
	{ "many.test", AF_INET6 },
	{ "many.test", AF_INET, .addrs = { "192.0.2.1", "192.0.2.2", "192.0.2.3",
	  "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.8",
	  "192.0.2.9" } },
	{ "broken.test", AF_INET6, DNS_SERVFAIL },
	{ "broken.test", AF_INET, DNS_SERVFAIL },
	{ "silent.test", AF_INET6, DNS_SILENT },
	{ "silent.test", AF_INET, DNS_SILENT },
};

struct scene {
	struct loop *loop;
	struct dns_server *dns;
	struct resolver *resolver;
	unsigned answers;
	sa_family_t families[2]; /* in the order of their answers */
	unsigned n[2];
	int err[2];
	struct addr first[2];
};

static void on_answer(void *ctx, sa_family_t family, const struct addr *addrs,
                      unsigned n, int err)
{
	struct scene *s = ctx;

	assert_true(s->answers < 2);
	s->families[s->answers] = family;
	s->n[s->answers] = n;
	s->err[s->answers] = err;
	if (n)
		s->first[s->answers] = addrs[0];
	s->answers++;
}

static void wait_for_answers(struct scene *s, int timeout_ms)
{
	resolver_destroy(s->resolver);
	s->resolver = dns_server_resolver(s->dns, timeout_ms);
}

static int setup(void **state)
{
	static struct scene s;

	memset(&s, 0, sizeof(s));
	s.loop = loop_create();
	s.dns = dns_server_create(s.loop, rows, sizeof(rows) / sizeof(rows[0]));
	s.resolver = dns_server_resolver(s.dns, DNS_PATIENCE_MS);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	resolver_destroy(s->resolver);
	dns_server_destroy(s->dns);
	loop_destroy(s->loop);
	return 0;
}

static bool both_answered(void *ctx)
{
	return ((struct scene *)ctx)->answers == 2;
}

static bool one_answered(void *ctx)
{
	return ((struct scene *)ctx)->answers == 1;
}

static void ask(struct scene *s, const char *name)
{
	s->answers = 0;
	assert_non_null(resolve_start(s->resolver, NULL, name, on_answer, s));
	assert_int_equal(s->answers, 0);
}

static void ask_and_wait(struct scene *s, const char *name)
{
	ask(s, name);
	assert_true(net_run_until(s->loop, both_answered, s));
}

static void both_families_are_told(void **state)
{
	struct scene *s = *state;
	char text[ADDR_TEXT_MAX];

	ask_and_wait(s, "both.test");
	assert_int_equal(s->families[0] + s->families[1], AF_INET + AF_INET6);
	int six = s->families[1] == AF_INET6;
	assert_int_equal(s->n[six], 2);
	assert_int_equal(s->n[!six], 1);
	assert_int_equal(s->first[six].port, 0);
	assert_string_equal(addr_format_ip(&s->first[six], text), "2001:db8::1");
	assert_string_equal(addr_format_ip(&s->first[!six], text), "192.0.2.1");
	assert_int_equal(dns_server_questions(s->dns), 2);
}

static void each_family_is_told_when_it_comes(void **state)
{
	struct scene *s = *state;

	ask(s, "late6.test");
	assert_true(net_run_until(s->loop, one_answered, s));
	assert_int_equal(s->families[0], AF_INET);
	assert_true(net_run_until(s->loop, both_answered, s));
	ask(s, "late4.test");
	assert_true(net_run_until(s->loop, one_answered, s));
	assert_int_equal(s->families[0], AF_INET6);
	assert_true(net_run_until(s->loop, both_answered, s));
}

static void failures_are_told_apart(void **state)
{
	struct scene *s = *state;

	ask_and_wait(s, "nobody.test");
	assert_int_equal(s->err[0], -ENOENT);
	assert_int_equal(s->err[1], -ENOENT);
	ask_and_wait(s, "broken.test");
	assert_int_equal(s->err[0], -EIO);
	ask_and_wait(s, "only4.test");
	int six = s->families[1] == AF_INET6;
	assert_int_equal(s->err[six], -ENOENT);
	assert_int_equal(s->err[!six], 0);
	wait_for_answers(s, SILENT_MS);
	ask_and_wait(s, "silent.test");
	assert_int_equal(s->err[0], -ETIMEDOUT);
	assert_int_equal(s->err[1], -ETIMEDOUT);
}

static void addresses_are_limited(void **state)
{
	struct scene *s = *state;

	ask_and_wait(s, "many.test");
	assert_int_equal(s->n[s->families[1] == AF_INET], RESOLVE_ADDRESSES_MAX);
}

static void a_name_is_no_prefix_to_a_search_list(void **state)
{
	struct scene *s = *state;

	ask_and_wait(s, "nobody");
	assert_int_equal(dns_server_questions(s->dns), 2);
}

/* ask() asserts that nothing is told inside of it. */
static void localhost_is_loopback_and_no_question(void **state)
{
	static const char *const names[] = { "localhost", "LocalHost.",
	                                     "a.b.localhost" };
	struct scene *s = *state;
	char text[ADDR_TEXT_MAX];

	for (int i = 0; i < 3; i++) {
		ask_and_wait(s, names[i]);
		assert_string_equal(addr_format_ip(&s->first[0], text), "::1");
		assert_string_equal(addr_format_ip(&s->first[1], text), "127.0.0.1");
	}
	assert_int_equal(dns_server_questions(s->dns), 0);
	ask_and_wait(s, "nolocalhost");
	assert_int_equal(dns_server_questions(s->dns), 2);
}

/* c-ares has that answer at once. */
static void an_address_as_a_name_is_told_in_a_later_turn(void **state)
{
	struct scene *s = *state;
	char text[ADDR_TEXT_MAX];

	ask_and_wait(s, "192.0.2.9");
	int six = s->families[1] == AF_INET6;
	assert_int_equal(s->n[six], 0);
	assert_string_equal(addr_format_ip(&s->first[!six], text), "192.0.2.9");
}

static void a_cancelled_query_is_silent(void **state)
{
	struct scene *s = *state;

	struct resolve *q = resolve_start(s->resolver, NULL, "both.test", on_answer, s);
	resolve_cancel(q);
	net_run_for(s->loop, 50000);
	assert_int_equal(s->answers, 0);
	resolve_cancel(NULL);
}

static void queries_are_limited(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < RESOLVE_QUERIES_MAX; i++) {
		char name[32];
		snprintf(name, sizeof(name), "n%d.test", i);
		struct resolve *q = resolve_start(s->resolver, NULL, name, on_answer, s);
		assert_non_null(q);
		resolve_cancel(q);
	}
	errno = 0;
	assert_null(resolve_start(s->resolver, NULL, "both.test", on_answer, s));
	assert_int_equal(errno, ENOBUFS);
}

/* Status says so, until one answers: that there is no such name, for one. */
static void servers_that_do_not_answer_are_missed(void **state)
{
	struct scene *s = *state;

	wait_for_answers(s, SILENT_MS);
	for (int i = 0; i < RESOLVE_UNANSWERED_MAX; i += 2) {
		assert_null(resolver_lacks(s->resolver));
		ask_and_wait(s, "silent.test");
	}
	assert_string_equal(resolver_lacks(s->resolver),
	                    "a name server that answers");
	for (int i = 0; i < TRIES && resolver_lacks(s->resolver); i++)
		ask_and_wait(s, "nobody.test");
	assert_null(resolver_lacks(s->resolver));
}

static void a_reload_lets_queries_end(void **state)
{
	struct scene *s = *state;

	ask(s, "late6.test");
	assert_int_equal(resolver_reload(s->resolver), 0);
	assert_int_equal(resolver_reload(s->resolver), 0);
	assert_true(net_run_until(s->loop, both_answered, s));
	assert_int_equal(s->n[0] + s->n[1], 2);
	net_run_for(s->loop, 5000);
	ask_and_wait(s, "both.test");
	assert_int_equal(s->n[0] + s->n[1], 3);
}

static void destroyed_with_queries_on_their_way(void **state)
{
	struct scene *s = *state;

	ask(s, "silent.test");
	net_run_for(s->loop, 5000);
	/* The teardown destroys; on_answer would be told of a second query. */
	ask(s, "localhost");
}

static void bad_servers_are_refused(void **state)
{
	struct scene *s = *state;
	struct resolver_args args = { .loop = s->loop, .servers = "nonsense" };

	assert_null(resolver_create(&args));
	assert_int_equal(errno, EINVAL);
}

static void use_device(struct scene *s, const char *servers)
{
	struct resolver_args args = { .loop = s->loop, .timeout_ms = DNS_PATIENCE_MS,
		.tries = 1, .servers = servers, .device = "nosuch0" };

	resolver_destroy(s->resolver);
	s->resolver = resolver_create(&args);
	assert_non_null(s->resolver);
	ask_and_wait(s, "both.test");
}

/* A server on this host is asked by no device, all others by that one: where it
 * is missing nobody is asked by another way. */
static void questions_leave_by_their_device(void **state)
{
	struct scene *s = *state;

	use_device(s, dns_server_address(s->dns));
	assert_int_equal(s->n[0] + s->n[1], 3);
	use_device(s, "192.0.2.1");
	assert_int_equal(s->n[0] + s->n[1], 0);
	assert_int_equal(s->err[0], -EIO); /* and not -ETIMEDOUT */
}

static void write_conf(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* A moment in which the file may have changed. */
static void ask_later(struct scene *s, unsigned found)
{
	net_run_for(s->loop, RESOLVE_LOOK_US + 50000);
	ask_and_wait(s, "both.test");
	assert_int_equal(s->n[0] + s->n[1], found);
}

/* It is not there at first, names another server, then ours, by a link that is
 * replaced, as systemd-resolved and resolvconf do. */
static void the_conf_is_followed(void **state)
{
	struct scene *s = *state;
	char dir[] = "/tmp/resolve-XXXXXX", conf[64], dead[64], good[64], next[64];
	unsigned port;

	assert_non_null(mkdtemp(dir));
	snprintf(conf, sizeof(conf), "%s/resolv.conf", dir);
	snprintf(dead, sizeof(dead), "%s/dead", dir);
	snprintf(good, sizeof(good), "%s/good", dir);
	snprintf(next, sizeof(next), "%s/next", dir);
	sscanf(dns_server_address(s->dns), "127.0.0.1:%u", &port);
	resolver_destroy(s->resolver);
	struct resolver_args args = { .loop = s->loop, .timeout_ms = DNS_PATIENCE_MS,
		.tries = 1, .conf = conf, .port = (uint16_t)port };
	s->resolver = resolver_create(&args);
	assert_non_null(s->resolver);
	assert_string_equal(resolver_lacks(s->resolver), conf);

	write_conf(dead, "nameserver 127.0.0.77\n");
	assert_int_equal(symlink(dead, conf), 0);
	ask_later(s, 0);
	assert_null(resolver_lacks(s->resolver));
	write_conf(good, "nameserver 127.0.0.1\n");
	assert_int_equal(symlink(good, next), 0);
	assert_int_equal(rename(next, conf), 0);
	ask_later(s, 3);
	write_conf(next, "nameserver 127.0.0.78\n"); /* under the link */
	assert_int_equal(rename(next, good), 0);
	ask_later(s, 0);

	unlink(conf);
	unlink(dead);
	unlink(good);
	rmdir(dir);
}

int main(void)
{
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(both_families_are_told),
		ROW(each_family_is_told_when_it_comes),
		ROW(failures_are_told_apart),
		ROW(addresses_are_limited),
		ROW(a_name_is_no_prefix_to_a_search_list),
		ROW(localhost_is_loopback_and_no_question),
		ROW(an_address_as_a_name_is_told_in_a_later_turn),
		ROW(a_cancelled_query_is_silent),
		ROW(queries_are_limited),
		ROW(servers_that_do_not_answer_are_missed),
		ROW(a_reload_lets_queries_end),
		ROW(destroyed_with_queries_on_their_way),
		ROW(the_conf_is_followed),
		ROW(bad_servers_are_refused),
		ROW(questions_leave_by_their_device),
	};
#undef ROW
	return cmocka_run_group_tests(tests, NULL, NULL);
}
