/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: questions that a reload asks: what is the same as before, and where is
 * the section of this name.
 */
#include "agg/conf/conf.h"

#include "agg/conf/keys.h"

#include <string.h>

static bool same(enum conf_tables table, const void *a, const void *b)
{
	return conf_table_equal(&conf_tables[table], a, b);
}

bool conf_main_equal(const struct conf_main *a, const struct conf_main *b)
{
	return same(CONF_TABLE_MAIN, a, b);
}

bool conf_concentrator_equal(const struct conf_concentrator *a,
                             const struct conf_concentrator *b)
{
	return same(CONF_TABLE_CONCENTRATOR, a, b);
}

bool conf_uplink_equal(const struct conf_uplink *a, const struct conf_uplink *b)
{
	return same(CONF_TABLE_UPLINK, a, b) && !strcmp(a->device.name, b->device.name);
}

static bool table_equal(const struct conf_table *t, const struct conf *a,
                        const struct conf *b)
{
	unsigned a_count, b_count;
	const uint8_t *as = conf_table_sections(t, a, &a_count);
	const uint8_t *bs = conf_table_sections(t, b, &b_count);

	if (a_count != b_count)
		return false;
	for (unsigned i = 0; i < a_count; i++)
		if (!conf_table_equal(t, as + i * t->size, bs + i * t->size))
			return false;
	return true;
}

bool conf_classes_equal(const struct conf *a, const struct conf *b)
{
	return table_equal(&conf_tables[CONF_TABLE_CLASS], a, b);
}

bool conf_equal(const struct conf *a, const struct conf *b)
{
	for (const struct conf_table *t = conf_tables; t->type; t++)
		if (!table_equal(t, a, b))
			return false;
	return true;
}

const char *conf_needs_restart(const struct conf *old, const struct conf *now)
{
	if (old->main.role != now->main.role)
		return "role";
	if (strcmp(old->main.control, now->main.control))
		return "control";
	if (old->main.workers != now->main.workers)
		return "workers";
	if (old->main.offload != now->main.offload)
		return "offload";
	return strcmp(old->main.state, now->main.state) ? "state" : NULL;
}

const struct conf_uplink *conf_find_uplink(const struct conf *conf,
                                           const char *name)
{
	for (unsigned i = 0; i < conf->uplink_count; i++)
		if (!strcmp(conf->uplinks[i].name, name))
			return &conf->uplinks[i];
	return NULL;
}

const struct conf_class *conf_find_class(const struct conf *conf,
                                         const char *name)
{
	for (unsigned i = 0; i < conf->class_count; i++)
		if (!strcmp(conf->classes[i].name, name))
			return &conf->classes[i];
	return NULL;
}
