/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: inside agg/conf only: what no single key can say.
 */
#ifndef AGG_CONF_CHECK_H
#define AGG_CONF_CHECK_H

#include "agg/conf/conf.h"

/* 0; -EINVAL and error, whose lines are those of the sections. */
int conf_check(const struct conf *conf, const char *file,
               struct conf_error *error);

#endif
