/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a person sees before he joins, on a terminal of 80 columns.
 */
#include "agg/pair/join.h"
#include "tests/unit/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COLUMNS 80

static struct join *j;

static int begin(void **state)
{
	j = calloc(1, sizeof(*j));
	j->args.config = "/etc/config/aggd";
	j->is_new = true;
	strcpy(j->state, "/etc/aggd");
	strcpy(j->token.site, "home");
	conf_endpoint_read("203.0.113.10:443", -1, &j->token.endpoints[0]);
	conf_endpoint_read("[2001:db8:ff::10]:443", -1, &j->token.endpoints[1]);
	j->token.endpoint_count = 2;
	return 0;
}

static int end(void **state)
{
	free(j);
	return 0;
}

/* An uplink, and how it reaches both. */
static void add(const char *name, const char *address, enum reach_state v4,
                enum reach_state v6)
{
	struct found_device *d = &j->uplinks[j->uplink_count++];
	const enum reach_state states[] = { v4, v6 };

	snprintf(d->name, sizeof(d->name), "%s", name);
	addr_parse(&d->v4, address, 0);
	for (unsigned i = 0; i < 2; i++)
		if (states[i] != REACH_NOT_TRIED)
			j->ways[j->way_count++] = (struct reach){
				.device = d->name, .state = states[i],
				.to = j->token.endpoints[i].addr,
				.took_us = 21400 + 100 * i,
			};
}

static void check(const char *name)
{
	char path[512];
	struct buf out;

	buf_init(&out, 65536);
	assert_int_equal(join_show(j, COLUMNS, &out), 0);
	const char *line = (const char *)buf_head(&out), *stop = line + out.len;
	while (line < stop) {
		const char *nl = memchr(line, '\n', (size_t)(stop - line));
		assert_non_null(nl);
		assert_true(nl - line <= COLUMNS);
		line = nl + 1;
	}
	snprintf(path, sizeof(path), GOLDEN_DIR "/%s.ok", name);
	golden_check(path, &out);
	buf_finish(&out);
}

static void all_is_well(void **state)
{
	add("dsl0", "192.168.1.2:1", REACH_OK, REACH_OK);
	add("wwan0", "100.64.3.4:1", REACH_OK, REACH_NOT_TRIED);
	strcpy(j->plan.lan, "br-lan");
	check("show-well");
}

static void some_is_not(void **state)
{
	add("dsl0", "192.168.1.2:1", REACH_OK, REACH_NO_ANSWER);
	add("wwan0", "100.64.3.4:1", REACH_NO_ANSWER, REACH_NO_ROUTE);
	add("enx001122334455", "172.16.100.200:1", REACH_WRONG_PIN, REACH_REFUSED);
	j->is_new = false;
	check("show-not-well");
}

static bool clocks_say(uint64_t here_s, uint64_t there_s, const char *what)
{
	struct buf out;

	buf_init(&out, 4096);
	join_compare_clocks(here_s, there_s, &out);
	bool says = out.len && memmem(buf_head(&out), out.len, what, strlen(what));
	buf_finish(&out);
	return says;
}

/* A board without a clock of its own begins in 1970. */
static void a_wrong_clock_is_spoken_of(void **state)
{
	const uint64_t now = 1795900000;

	assert_false(clocks_say(now, now, ""));
	assert_false(clocks_say(now + JOIN_CLOCK_S, now, ""));
	assert_true(clocks_say(60, now, "it is 1970-01-01 00:01 UTC here, and "
	                       "2026-11-28 21:06 UTC there"));
	assert_true(clocks_say(now + JOIN_CLOCK_S + 1, now, "is wrong"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_is_well, begin, end),
		cmocka_unit_test_setup_teardown(some_is_not, begin, end),
		cmocka_unit_test(a_wrong_clock_is_spoken_of),
	};

	return cmocka_run_group_tests_name("pair/join", tests, NULL, NULL);
}
