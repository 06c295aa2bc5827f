/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which rulesets may drop the packet tunnel's packets, as nft prints them.
 */
#include "agg/doctor/firewall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CHAIN(name, policy, rules) \
	"\tchain " name " {\n\t\ttype filter hook forward priority filter; policy " \
	policy ";\n" rules "\t}\n"
#define TABLE(name, chains) "table " name " {\n" chains "}\n"
#define COUNTED "\t\tcounter packets 17 bytes 1428 "

static void drops(const char *want, const char *ruleset)
{
	char chain[FIREWALL_WORDS_MAX + 1];

	assert_int_equal(firewall_drops(ruleset, "agg-tun", chain), *want != 0);
	assert_string_equal(chain, want);
}

static void who_drops_is_named(void **state)
{
	drops("ip filter FORWARD", TABLE("ip filter", CHAIN("FORWARD", "drop", "")));
	drops("inet fw4 forward", TABLE("inet fw4", "\tset s {\n\t\ttype ipv4_addr\n\t}\n"
	      CHAIN("forward", "accept", "\t\tiifname \"lan\" accept\n\t\treject with icmpx "
	            "admin-prohibited\n")));
	drops("ip filter FORWARD", TABLE("ip nat", "") TABLE("ip filter",
	      CHAIN("FORWARD", "accept", COUNTED "drop\n")));
}

static void who_lets_pass_is_not(void **state)
{
	drops("", "");
	drops("", TABLE("ip filter", CHAIN("FORWARD", "accept",
	      "\t\tip saddr 192.0.2.1 drop\n" COUNTED "jump DOCKER-USER\n")));
	drops("", TABLE("ip filter", "\tchain INPUT {\n\t\ttype filter hook input priority "
	      "filter; policy drop;\n\t\tdrop\n\t}\n"));
	drops("", TABLE("inet aggd", CHAIN("forward", "drop", "")));
	/* By a chain of its own. */
	drops("", TABLE("ip filter", CHAIN("FORWARD", "drop", COUNTED "jump ufw\n")
	      "\tchain ufw {\n\t\tiifname \"agg-tun\" accept\n\t}\n"));
	drops("ip b FORWARD", TABLE("ip a", CHAIN("FORWARD", "drop",
	      "\t\toifname \"agg-tun\" accept\n")) TABLE("ip b", CHAIN("FORWARD", "drop", "")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_drops_is_named),
		cmocka_unit_test(who_lets_pass_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
