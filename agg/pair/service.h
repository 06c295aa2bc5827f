/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the service manager of this host, where there is one that knows aggd.
 */
#ifndef AGG_PAIR_SERVICE_H
#define AGG_PAIR_SERVICE_H

#include <stdbool.h>

enum service { SERVICE_NONE, SERVICE_SYSTEMD, SERVICE_PROCD };

/* Which starts aggd with that configuration. */
enum service service_find(const char *config);
/* Now, and at each boot; one that runs is started again. 0, or -EIO. */
int service_start(enum service service);
/* "systemctl enable --now aggd" */
const char *service_command(enum service service);
/* What was written by root is to be read by the user that aggd runs as, where
 * there is one: a file by its group, a directory is its own. 0 or -errno. */
int service_give_file(const char *path);
int service_give_directory(const char *path);
/* It may make files there, too. */
int service_share_directory(const char *path);

#endif
