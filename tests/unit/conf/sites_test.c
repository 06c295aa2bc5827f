/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: sites in files of a directory: which are read, in what order, and what
 * is said of a mistake in them.
 */
#include "agg/conf/conf.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PIN "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
#define PIN2 "sha256:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564"
#define SITE(name, pin) "config site " name "\noption pin " pin "\n"
#define MANY 1000u

/* A configuration and its directory. */
struct place {
	char dir[32], file[64], sites[64];
	struct conf *conf;
	struct conf_error error;
};

static void put(const char *dir, const char *name, const char *text)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void put_main(struct place *p, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), "config aggd main\noption role concentrator\n"
	         "option sites %s\n%s", p->sites, more);
	put(p->dir, "aggd", text);
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/sites_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->file, sizeof(p->file), "%s/aggd", p->dir);
	snprintf(p->sites, sizeof(p->sites), "%s/sites.d", p->dir);
	assert_int_equal(mkdir(p->sites, 0700), 0);
	put_main(p, "");
	*state = p;
	return 0;
}

static void remove_all(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

static int tear_down(void **state)
{
	struct place *p = *state;

	conf_free(p->conf);
	remove_all(p->sites);
	remove_all(p->dir);
	free(p);
	return 0;
}

static void load(struct place *p)
{
	if (conf_load(p->file, NULL, &p->conf, &p->error))
		fail_msg("%s", p->error.text);
}

/* The error, without the directory where it begins. */
static const char *refuse(struct place *p)
{
	assert_int_equal(conf_load(p->file, NULL, &p->conf, &p->error), -EINVAL);
	assert_null(p->conf);
	assert_memory_equal(p->error.text, p->dir, strlen(p->dir));
	return p->error.text + strlen(p->dir) + 1;
}

static void files_are_read_by_name(void **state)
{
	struct place *p = *state;

	put_main(p, SITE("zoo", PIN));
	put(p->sites, "b.conf", "\n" SITE("beta", PIN2));
	put(p->sites, "a.conf", "");
	put(p->sites, "10.conf", SITE("alpha", "sha256:"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") "option order srpt\n");
	load(p);
	assert_int_equal(p->conf->site_count, 3);
	assert_string_equal(p->conf->sites[0].name, "zoo");
	assert_string_equal(p->conf->sites[1].name, "alpha");
	assert_string_equal(p->conf->sites[2].name, "beta");
	const struct conf_site *beta = conf_find_site(p->conf, "beta");
	assert_ptr_equal(beta, &p->conf->sites[2]);
	assert_string_equal(conf_site_file(p->conf, beta, "f") +
	                    strlen(p->sites), "/b.conf");
	assert_int_equal(beta->line, 2);
	assert_string_equal(conf_site_file(p->conf, conf_find_site(p->conf, "zoo"),
	                                   "f"), "f");
	assert_null(conf_find_site(p->conf, "gamma"));
}

static void what_editors_leave_is_not_read(void **state)
{
	static const char *const names[] = {
		".a.conf", ".#a.conf", "a.conf~", "#a.conf#", "a.conf.dpkg-old",
		"a.conf.dpkg-dist", ".a.conf.swp", "README", ".conf",
	};
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put(p->sites, names[i], "no configuration\n");
	put(p->sites, "a.conf", SITE("home", PIN));
	load(p);
	assert_int_equal(p->conf->site_count, 1);
}

static void mistake_names_file_and_line(void **state)
{
	struct place *p = *state;

	put(p->sites, "a.conf", SITE("home", PIN));
	put(p->sites, "b.conf", SITE("office", PIN2) "option pinn x\n");
	assert_string_equal(refuse(p), "sites.d/b.conf:3: site 'office': unknown "
	                    "key 'pinn', did you mean 'pin'? allowed: pin, prefix, reach, "
	                    "rate, quota, scheduler, order, reinjection");
	put(p->sites, "b.conf", SITE("office", "sha256:x"));
	assert_string_equal(refuse(p), "sites.d/b.conf:2: site 'office': pin "
	                    "'sha256:x' is not allowed; allowed: a pin: sha256: "
	                    "and 43 characters, as 'aggctl pin' prints it on the "
	                    "other side");
	put(p->sites, "b.conf", "\nconfig egress\nlist allow 10.0.0.0/8\n");
	assert_string_equal(refuse(p), "sites.d/b.conf:2: config egress is not "
	                    "for a file of sites; allowed: site");
	put(p->sites, "b.conf", "config site 'office\n");
	assert_string_equal(refuse(p), "sites.d/b.conf:1: the quote ' is not "
	                    "closed on this line");
}

static void doubles_name_both_places(void **state)
{
	struct place *p = *state;
	char want[256];

	put_main(p, SITE("home", PIN));
	put(p->sites, "b.conf", "\n" SITE("home", PIN2));
	snprintf(want, sizeof(want), "sites.d/b.conf:2: site 'home': its name is "
	         "that of one in %s:4; each has its own", p->file);
	assert_string_equal(refuse(p), want);
	put(p->sites, "b.conf", SITE("office", PIN2));
	put(p->sites, "c.conf", SITE("lab", PIN2));
	snprintf(want, sizeof(want), "sites.d/c.conf:1: site 'lab': its pin is "
	         "that of site 'office' in %s/b.conf:1; each has its own",
	         p->sites);
	assert_string_equal(refuse(p), want);
	put(p->sites, "c.conf", SITE("office", PIN2));
	snprintf(want, sizeof(want), "sites.d/c.conf:1: site 'office': its name is "
	         "that of one in %s/b.conf:1; each has its own", p->sites);
	assert_string_equal(refuse(p), want);
}

#define REACH(net) "list reach " net "\n"

/* Whoever is read later is at fault, whichever is the larger. */
static void a_network_is_of_one_site(void **state)
{
	struct place *p = *state;

	put(p->sites, "a.conf", SITE("home", PIN) REACH("10.1.0.0/16") REACH("fd00:1::/48"));
	put(p->sites, "b.conf", SITE("office", PIN2) REACH("10.0.0.0/16")
	    REACH("10.2.0.0/16") REACH("192.168.0.0/24") REACH("fd00:1:1::/48"));
	load(p);
	conf_free(p->conf);
	put(p->sites, "b.conf", SITE("office", PIN2) REACH("192.168.0.0/24")
	    REACH("10.0.0.0/8"));
	assert_string_equal(refuse(p), "sites.d/b.conf:1: site 'office': reach "
	                    "'10.0.0.0/8' is in part site 'home''s; needed: networks "
	                    "that differ");
	put(p->sites, "b.conf", SITE("office", PIN2) REACH("10.0.0.0/24")
	    REACH("fd00:1:0:7::/64") REACH("10.2.0.0/16"));
	assert_string_equal(refuse(p), "sites.d/b.conf:1: site 'office': reach "
	                    "'fd00:1:0:7::/64' is in part site 'home''s; needed: "
	                    "networks that differ");
	put(p->sites, "b.conf", SITE("office", PIN2) REACH("10.2.0.0/24")
	    REACH("10.2.0.0/16"));
	assert_string_equal(refuse(p), "sites.d/b.conf:1: site 'office': reach "
	                    "'10.2.0.0/16' is in part site 'office''s; needed: "
	                    "networks that differ");
}

static void only_a_named_directory_must_be_there(void **state)
{
	struct place *p = *state;
	char want[256];

	assert_int_equal(rmdir(p->sites), 0);
	snprintf(want, sizeof(want), "aggd:3: aggd: sites '%s': No such file or "
	         "directory; allowed: a directory that can be read", p->sites);
	assert_string_equal(refuse(p), want);
	put(p->dir, "aggd", "config aggd\noption role concentrator\n");
	load(p);
}

static void gateway_reads_none(void **state)
{
	struct place *p = *state;

	put(p->dir, "aggd", "config aggd\noption role gateway\n"
	    "option sites /tmp\n");
	assert_string_equal(refuse(p), "aggd:3: aggd: 'sites' has no meaning for "
	                    "this role; allowed: role, scheduler, scheduler_up, "
	                    "order, reinjection, carrier, on_outage, control, state, "
	                    "web, web_tls, web_cert, web_key, log_level, "
	                    "linger, memory, congestion, bundles, mark, tunnel_mark, bypass_mark, "
	                    "offload, rule_pref");
}

/* Each with a pin of its own. */
static void write_pin(unsigned i, char pin[64])
{
	snprintf(pin, 64, "sha256:%c%c%c%040d", 'a' + i % 26, 'a' + i / 26 % 26,
	         'a' + i / 676 % 26, 0);
}

static void thousands_are_found(void **state)
{
	struct place *p = *state;
	char name[32], pin[64], text[160];

	for (unsigned i = 0; i < MANY; i++) {
		write_pin(i, pin);
		snprintf(text, sizeof(text), SITE("s%u", "%s"), i, pin);
		snprintf(name, sizeof(name), "s%u.conf", i);
		put(p->sites, name, text);
	}
	load(p);
	assert_int_equal(p->conf->site_count, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		assert_string_equal(conf_find_site(p->conf, name)->name, name);
	}
}

/* They name devices, marks and addresses: another's number would be another's
 * packets. */
static void every_site_has_a_number_of_its_own(void **state)
{
	struct place *p = *state;
	bool taken[CONF_NUMBERS_MAX + 1] = { false };
	char pin[64], text[160];

	for (unsigned i = 0; i < MANY; i++) {
		char name[32];
		snprintf(pin, sizeof(pin), "sha256:aaa%c%c%c%037d", 'a' + i % 26,
		         'a' + i / 26 % 26, 'a' + i / 676 % 26, 0);
		snprintf(text, sizeof(text), SITE("s%u", "%s"), i, pin);
		snprintf(name, sizeof(name), "s%u.conf", i);
		put(p->sites, name, text);
	}
	load(p);
	for (unsigned i = 0; i < MANY; i++) {
		unsigned number = p->conf->sites[i].number;
		assert_in_range(number, 1, CONF_NUMBERS_MAX);
		assert_false(taken[number]);
		taken[number] = true;
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(files_are_read_by_name),
		TEST(what_editors_leave_is_not_read),
		TEST(mistake_names_file_and_line),
		TEST(doubles_name_both_places),
		TEST(a_network_is_of_one_site),
		TEST(only_a_named_directory_must_be_there),
		TEST(gateway_reads_none),
		TEST(thousands_are_found),
		TEST(every_site_has_a_number_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
