/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what check.c and check_sites.c share. Included by nobody else.
 */
#ifndef AGG_CONF_CHECK_IMPL_H
#define AGG_CONF_CHECK_IMPL_H

#include "agg/conf/check.h"

/* What is checked, and where it is said what is wrong. */
struct check {
	const struct conf *conf;
	const char *file;
	struct conf_error *error;
};

/* The answer of a check: the line is that of a section of the file. */
#define FAIL(c, line, ...) \
	conf_error_set((c)->error, (c)->file, line, __VA_ARGS__)

/* check_sites.c: what a concentrator has. As conf_check; -ENOMEM too. */
int check_sites(const struct check *c);

/* Can somebody be reached at it? */
bool check_is_destination(const struct addr *a);

#endif
