/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: who decides what, of a person, classes, a site, a wish and main.
 */
#include "agg/role/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PIN "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
#define GATEWAY "config concentrator vps\nlist endpoint 203.0.113.10\n" \
	"option pin " PIN "\nconfig uplink dsl\noption device wan1\n" \
	"config aggd main\noption role gateway\n"
#define CONCENTRATOR "config aggd main\noption role concentrator\n"
#define SITE "config site home\noption pin " PIN "\n"
#define INTERACTIVE "config class interactive\n"
#define BULK "config class bulk\n"

#define USUAL "tail" /* reinjection, where nobody chose */

static const struct policy_names nobody;

static struct conf *load(const char *text)
{
	struct conf_error error;
	struct conf *conf;

	if (conf_parse("f", text, strlen(text), NULL, &conf, &error))
		fail_msg("%s", error.text);
	return conf;
}

/* "interactive bulk order reinjection" of what holds. */
static void assert_holds(const struct session_policy *policy, const char *want)
{
	char text[256];

	snprintf(text, sizeof(text), "%s %s %s %s",
	         policy->scheduler[STREAM_INTERACTIVE]->name,
	         policy->scheduler[STREAM_BULK]->name, policy->order->name,
	         reinject_name(policy->reinjection));
	assert_string_equal(text, want);
}

static struct session_policy gateway(const char *text,
                                     const struct policy_names *person,
                                     struct wire_wish *wish)
{
	struct conf *conf = load(text);
	struct policy_names holds;
	struct session_policy policy;

	policy_of_gateway(conf, person, &holds);
	conf_free(conf); /* nothing is borrowed of it */
	policy_resolve(&holds, &policy);
	if (wish)
		policy_wish(&holds, wish);
	return policy;
}

static struct session_policy site(const char *text, const struct wire_wish *wish,
                                  const struct policy_names *person)
{
	struct conf *conf = load(text);
	struct policy_names holds;
	struct session_policy policy;

	policy_of_site(conf, &conf->sites[0], wish, person, &holds);
	conf_free(conf);
	policy_resolve(&holds, &policy);
	return policy;
}

static void main_decides_where_nobody_else_does(void **state)
{
	struct wire_wish wish;
	struct session_policy policy = gateway(GATEWAY, &nobody, &wish);

	assert_holds(&policy, "srpt_ecf srpt_ecf srpt " USUAL);
	assert_int_equal(policy.bulk_after_bytes, BULK_AFTER_BYTES);
	assert_string_equal(wish.scheduler, "srpt_ecf");
	assert_string_equal(wish.interactive, "srpt_ecf");
	assert_string_equal(wish.order, "auto");
	assert_string_equal(wish.reinjection, USUAL);
	policy = gateway(GATEWAY "option scheduler lowrtt\noption order fifo\n"
	                 "option reinjection tail\n", &nobody, &wish);
	assert_holds(&policy, "lowrtt lowrtt fifo tail");
	assert_string_equal(wish.order, "fifo");
}

/* What comes down is wished for; a class of its own, and a person, mean both. */
static void up_may_be_another(void **state)
{
	const char *text = GATEWAY "option scheduler ecf\noption scheduler_up lowrtt\n";
	const struct policy_names person = { .by_class = { "blest", "blest" } };
	struct wire_wish wish;
	struct session_policy policy = gateway(text, &nobody, &wish);

	assert_string_equal(policy.scheduler[STREAM_BULK]->name, "lowrtt");
	assert_string_equal(policy.scheduler[STREAM_INTERACTIVE]->name, "lowrtt");
	assert_string_equal(wish.scheduler, "ecf");
	policy = gateway(GATEWAY "option scheduler_up lowrtt\n" INTERACTIVE
	                 "option scheduler roundrobin\n", &nobody, &wish);
	assert_string_equal(policy.scheduler[STREAM_BULK]->name, "lowrtt");
	assert_string_equal(policy.scheduler[STREAM_INTERACTIVE]->name, "roundrobin");
	assert_string_equal(wish.interactive, "roundrobin");
	policy = gateway(text, &person, &wish);
	assert_string_equal(policy.scheduler[STREAM_BULK]->name, "blest");
	assert_string_equal(wish.scheduler, "blest");
}

