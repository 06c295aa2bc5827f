/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: settings are raised, kept in the journal, and come back: to those that
 * are no longer named, and after a crash; never over somebody else's change.
 */
#include "agg/kernel/arp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct host {
	char root[64], journal[128];
	struct arp_place place;
};

static void path_of(const struct host *h, const char *device, const char *name,
                    char out[256])
{
	snprintf(out, 256, "%s/net/ipv4/conf/%s/%s", h->root, device, name);
}

static void set(const struct host *h, const char *device, const char *name,
                unsigned value)
{
	char path[256];

	path_of(h, device, name, path);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%u\n", value);
	fclose(file);
}

static unsigned get(const struct host *h, const char *device, const char *name)
{
	unsigned value = 99;
	char path[256];

	path_of(h, device, name, path);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%u", &value), 1);
	fclose(file);
	return value;
}

static void assert_settings(const struct host *h, const char *device,
                            unsigned ignore, unsigned announce)
{
	assert_int_equal(get(h, device, "arp_ignore"), ignore);
	assert_int_equal(get(h, device, "arp_announce"), announce);
}

static const char *const folders[] = { "", "/net", "/net/ipv4",
	"/net/ipv4/conf", "/net/ipv4/conf/wan1", "/net/ipv4/conf/wan2" };

static int setup(void **state)
{
	struct host *h = calloc(1, sizeof(*h));
	char path[256];

	strcpy(h->root, "/tmp/arp_test.XXXXXX");
	assert_non_null(mkdtemp(h->root));
	for (unsigned i = 1; i < 6; i++) {
		snprintf(path, sizeof(path), "%s%s", h->root, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(h->journal, sizeof(h->journal), "%s/journal", h->root);
	h->place = (struct arp_place){ h->root, h->journal };
	set(h, "wan1", "arp_ignore", 0);
	set(h, "wan1", "arp_announce", 0);
	set(h, "wan2", "arp_ignore", 2); /* stricter already */
	set(h, "wan2", "arp_announce", 1);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct host *h = *state;
	char path[256];

	for (int i = 1; i <= 2; i++) {
		char device[8];
		snprintf(device, sizeof(device), "wan%d", i);
		path_of(h, device, "arp_ignore", path);
		unlink(path);
		path_of(h, device, "arp_announce", path);
		unlink(path);
	}
	unlink(h->journal);
	for (int i = 5; i >= 0; i--) {
		snprintf(path, sizeof(path), "%s%s", h->root, folders[i]);
		assert_int_equal(rmdir(path), 0);
	}
	free(h);
	return 0;
}

static void keep_apart(const struct host *h, unsigned count)
{
	static const char devices[2][IFNAMSIZ] = { "wan1", "wan2" };
	struct kerr err = { "" };

	assert_int_equal(arp_keep_apart(&h->place, devices, count, &err), 0);
}

static void set_and_back(void **state)
{
	const struct host *h = *state;

	keep_apart(h, 2);
	assert_settings(h, "wan1", 1, 2);
	assert_settings(h, "wan2", 2, 2);
	keep_apart(h, 2); /* again: what was before stays known */
	keep_apart(h, 1);
	assert_settings(h, "wan1", 1, 2);
	assert_settings(h, "wan2", 2, 1);
	keep_apart(h, 0); /* a next run knows no more than the journal, either */
	assert_settings(h, "wan1", 0, 0);
	assert_int_equal(access(h->journal, F_OK), -1);
}

static void somebody_elses_change_stays(void **state)
{
	const struct host *h = *state;

	keep_apart(h, 1);
	set(h, "wan1", "arp_ignore", 2);
	keep_apart(h, 0);
	assert_settings(h, "wan1", 2, 0);
}

static void a_change_is_seen_and_set_again(void **state)
{
	static const char devices[2][IFNAMSIZ] = { "wan1", "wan2" };
	const struct host *h = *state;

	assert_false(arp_is_kept(&h->place, devices, 2));
	keep_apart(h, 2);
	assert_true(arp_is_kept(&h->place, devices, 2));
	set(h, "wan1", "arp_announce", 0);
	assert_false(arp_is_kept(&h->place, devices, 2));
	keep_apart(h, 2);
	assert_settings(h, "wan1", 1, 2);
	keep_apart(h, 0);
	assert_settings(h, "wan1", 0, 0);
}

static void a_journal_of_nonsense_does_nothing(void **state)
{
	static const char *const texts[] = { "../x 0 0\n", "wan1 99 0\n", "wan1\n",
		"wan1 0 -1\n", "\n\n", ". 0 0\n" };
	const struct host *h = *state;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		FILE *file = fopen(h->journal, "w");
		assert_non_null(file);
		fputs(texts[i], file);
		fclose(file);
		set(h, "wan1", "arp_ignore", 1);
		keep_apart(h, 0);
		assert_settings(h, "wan1", 1, 0);
	}
}

static void a_device_that_is_not_there_is_an_error(void **state)
{
	static const char devices[1][IFNAMSIZ] = { "wan9" };
	const struct host *h = *state;
	struct kerr err = { "" };

	assert_true(arp_keep_apart(&h->place, devices, 1, &err) < 0);
	assert_non_null(strstr(err.text, "arp_ignore"));
	keep_apart(h, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(set_and_back),
		TEST(a_change_is_seen_and_set_again),
		TEST(somebody_elses_change_stays),
		TEST(a_journal_of_nonsense_does_nothing),
		TEST(a_device_that_is_not_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
