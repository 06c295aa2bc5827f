/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a site in the concentrator's files: where it stands, or where a new one
 * goes. A site that is there is changed in its place (edit.h); a new one has a
 * file of its own, NAME.conf in the directory of sites; where that cannot be
 * made, it goes into the configuration.
 *
 * Each change fills an undo, which takes it back, or is dropped.
 */
#ifndef AGG_PAIR_SITEFILE_H
#define AGG_PAIR_SITEFILE_H

#include "agg/conf/conf.h"
#include "agg/transport/tls.h"

struct sitefile_undo {
	char path[CONF_PATH_MAX + 64];
	char made[CONF_PATH_MAX + 64]; /* another one that has come; "" */
	struct buf text;  /* of path, as it was */
	bool was_there;
};

/* conf is what stands in config and the directory. 0; -errno, and error says in
 * words what is in the way. Then nothing has changed, and there is no undo. */
int sitefile_put(const struct conf *conf, const char *config, const char *site,
                 const struct tls_pin *pin, const char *comment,
                 struct sitefile_undo *undo, struct conf_error *error);
int sitefile_remove(const struct conf *conf, const char *config,
                    const char *site, struct sitefile_undo *undo,
                    struct conf_error *error);
int sitefile_rename(const struct conf *conf, const char *config,
                    const char *site, const char *name,
                    struct sitefile_undo *undo, struct conf_error *error);
/* Could sitefile_put() do it? 0, or -errno with words. */
int sitefile_may_put(const struct conf *conf, const char *config,
                     const char *site, struct conf_error *error);

void sitefile_take_back(struct sitefile_undo *undo);
void sitefile_keep(struct sitefile_undo *undo);

#endif