static void a_class_has_its_scheduler(void **state)
{
	struct wire_wish wish;
	struct session_policy policy =
		gateway(GATEWAY "option scheduler roundrobin\n" INTERACTIVE
		        "option scheduler lowrtt\n" BULK "option after 1M\n",
		        &nobody, &wish);

	assert_holds(&policy, "lowrtt roundrobin roundrobin " USUAL);
	assert_int_equal(policy.bulk_after_bytes, 1 << 20);
	assert_string_equal(wish.scheduler, "roundrobin");
	assert_string_equal(wish.interactive, "lowrtt");
	policy = gateway(GATEWAY BULK "option scheduler lowrtt\n", &nobody, &wish);
	assert_holds(&policy, "srpt_ecf lowrtt roundrobin " USUAL);
	assert_string_equal(wish.scheduler, "lowrtt");
	assert_string_equal(wish.interactive, "srpt_ecf");
}

static void a_person_decides_before_all(void **state)
{
	const struct policy_names person = {
		.by_class = { "lowrtt", "lowrtt" }, .order = "srpt",
	};
	const struct policy_names of_class = {
		.by_class[STREAM_INTERACTIVE] = "roundrobin",
		.reinjection = "off",
	};
	const char *text = GATEWAY BULK "option scheduler roundrobin\n";
	struct session_policy policy = gateway(text, &person, NULL);

	assert_holds(&policy, "lowrtt lowrtt srpt " USUAL);
	policy = gateway(text, &of_class, NULL);
	assert_holds(&policy, "roundrobin roundrobin roundrobin off");
}

static void a_concentrator_follows_the_wish(void **state)
{
	const struct wire_wish wish = { "lowrtt", "roundrobin", "fifo", "tail" };
	const struct wire_wish less = { .scheduler = "lowrtt" };
	const char *text = CONCENTRATOR "option scheduler ecf\n"
		"option reinjection off\noption order priority\n" SITE;
	struct session_policy policy = site(text, &wish, &nobody);

	assert_holds(&policy, "roundrobin lowrtt fifo tail");
	policy = site(text, &less, &nobody);
	assert_holds(&policy, "lowrtt lowrtt priority off");
	policy = site(text, &(struct wire_wish){ 0 }, &nobody);
	assert_holds(&policy, "ecf ecf priority off");
}

static void a_site_decides_before_the_wish(void **state)
{
	const struct wire_wish wish = { "lowrtt", "roundrobin", "fifo", "tail" };
	const struct policy_names person = { .by_class[STREAM_BULK] = "lowrtt" };
	struct session_policy policy;

	policy = site(CONCENTRATOR SITE "option scheduler ecf\n", &wish, &nobody);
	assert_holds(&policy, "ecf ecf fifo tail");
	policy = site(CONCENTRATOR SITE "option order auto\n"
	              "option reinjection off\n", &wish, &nobody);
	assert_holds(&policy, "roundrobin lowrtt roundrobin off");
	policy = site(CONCENTRATOR SITE "option scheduler ecf\n" BULK
	              "option scheduler roundrobin\n", &wish, &nobody);
	assert_holds(&policy, "ecf roundrobin fifo tail");
	policy = site(CONCENTRATOR SITE "option scheduler ecf\n", &wish, &person);
	assert_holds(&policy, "ecf lowrtt fifo tail");
}

static struct policy_names said(const char *text)
{
	struct conf *conf = load(text);
	struct policy_names holds;

	policy_of_gateway(conf, &nobody, &holds);
	conf_free(conf);
	return holds;
}

