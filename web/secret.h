/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the secret with which a person opens the page: a file in the state
 * directory, made at the first start, mode 0600.
 */
#ifndef WEB_SECRET_H
#define WEB_SECRET_H

#include "web/access.h"

#define SECRET_FILE "web-secret"

/* 0, or -errno: -EBADMSG: the file holds no secret of ours (remove it, and the next
 * start makes another); -EPERM: others may read it. */
int secret_load(const char *dir, char secret[ACCESS_SECRET_LEN + 1]);

#endif
