/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see sites.h. Two that are one stand side by side once they are sorted;
 * among those with one key the order is that in which they were read, so the
 * later one is the one at fault.
 */
#include "agg/conf/sites.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".conf"
#define GROWTH_FIRST 16

/* Files --------------------------------------------------------------------- */

/* Not what editors and package managers leave: .a.conf.swp, #a.conf#, a.conf~,
 * a.conf.dpkg-old. */
static bool is_site_file(const char *name)
{
	size_t n = strlen(name), suffix = strlen(SUFFIX);

	return *name != '.' && n > suffix && !strcmp(name + n - suffix, SUFFIX);
}

static char *join(const char *dir, const char *name)
{
	size_t n = strlen(dir) + strlen(name) + 2;
	char *path = malloc(n);
	bool slash = *dir && dir[strlen(dir) - 1] == '/';

	if (path)
		snprintf(path, n, "%s%s%s", dir, slash ? "" : "/", name);
	return path;
}

static int add_file(const char *dir, const char *name, char ***files,
                    unsigned *count)
{
	unsigned n = *count;

	if (n == CONF_SITE_FILES_MAX)
		return -E2BIG;
	if (!n || (n >= GROWTH_FIRST && !(n & (n - 1)))) {
		char **more = realloc(*files, (n ? 2 * n : GROWTH_FIRST) *
		                      sizeof(*more));
		if (!more)
			return -ENOMEM;
		*files = more;
	}
	(*files)[n] = join(dir, name);
	if (!(*files)[n])
		return -ENOMEM;
	++*count;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int conf_sites_list_files(const char *dir, char ***files, unsigned *count)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int err = 0;

	*files = NULL;
	*count = 0;
	if (!d)
		return -errno;
	while (!err && (errno = 0, entry = readdir(d)))
		if (is_site_file(entry->d_name))
			err = add_file(dir, entry->d_name, files, count);
	if (!err)
		err = -errno;
	closedir(d);
	if (err) {
		conf_sites_free_files(*files, *count);
		*files = NULL;
		*count = 0;
	} else if (*count) {
		qsort(*files, *count, sizeof(**files), by_path);
	}
	return err;
}

void conf_sites_free_files(char **files, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		free(files[i]);
	free(files);
}

const char *conf_site_file(const struct conf *conf,
                           const struct conf_site *site, const char *file)
{
	return site->file ? conf->site_files[site->file - 1] : file;
}

/* Order ---------------------------------------------------------------------- */

typedef int compare(const void *a, const void *b);

/* As they were read: they are in one array. */
static int in_turn(const struct conf_site *a, const struct conf_site *b)
{
	return (a > b) - (a < b);
}

static int by_name(const void *a, const void *b)
{
	const struct conf_site *one = *(const struct conf_site *const *)a;
	const struct conf_site *two = *(const struct conf_site *const *)b;
	int order = strcmp(one->name, two->name);

	return order ? order : in_turn(one, two);
}

static int by_pin(const void *a, const void *b)
{
	const struct conf_site *one = *(const struct conf_site *const *)a;
	const struct conf_site *two = *(const struct conf_site *const *)b;
	int order = memcmp(&one->pin, &two->pin, sizeof(one->pin));

	return order ? order : in_turn(one, two);
}

/* All sites by that order; NULL: no memory. */
static const struct conf_site **sorted(const struct conf *conf, compare *order)
{
	const struct conf_site **list = calloc(conf->site_count + 1,
	                                       sizeof(*list));

	for (unsigned i = 0; list && i < conf->site_count; i++)
		list[i] = &conf->sites[i];
	if (list)
		qsort(list, conf->site_count, sizeof(*list), order);
	return list;
}

/* Where its pin says, or the next that is free. */
static int number(struct conf *conf)
{
	bool *taken = calloc(CONF_NUMBERS_MAX + 1, sizeof(*taken));

	if (!taken)
		return -ENOMEM;
	for (unsigned i = 0; i < conf->site_count && i < CONF_NUMBERS_MAX; i++) {
		struct conf_site *site = &conf->sites[conf->site_by_name[i] -
		                                      conf->sites];
		unsigned at = (site->pin.sha256[0] << 8 | site->pin.sha256[1]) %
		              CONF_NUMBERS_MAX;
		while (taken[at + 1])
			at = (at + 1) % CONF_NUMBERS_MAX;
		taken[at + 1] = true;
		site->number = at + 1;
	}
	free(taken);
	return 0;
}

int conf_sites_index(struct conf *conf)
{
	conf->site_by_name = sorted(conf, by_name);
	return conf->site_by_name ? number(conf) : -ENOMEM;
}

const struct conf_site *conf_find_site(const struct conf *conf,
                                       const char *name)
{
	unsigned from = 0, to = conf->site_count;

	while (from < to) {
		unsigned middle = from + (to - from) / 2;
		int order = strcmp(conf->site_by_name[middle]->name, name);
		if (!order)
			return conf->site_by_name[middle];
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

/* Doubles --------------------------------------------------------------------- */

static bool same_name(const struct conf_site *a, const struct conf_site *b)
{
	return !strcmp(a->name, b->name);
}

static bool same_pin(const struct conf_site *a, const struct conf_site *b)
{
	return !memcmp(&a->pin, &b->pin, sizeof(a->pin));
}

/* The first as they were read that is as one before it, which is *other. NULL:
 * they all differ. */
static const struct conf_site *
find_double(const struct conf_site *const *list, unsigned count,
            bool (*same)(const struct conf_site *, const struct conf_site *),
            const struct conf_site **other)
{
	const struct conf_site *found = NULL;

	for (unsigned i = 1; i < count; i++) {
		if (!same(list[i - 1], list[i]) || (found && list[i] > found))
			continue;
		found = list[i];
		*other = list[i - 1];
	}
	return found;
}

static int fail(const struct conf *conf, const char *file,
                const struct conf_site *site, const struct conf_site *other,
                const char *what, struct conf_error *error)
{
	const char *here = conf_site_file(conf, site, file);
	const char *there = conf_site_file(conf, other, file);
	char name[CONF_NAME_MAX + 16] = "";

	if (same_pin(site, other) && !same_name(site, other))
		snprintf(name, sizeof(name), "of site '%s' ", other->name);
	if (site->file == other->file)
		return conf_error_set(error, here, site->line, "site '%s': %s %s"
		                      "in line %u; each has its own", site->name,
		                      what, name, other->line);
	return conf_error_set(error, here, site->line, "site '%s': %s %sin %s:%u;"
	                      " each has its own", site->name, what, name, there,
	                      other->line);
}

int conf_sites_check(const struct conf *conf, const char *file,
                     struct conf_error *error)
{
	const struct conf_site *other = NULL;
	const struct conf_site *site = find_double(conf->site_by_name,
		conf->site_count, same_name, &other);

	if (site)
		return fail(conf, file, site, other, "its name is that of one",
		            error);
	const struct conf_site **list = sorted(conf, by_pin);
	if (!list) {
		conf_error_set(error, file, 0, "out of memory");
		return -ENOMEM;
	}
	site = find_double(list, conf->site_count, same_pin, &other);
	free(list);
	return site ? fail(conf, file, site, other, "its pin is that", error) : 0;
}
