/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a file in UCI syntax (uci.h), edited in place: what is set is set where
 * it stands, all else keeps its bytes, comments and order. Pure: bytes to bytes.
 *
 * A section is named by its type and its name; name NULL: the first of the type,
 * whatever its name. The text is one that uci_parse() takes, or the answer is
 * -EINVAL; after an error the text is as it was. Values are of printable
 * characters. -ENOBUFS: no memory, or more than the buffer may hold.
 */
#ifndef AGG_CONF_EDIT_H
#define AGG_CONF_EDIT_H

#include "agg/base/buf.h"

#include <stdbool.h>

/* Is there such a section? */
bool edit_has(const struct buf *text, const char *type, const char *name);
/* Sets an option; where there is no such section, it is added at the end, with
 * that name. 0 or an error. */
int edit_set(struct buf *text, const char *type, const char *name,
             const char *key, const char *value);
/* The same of a list, whose values end with NULL: all of before go. */
int edit_set_list(struct buf *text, const char *type, const char *name,
                  const char *key, const char *const *values);
/* The section goes; comments before and behind it stay. Or -ENOENT. */
int edit_remove(struct buf *text, const char *type, const char *name);
int edit_rename(struct buf *text, const char *type, const char *name,
                const char *new_name);

#endif
