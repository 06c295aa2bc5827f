/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the words of `aggctl scheduler`, and what is answered.
 */
#include "agg/role/choice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 16
#define PIN "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
#define CONCENTRATOR "config aggd main\noption role concentrator\n" \
	"config site home\noption pin " PIN "\n"

struct fixture {
	char line[256];
	struct choice choice;
	struct buf out; /* ended by a NUL */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	buf_init(&f->out, 65536);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	buf_finish(&f->out);
	free(f);
	return 0;
}

static const char *output(struct fixture *f)
{
	assert_int_equal(buf_put(&f->out, "", 1), 0);
	return (const char *)buf_head(&f->out);
}

/* The line's words, which stay in f->line. */
static int parse(struct fixture *f, const char *line)
{
	const char *argv[WORDS_MAX];
	char *rest = f->line, *word;
	int argc = 0;

	buf_take(&f->out, f->out.len);
	snprintf(f->line, sizeof(f->line), "%s", line);
	while ((word = strtok_r(rest, " ", &rest)))
		argv[argc++] = word;
	return choice_parse(argc, argv, &f->choice, &f->out);
}

static void assert_word(const char *word, const char *want)
{
	if (want)
		assert_string_equal(word, want);
	else
		assert_null(word);
}

static void assert_chosen(void **state, const char *line, const char *scheduler,
                          int class, const char *order,
                          const char *reinjection, const char *site)
{
	struct fixture *f = *state;

	if (parse(f, line))
		fail_msg("%s: %s", line, output(f));
	assert_int_equal(f->out.len, 0);
	assert_word(f->choice.scheduler, scheduler);
	assert_int_equal(f->choice.class, class);
	assert_word(f->choice.order, order);
	assert_word(f->choice.reinjection, reinjection);
	assert_word(f->choice.site, site);
}

static void assert_refused(void **state, const char *line, const char *why)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, line), -EINVAL);
	if (!strstr(output(f), why))
		fail_msg("%s: '%s' is not in: %s", line, why, output(f));
	assert_non_null(strstr(output(f), "allowed: "));
}

static void words_are_understood(void **state)
{
	assert_chosen(state, "scheduler lowrtt", "lowrtt", -1, NULL, NULL, NULL);
	assert_chosen(state, "scheduler lowrtt home", "lowrtt", -1, NULL, NULL,
	              "home");
	assert_chosen(state, "scheduler ecf order srpt reinjection tail home",
	              "ecf", -1, "srpt", "tail", "home");
	assert_chosen(state, "scheduler ecf home reinjection off order auto",
	              "ecf", -1, "auto", "off", "home");
	assert_chosen(state, "scheduler ecf --class bulk home", "ecf",
	              STREAM_BULK, NULL, NULL, "home");
	assert_chosen(state, "scheduler --class interactive ecf", "ecf",
	              STREAM_INTERACTIVE, NULL, NULL, NULL);
	assert_chosen(state, "scheduler reinjection deadline home", NULL, -1, NULL,
	              "deadline", "home");
	assert_chosen(state, "scheduler order fifo", NULL, -1, "fifo", NULL, NULL);
	/* A name of an order where a scheduler's is meant, and the reverse. */
	assert_chosen(state, "scheduler roundrobin order roundrobin roundrobin",
	              "roundrobin", -1, "roundrobin", NULL, "roundrobin");
}

static void every_scheduler_can_be_chosen(void **state)
{
	char line[64];

	for (size_t i = 0; i < sched_count; i++) {
		snprintf(line, sizeof(line), "scheduler %s", sched_all[i]->name);
		assert_chosen(state, line, sched_all[i]->name, -1, NULL, NULL,
		              NULL);
	}
}

