/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what is turned on, and that nobody goes deaf by it.
 */
#include "agg/kernel/forwarding.h"
#include "agg/kernel/sysctl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[32];

/* The setting begins with that value. */
static void put(const char *name, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (char *at = path + strlen(folder) + 1; (at = strchr(at, '/')); at++) {
		*at = 0;
		mkdir(path, 0700);
		*at = '/';
	}
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(value, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	strcpy(folder, "/tmp/forwarding.XXXXXX");
	assert_non_null(mkdtemp(folder));
	put("net/ipv4/ip_forward", "0\n");
	put("net/ipv4/fwmark_reflect", "1\n");
	put("net/ipv6/conf/all/forwarding", "0\n");
	put("net/ipv6/conf/eth0/accept_ra", "1\n");
	put("net/ipv6/conf/eth1/accept_ra", "0\n");
	return 0;
}

static int tear_down(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void what_lacks_is_turned_on(void **state)
{
	char changed[FORWARDING_WORDS_MAX], lacks[FORWARDING_WORDS_MAX];

	assert_int_equal(forwarding_enable(folder, changed, lacks), 0);
	assert_string_equal(changed, "net.ipv4.ip_forward, "
	                             "net.ipv6.conf.all.forwarding");
	assert_string_equal(lacks, "");
	assert_int_equal(sysctl_number(folder, "net/ipv4/ip_forward", -1), 1);
	assert_int_equal(forwarding_enable(folder, changed, lacks), 0);
	assert_string_equal(changed, "");
}

static void routers_are_still_heard(void **state)
{
	char changed[FORWARDING_WORDS_MAX], lacks[FORWARDING_WORDS_MAX];

	forwarding_enable(folder, changed, lacks);
	assert_int_equal(sysctl_number(folder, "net/ipv6/conf/eth0/accept_ra", 9),
	                 2);
	assert_int_equal(sysctl_number(folder, "net/ipv6/conf/eth1/accept_ra", 9),
	                 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_lacks_is_turned_on, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(routers_are_still_heard, set_up,
		                                tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
