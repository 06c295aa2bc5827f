/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: inside agg/conf only: the tables of aggd's file, keys.c.
 */
#ifndef AGG_CONF_KEYS_H
#define AGG_CONF_KEYS_H

#include "agg/conf/table.h"

enum conf_tables {
	CONF_TABLE_MAIN,
	CONF_TABLE_CLASS,
	CONF_TABLE_CONCENTRATOR,
	CONF_TABLE_UPLINK,
	CONF_TABLE_LAN,
	CONF_TABLE_BYPASS,
	CONF_TABLE_PACKETS,
	CONF_TABLE_SITE,
	CONF_TABLE_EGRESS,
	CONF_TABLE_FORWARD,
	CONF_TABLE_ADDRESS,
};
#define CONF_TABLE_COUNT (CONF_TABLE_ADDRESS + 1)

/* Indexed by enum conf_tables, and ended by a row whose type is NULL. */
extern const struct conf_table conf_tables[CONF_TABLE_COUNT + 1];

/* By enum conf_role; ended by NULL. */
extern const char *const conf_role_words[];

#endif
