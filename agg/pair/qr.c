/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see qr.h, by libqrencode.
 */
#include "agg/pair/qr.h"

#include <errno.h>
#include <stdbool.h>

#include <qrencode.h>

#define QUIET 2 /* modules round it; readers take as few on a screen */
#define COLOURS "\033[30;47m" /* ECMA-48: black on white */
#define PLAIN "\033[0m"

static bool is_dark(const QRcode *code, int x, int y)
{
	return x >= 0 && y >= 0 && x < code->width && y < code->width &&
	       (code->data[y * code->width + x] & 1);
}

static int print_row(const QRcode *code, int y, struct buf *out)
{
	int err = buf_printf(out, COLOURS);

	for (int x = -QUIET; !err && x < code->width + QUIET; x++) {
		bool upper = is_dark(code, x, y), lower = is_dark(code, x, y + 1);
		err = buf_printf(out, "%s", upper && lower ? "\u2588" :
		                 upper ? "\u2580" : lower ? "\u2584" : " ");
	}
	return err ? err : buf_printf(out, PLAIN "\n");
}

int qr_print(const char *text, unsigned columns, struct buf *out)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	int err = 0;

	if (!code)
		return -errno;
	if (code->width + 2 * QUIET > (int)columns)
		err = -E2BIG;
	for (int y = -QUIET; !err && y < code->width + QUIET; y += 2)
		err = print_row(code, y, out);
	QRcode_free(code);
	return err;
}

int qr_rows(const char *text, struct buf *out)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	int err = 0;

	if (!code)
		return -errno;
	for (int y = 0; !err && y < code->width; y++) {
		for (int x = 0; !err && x < code->width; x++)
			err = buf_put(out, is_dark(code, x, y) ? "1" : "0", 1);
		err = err ? err : buf_put(out, "\n", 1);
	}
	QRcode_free(code);
	return err;
}
