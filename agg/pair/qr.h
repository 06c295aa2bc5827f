/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a text as a QR code (ISO/IEC 18004): for a terminal, two rows of modules in a
 * line, and for who draws it himself. qr.c is by libqrencode; qr_none.c stands in for
 * it in a build without.
 */
#ifndef AGG_PAIR_QR_H
#define AGG_PAIR_QR_H

#include "agg/base/buf.h"

/* Dark on light whatever the terminal's colours are, in at most so many columns.
 * 0; -EOPNOTSUPP: this build has none; -E2BIG: it is too wide. */
int qr_print(const char *text, unsigned columns, struct buf *out);
/* Its rows of modules, from the top, each a line of '1' (dark) and '0', without the
 * quiet zone. 0 or -EOPNOTSUPP. */
int qr_rows(const char *text, struct buf *out);

#endif