static void slips_are_refused_with_what_is_allowed(void **state)
{
	assert_refused(state, "scheduler exf", "there is no scheduler 'exf'");
	assert_refused(state, "scheduler lowrt", "did you mean 'lowrtt'?");
	assert_refused(state, "scheduler srpt", "lowrtt");
	assert_refused(state, "scheduler ecf order lowrtt", "auto, ");
	assert_refused(state, "scheduler ecf reinjection sometimes",
	               "off, suspect, tail, deadline");
	assert_refused(state, "scheduler ecf order", "its name is missing");
	assert_refused(state, "scheduler ecf reinjection", "its name is missing");
	assert_refused(state, "scheduler ecf --class", "interactive, bulk");
	assert_refused(state, "scheduler ecf --class games", "interactive, bulk");
	assert_refused(state, "scheduler --class bulk", "its name is missing");
	assert_refused(state, "scheduler --class bulk order fifo", "ecf");
	assert_refused(state, "scheduler ecf order fifo order srpt", "twice");
	assert_refused(state, "scheduler ecf home office", "'office'");
	assert_refused(state, "scheduler ecf --now", "'--now'");
	assert_refused(state, "scheduler --now", "'--now'");
}

static void a_choice_changes_what_it_names(void **state)
{
	struct fixture *f = *state;
	struct policy_names person = { 0 };

	parse(f, "scheduler lowrtt order srpt");
	choice_apply(&f->choice, &person);
	parse(f, "scheduler ecf --class bulk");
	choice_apply(&f->choice, &person);
	parse(f, "scheduler reinjection off");
	choice_apply(&f->choice, &person);
	assert_string_equal(person.by_class[STREAM_INTERACTIVE], "lowrtt");
	assert_string_equal(person.by_class[STREAM_BULK], "ecf");
	assert_string_equal(person.order, "srpt");
	assert_string_equal(person.reinjection, "off");
	parse(f, "scheduler roundrobin");
	choice_apply(&f->choice, &person);
	assert_string_equal(person.by_class[STREAM_INTERACTIVE], "roundrobin");
	assert_string_equal(person.by_class[STREAM_BULK], "roundrobin");
	assert_string_equal(person.order, "srpt");
}

/* What is told to be written makes the choice hold, when it is read. */
static void what_is_told_keeps_the_choice(void **state)
{
	static const char *const lines[] = {
		"scheduler lowrtt", "scheduler ecf order fifo reinjection off",
		"scheduler lowrtt --class interactive",
		"scheduler ecf order srpt --class bulk",
	};
	const char *base = CONCENTRATOR "config class bulk\n"
	                   "option scheduler roundrobin\n";
	struct fixture *f = *state;
	struct conf_error error;
	struct conf *conf, *kept;
	char text[2048];

	assert_int_equal(conf_parse("f", base, strlen(base), NULL, &conf,
	                            &error), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct policy_names person = { 0 }, chosen, read;
		const struct wire_wish wish = { "ecf", "ecf", "auto", "tail" };

		parse(f, lines[i]);
		choice_apply(&f->choice, &person);
		policy_of_site(conf, &conf->sites[0], &wish, &person, &chosen);
		choice_tell(&f->choice, conf, "config site home", &f->out);
		const char *told = strchr(output(f), '\n') + 1;
		/* Each section once: what is told stands for the old one. */
		snprintf(text, sizeof(text), "config aggd main\noption role "
		         "concentrator\n%s%s%s%s",
		         strstr(told, "site") ? "" : "config site home\n", told,
		         strstr(told, "'bulk'") ? "" :
		         "config class bulk\noption scheduler roundrobin\n", "");
		char *site = strstr(text, "config site home\n") +
		             strlen("config site home\n");
		memmove(site + strlen("option pin " PIN "\n"), site,
		        strlen(site) + 1);
		memcpy(site, "option pin " PIN "\n", strlen("option pin " PIN "\n"));
		if (conf_parse("told", text, strlen(text), NULL, &kept, &error))
			fail_msg("%s in:\n%s", error.text, text);
		policy_of_site(kept, &kept->sites[0], &wish,
		               &(struct policy_names){ 0 }, &read);
		for (int c = 0; c < STREAM_CLASS_COUNT; c++)
			assert_string_equal(read.by_class[c], chosen.by_class[c]);
		assert_string_equal(read.order, chosen.order);
		assert_string_equal(read.reinjection, chosen.reinjection);
		conf_free(kept);
	}
	conf_free(conf);
}