/* A reload for another reason leaves alone what a person chose. */
static void a_changed_file_takes_choices_back(void **state)
{
	const struct policy_names chosen = {
		.by_class = { "lowrtt", "lowrtt" }, .order = "srpt",
		.reinjection = "off",
	};
	struct policy_names before = said(GATEWAY), person = chosen;
	struct policy_names after = said(GATEWAY "option log_level debug\n"
	                                 "option scheduler srpt_ecf\n");

	policy_forget(&person, &before, &after);
	assert_memory_equal(&person, &chosen, sizeof(person));
	after = said(GATEWAY "option order fifo\n" BULK
	             "option scheduler roundrobin\n");
	policy_forget(&person, &before, &after);
	assert_string_equal(person.by_class[STREAM_INTERACTIVE], "lowrtt");
	assert_null(person.by_class[STREAM_BULK]);
	assert_null(person.order);
	assert_string_equal(person.reinjection, "off");
	after = said(GATEWAY "option reinjection deadline\n"
	             "option scheduler blest\n");
	policy_forget(&person, &before, &after);
	assert_memory_equal(&person, &nobody, sizeof(person));
}

static void assert_unknown(const struct wire_wish *wish, const char *want)
{
	struct buf out;

	buf_init(&out, 4096);
	policy_unknown(wish, &out);
	buf_printf(&out, "%c", 0);
	if (!strstr((const char *)buf_head(&out), want) ||
	    (!*want && out.len > 1))
		fail_msg("'%s' is not in: %s", want, (char *)buf_head(&out));
	buf_finish(&out);
}

/* A gateway of another version may know more than we do. */
static void unknown_wishes_are_passed_over(void **state)
{
	const struct wire_wish wish = { "clairvoyant", "lowrtt", "by-colour",
	                                "twice" };
	const struct wire_wish odd = { "new\nline", "", "", "" };
	struct session_policy policy = site(CONCENTRATOR SITE, &wish, &nobody);

	assert_holds(&policy, "lowrtt srpt_ecf srpt " USUAL);
	assert_unknown(&wish, "scheduler 'clairvoyant' (known: ");
	assert_unknown(&wish, "order 'by-colour' (known: auto, ");
	assert_unknown(&wish, "reinjection 'twice' (known: off, ");
	assert_unknown(&odd, "'new?line'");
	assert_unknown(&(struct wire_wish){ "ecf", "lowrtt", "auto", "tail" }, "");
	assert_unknown(&(struct wire_wish){ 0 }, "");
}

static void what_is_told_is_spelled_out(void **state)
{
	struct wire_wish wish, told;
	struct session_policy policy = gateway(GATEWAY, &nobody, &wish);

	policy_told(&policy, &told);
	policy_spell_out(&wish);
	assert_memory_equal(&wish, &told, sizeof(wish));
	wish = (struct wire_wish){ "clairvoyant", "", "auto", "" };
	policy_spell_out(&wish); /* of what is not known, nothing is made up */
	assert_string_equal(wish.order, "auto");
	assert_string_equal(wish.interactive, "clairvoyant");
}

static void every_name_makes_a_policy(void **state)
{
	struct policy_known known;
	struct session_policy policy;
	char text[512];

	policy_known(&known);
	for (size_t i = 0; known.schedulers[i]; i++) {
		snprintf(text, sizeof(text), GATEWAY "option scheduler %s\n",
		         known.schedulers[i]);
		policy = gateway(text, &nobody, NULL);
		assert_string_equal(policy.order->name,
		                    policy.scheduler[STREAM_BULK]->order);
	}
	for (size_t i = 0; known.orders[i]; i++) {
		snprintf(text, sizeof(text), GATEWAY "option order %s\n",
		         known.orders[i]);
		gateway(text, &nobody, NULL);
	}
	for (size_t i = 0; known.reinjections[i]; i++) {
		snprintf(text, sizeof(text), GATEWAY "option reinjection %s\n",
		         known.reinjections[i]);
		policy = gateway(text, &nobody, NULL);
		assert_string_equal(reinject_name(policy.reinjection),
		                    known.reinjections[i]);
	}
}

