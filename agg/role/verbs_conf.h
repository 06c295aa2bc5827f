/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the verbs that change the configuration's file, and by that what is in force:
 * all else in it stays as a person wrote it (edit.h). What a daemon refuses is not
 * kept in the file.
 */
#ifndef AGG_ROLE_VERBS_CONF_H
#define AGG_ROLE_VERBS_CONF_H

#include "agg/base/buf.h"

/* Handlers of ctl.h. sections: what is in force, in the file's syntax, without
 * secrets. */
int verbs_sections(void *ctx, int argc, const char *const *argv,
                   struct buf *out);
/* set TYPE NAME KEY=VALUE...: a list has a word for each of its values. */
int verbs_set(void *ctx, int argc, const char *const *argv, struct buf *out);
/* unset TYPE NAME: away with the section. */
int verbs_unset(void *ctx, int argc, const char *const *argv, struct buf *out);

#endif
