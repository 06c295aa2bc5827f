/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which settings lead a bridge's packets past TPROXY. That the kernel does
 * so is tests/lab/test_bridge.py's to show.
 */
#include "agg/kernel/bridge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/bridge_test.XXXXXX";
static const struct bridge_roots roots = { root, root };

static void make(const char *folder)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, folder);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void put(const char *name, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(value, file);
	fclose(file);
}

static void expect(bool v4, bool v6)
{
	assert_int_equal(bridge_is_filtered(&roots, "br0", AF_INET), v4);
	assert_int_equal(bridge_is_filtered(&roots, "br0", AF_INET6), v6);
}

static void test_settings(void **state)
{
	expect(false, false); /* the module is not loaded */
	put("net/bridge/bridge-nf-call-iptables", "1\n");
	put("net/bridge/bridge-nf-call-ip6tables", "0\n");
	expect(true, false);
	put("net/bridge/bridge-nf-call-iptables", "0\n");
	put("class/net/br0/bridge/nf_call_ip6tables", "1\n");
	expect(false, true);
	put("class/net/br0/bridge/nf_call_ip6tables", "what\n");
	expect(false, false);
}

static void test_no_bridge(void **state)
{
	put("net/bridge/bridge-nf-call-iptables", "1\n");
	assert_false(bridge_hides(&roots, "lo", AF_INET));
	assert_false(bridge_hides(&roots, "absent0", AF_INET));
}

static int set_up(void **state)
{
	static const char *const folders[] = {
		"net", "net/bridge", "class", "class/net", "class/net/br0",
		"class/net/br0/bridge",
	};

	if (!mkdtemp(root))
		return -1;
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		make(folders[i]);
	return 0;
}

static int tear_down(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_no_bridge),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