static void hosts_fix_the_class_of_the_rest(void **state)
{
	struct conf *conf = load(GATEWAY INTERACTIVE "list port 22\n"
	                         "list host 192.168.1.7\n" BULK "list dscp LE\n"
	                         "list host 00:16:3e:01:02:03\n"
	                         "list host 2001:db8:7::/64\n");
	static const struct { const char *from; bool card; uint16_t port; int dscp, class; }
	rows[] = {
		{ "192.168.1.7:1000", false, 443, -1, STREAM_INTERACTIVE },
		{ "192.168.1.8:1000", false, 443, -1, -1 },
		{ "192.168.1.8:1000", true, 443, -1, STREAM_BULK },
		{ "[2001:db8:7::1]:1000", false, 443, 10, STREAM_BULK },
		/* What is said of the stream itself goes first. */
		{ "192.168.1.8:1000", true, 22, -1, STREAM_INTERACTIVE },
		{ "192.168.1.7:1000", false, 443, 1, STREAM_BULK },
	};
	static const uint8_t mac[] = { 0, 0x16, 0x3e, 1, 2, 3 };

	assert_true(policy_hangs_on_mac(conf));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr from;
		assert_int_equal(addr_parse(&from, rows[i].from, 0), 0);
		assert_int_equal(policy_class(conf, rows[i].port, rows[i].dscp, &from,
		                              rows[i].card ? mac : NULL), rows[i].class);
	}
	conf_free(conf);
	conf = load(GATEWAY INTERACTIVE "list host 192.168.1.7\n");
	assert_false(policy_hangs_on_mac(conf));
	conf_free(conf);
}

static void ports_and_marks_fix_a_class(void **state)
{
	struct conf *conf = load(GATEWAY INTERACTIVE "list port 22\n"
	                         "list dscp EF\n" BULK "list port 873\n"
	                         "list dscp LE\nlist dscp CS0\n");
	struct conf *none = load(GATEWAY);

	assert_int_equal(policy_class(conf, 22, -1, NULL, NULL), STREAM_INTERACTIVE);
	assert_int_equal(policy_class(conf, 873, -1, NULL, NULL), STREAM_BULK);
	assert_int_equal(policy_class(conf, 443, -1, NULL, NULL), -1);
	assert_int_equal(policy_class(conf, 443, 46, NULL, NULL), STREAM_INTERACTIVE);
	assert_int_equal(policy_class(conf, 443, 1, NULL, NULL), STREAM_BULK);
	assert_int_equal(policy_class(conf, 443, 0, NULL, NULL), STREAM_BULK);
	assert_int_equal(policy_class(conf, 443, 10, NULL, NULL), -1);
	/* A mark is closer to the stream than a port. */
	assert_int_equal(policy_class(conf, 22, 1, NULL, NULL), STREAM_BULK);
	assert_int_equal(policy_class(conf, 873, 46, NULL, NULL), STREAM_INTERACTIVE);
	assert_int_equal(policy_class(none, 22, 46, NULL, NULL), -1);
	conf_free(conf);
	conf_free(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(main_decides_where_nobody_else_does),
		cmocka_unit_test(up_may_be_another),
		cmocka_unit_test(a_class_has_its_scheduler),
		cmocka_unit_test(a_person_decides_before_all),
		cmocka_unit_test(a_concentrator_follows_the_wish),
		cmocka_unit_test(a_site_decides_before_the_wish),
		cmocka_unit_test(a_changed_file_takes_choices_back),
		cmocka_unit_test(unknown_wishes_are_passed_over),
		cmocka_unit_test(what_is_told_is_spelled_out),
		cmocka_unit_test(every_name_makes_a_policy),
		cmocka_unit_test(hosts_fix_the_class_of_the_rest),
		cmocka_unit_test(ports_and_marks_fix_a_class),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
