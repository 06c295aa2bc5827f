/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see qr.h: a build without libqrencode.
 */
#include "agg/pair/qr.h"

#include <errno.h>

int qr_print(const char *text, unsigned columns, struct buf *out)
{
	return -EOPNOTSUPP;
}

int qr_rows(const char *text, struct buf *out)
{
	return -EOPNOTSUPP;
}
