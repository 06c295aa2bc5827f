/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: inside agg/ctl only: the socket in the file system.
 */
#ifndef AGG_CTL_SOCKET_H
#define AGG_CTL_SOCKET_H

#include "agg/ctl/ctl.h"

#include <sys/stat.h>

/* A listening, non-blocking socket at path (see ctl_create), and which file
 * it is. -errno. */
int ctl_socket_listen(const char *path, struct stat *identity);
/* Removes path if it is still that file. */
void ctl_socket_unlink(const char *path, const struct stat *identity);
/* A connected socket, blocking, each step for wait_s at most; wait_s 0: not
 * blocking, and -EAGAIN where the listener is busy. -errno. */
int ctl_socket_connect(const char *path, unsigned wait_s);

#endif