static const struct report_choice *listed(const struct report *report,
                                          const char *kind, const char *name)
{
	for (size_t i = 0; i < report->choice_count; i++)
		if (!strcmp(report->choices[i].kind, kind) &&
		    !strcmp(report->choices[i].name, name))
			return &report->choices[i];
	fail_msg("no %s %s", kind, name);
	return NULL;
}

static void the_list_marks_what_runs(void **state)
{
	struct report report;
	struct report_session *s;

	report_init(&report);
	s = report_add_session(&report);
	s->down = (struct report_sending){ "lowrtt", "ecf", "fifo", "off" };
	s->up = (struct report_sending){ "ecf", "ecf", "srpt", "off" };
	choice_list(&report);
	assert_int_equal(report.choice_count,
	                 sched_count + order_count + REINJECT_COUNT);
	assert_string_equal(listed(&report, "scheduler", "ecf")->runs,
	                    "down bulk, up");
	assert_string_equal(listed(&report, "scheduler", "lowrtt")->runs,
	                    "down interactive");
	assert_string_equal(listed(&report, "scheduler", "roundrobin")->runs, "");
	assert_string_equal(listed(&report, "scheduler", "ecf")->order,
	                    sched_find("ecf")->order);
	assert_string_equal(listed(&report, "order", "srpt")->runs, "up");
	assert_string_equal(listed(&report, "reinjection", "off")->runs,
	                    "down, up");
	report_finish(&report);
}

static void the_list_names_sites_where_there_are_several(void **state)
{
	struct report report;

	report_init(&report);
	for (int i = 0; i < 64; i++) {
		struct report_session *s = report_add_session(&report);
		snprintf(s->site, sizeof(s->site), "site%d", i);
		s->down = (struct report_sending){ "ecf", "ecf", "fifo", "off" };
	}
	choice_list(&report);
	const char *runs = listed(&report, "scheduler", "ecf")->runs;
	assert_memory_equal(runs, "site0 down, site1 down, ", 24);
	assert_int_equal(strlen(runs), REPORT_WORDS_MAX); /* cut, not more */
	report_finish(&report);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct conf_site *meant(const char *name, const struct conf *conf,
                                     char said[256])
{
	const struct choice choice = { .site = name };
	struct buf out;

	buf_init(&out, 256);
	const struct conf_site *site = choice_site(&choice, conf, &out);
	snprintf(said, 256, "%.*s", (int)out.len, (const char *)buf_head(&out));
	buf_finish(&out);
	return site;
}

static void the_site_that_is_meant(void **state)
{
	struct conf_site sites[2] = { { .name = "home" }, { .name = "away" } };
	struct conf conf = { .sites = sites, .site_count = 1 };
	char said[256];

	assert_ptr_equal(meant(NULL, &conf, said), &sites[0]);
	conf.site_count = 2;
	assert_ptr_equal(meant("away", &conf, said), &sites[1]);
	assert_null(meant(NULL, &conf, said));
	assert_string_equal(said, "there are several sites, name one of them: home, "
	                          "away\n");
	assert_null(meant("farm", &conf, said));
	assert_string_equal(said, "there is no site 'farm'; allowed: home, away\n");
	conf.site_count = 0;
	assert_null(meant(NULL, &conf, said));
	assert_string_equal(said, "there is no site in the configuration\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(words_are_understood),
		TEST(every_scheduler_can_be_chosen),
		TEST(slips_are_refused_with_what_is_allowed),
		TEST(a_choice_changes_what_it_names),
		TEST(what_is_told_keeps_the_choice),
		TEST(the_list_marks_what_runs),
		TEST(the_list_names_sites_where_there_are_several),
		TEST(the_site_that_is_meant),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
