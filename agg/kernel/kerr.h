/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: why a request to Linux failed, in words for the one who logs it. The
 * functions of this room that can fail in many ways return 0 or -errno and
 * leave here what they were doing: "rule oif wan1: Operation not permitted".
 */
#ifndef AGG_KERNEL_KERR_H
#define AGG_KERNEL_KERR_H

#define KERR_TEXT_MAX 256

struct kerr {
	char text[KERR_TEXT_MAX]; /* "" while nothing failed */
};

/* Sets the text to the formatted words and ": " and strerror(-err), unless
 * err is 0; returns err. */
int kerr_set(struct kerr *e, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
