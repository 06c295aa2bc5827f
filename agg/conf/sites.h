/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: inside agg/conf only: what thousands of sites take: the files of a
 * directory that they may stand in, an order to find them by, and the search
 * for two that are one. Nothing here costs more than n log n.
 */
#ifndef AGG_CONF_SITES_H
#define AGG_CONF_SITES_H

#include "agg/conf/conf.h"

/* The paths of dir's files "*.conf" that are not hidden, in order of their
 * names: the caller's, by conf_sites_free_files. 0, or -errno: then there are
 * none. -E2BIG: more than CONF_SITE_FILES_MAX. */
int conf_sites_list_files(const char *dir, char ***files, unsigned *count);
void conf_sites_free_files(char **files, unsigned count);

/* Fills conf->site_by_name, and the sites' numbers. 0, -ENOMEM. */
int conf_sites_index(struct conf *conf);
/* After that: no two have one name or one pin. As conf_check; -ENOMEM too. */
int conf_sites_check(const struct conf *conf, const char *file,
                     struct conf_error *error);

#endif
