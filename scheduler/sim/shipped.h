/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the scenarios that come with aggsim: the files of scenarios/, put into
 * the program by scenarios/embed.py.
 */
#ifndef SCHEDULER_SIM_SHIPPED_H
#define SCHEDULER_SIM_SHIPPED_H

#include <stdbool.h>
#include <stddef.h>

struct shipped {
	const char *name; /* the file's, without its folder and .scn */
	bool published;   /* of scenarios/published: has values to compare with */
	const char *text;
	size_t size;
};

extern const struct shipped shipped_all[];
extern const size_t shipped_count;

#endif
