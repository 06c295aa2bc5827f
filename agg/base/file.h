/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a file read whole, and put whole in the place of another or of none:
 * written beside it, synced and renamed, so that a power cut leaves the old one or
 * the new one.
 */
#ifndef AGG_BASE_FILE_H
#define AGG_BASE_FILE_H

#include "agg/base/buf.h"

#include <sys/types.h>

/* Appends it to out, as far as that has room: -EFBIG: it is larger. 0 or -errno. */
int file_read(const char *path, struct buf *out);
/* Of one that there is it keeps mode and owner (and where a link leads), else it
 * has this mode and the owner of its directory. 0 or -errno. */
int file_write(const char *path, const struct buf *data, mode_t mode);
/* A new one with these bytes: never in the place of another, -EEXIST; of two who
 * make it at once one does. It has the owner of its directory. 0 or -errno. */
int file_create(const char *path, const uint8_t *p, size_t n, mode_t mode);
/* The path and what is missing above it. 0 or -errno; that it is there is none. */
int file_make_dirs(const char *path, mode_t mode);
/* Away with it, and that is on the disk. 0 or -errno. */
int file_remove(const char *path);

#endif
