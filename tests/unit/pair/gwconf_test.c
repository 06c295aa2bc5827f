/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: golden/NAME.ok is a configuration that was written; every one of them is
 * good.
 */
#include "agg/pair/gwconf.h"
#include "tests/unit/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct conf_endpoint endpoints[2];

static int begin(void **state)
{
	conf_endpoint_read("203.0.113.10:443", -1, &endpoints[0]);
	conf_endpoint_read("vps.example.net:8443", -1, &endpoints[1]);
	return 0;
}

static struct gwconf_plan plan_of(void)
{
	return (struct gwconf_plan){
		.control = "/run/aggd.sock", .state = "/etc/aggd",
		.endpoints = endpoints, .endpoint_count = 2, .pin = { { 7 } },
		.uplinks = { "wan1", "eth0.2", "lan0" }, .uplink_count = 3,
		.lan = "br-lan",
	};
}

static void check(struct buf *text, const char *name)
{
	struct conf_error error = { "" };
	struct conf *conf = NULL;
	char path[512];

	if (conf_parse(name, (const char *)buf_head(text), text->len, NULL, &conf,
	               &error))
		fail_msg("%s", error.text);
	conf_free(conf);
	snprintf(path, sizeof(path), GOLDEN_DIR "/%s.ok", name);
	golden_check(path, text);
}

/* Joining again changes nothing. */
static void a_new_gateway(void **state)
{
	struct gwconf_plan plan = plan_of();
	struct buf text;

	buf_init(&text, UCI_FILE_MAX);
	assert_int_equal(gwconf_gateway(&text, &plan), 0);
	check(&text, "gateway");
	plan.state = NULL;
	assert_int_equal(gwconf_gateway(&text, &plan), 0);
	check(&text, "gateway");
	buf_finish(&text);
}

/* What a person wrote stays; names differ from those that are there. */
static void one_that_is_there(void **state)
{
	static const char mine[] =
		"# mine\nconfig aggd 'wan1' # yes, that name\n"
		"\toption role 'gateway'\n\toption state '/srv/keys'\n\n"
		"config concentrator 'paris'\n"
		"\tlist endpoint '192.0.2.1:443' # was in London\n\toption pin "
		"'sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n\n"
		"config uplink 'fibre'\n\toption device 'lan0'\n"
		"\toption cost 'metered'\n\n"
		"config lan\n\tlist device 'eth9' # the house\n";
	struct gwconf_plan plan = plan_of();
	struct buf text;

	buf_init(&text, UCI_FILE_MAX);
	buf_put(&text, mine, sizeof(mine) - 1);
	plan.state = NULL;
	assert_int_equal(gwconf_gateway(&text, &plan), 0);
	check(&text, "changed");
	buf_finish(&text);
}

static void a_new_concentrator(void **state)
{
	struct buf text;

	buf_init(&text, UCI_FILE_MAX);
	assert_int_equal(gwconf_concentrator(&text, "/run/aggd.sock",
	                                     "/var/lib/aggd", "[::]:443",
	                                     "/etc/aggd/sites.d"), 0);
	check(&text, "concentrator");
	buf_finish(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_gateway),
		cmocka_unit_test(one_that_is_there),
		cmocka_unit_test(a_new_concentrator),
	};

	return cmocka_run_group_tests_name("pair/gwconf", tests, begin, NULL);
}
