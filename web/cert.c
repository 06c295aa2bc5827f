/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see cert.h: the files.
 */
#include "web/cert.h"

#include "agg/base/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int read_pem(const char *path, struct buf *out)
{
	int err = file_read(path, out);

	return err ? err : buf_put(out, "", 1) ? -EFBIG : 0;
}

static int check_mode(const char *key_path)
{
	struct stat st;

	if (stat(key_path, &st) < 0)
		return -errno;
	return !S_ISREG(st.st_mode) ? -EBADMSG : st.st_mode & S_IRWXO ? -EPERM : 0;
}

int cert_read(const char *chain_path, const char *key_path, struct cert *out)
{
	*out = (struct cert){ { 0 }, { 0 } };
	buf_init(&out->key, CERT_BYTES_MAX);
	buf_init(&out->chain, CERT_BYTES_MAX);
	int err = check_mode(key_path);
	if (!err)
		err = read_pem(key_path, &out->key);
	if (!err)
		err = read_pem(chain_path, &out->chain);
	if (!err)
		err = cert_check(out);
	if (err)
		cert_finish(out);
	return err;
}

static int make_file(const char *path, const struct addr *at, unsigned count)
{
	struct buf text;

	buf_init(&text, CERT_BYTES_MAX);
	int err = cert_make(at, count, &text);
	if (!err)
		err = file_create(path, buf_head(&text), text.len, 0600);
	if (text.len)
		explicit_bzero(buf_head(&text), text.len);
	buf_finish(&text);
	return err;
}

int cert_own(const char *dir, const struct addr *at, unsigned count, struct cert *out)
{
	char path[PATH_MAX];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/" CERT_FILE, dir), err = 0;

	if (n < 0 || n >= PATH_MAX)
		return -ENAMETOOLONG;
	if (stat(path, &st) < 0)
		err = errno == ENOENT ? make_file(path, at, count) : -errno;
	return err ? err : cert_read(path, path, out);
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len &&
	       (!a->len || !memcmp(buf_head(a), buf_head(b), a->len));
}

bool cert_equal(const struct cert *a, const struct cert *b)
{
	return same(&a->key, &b->key) && same(&a->chain, &b->chain);
}

void cert_finish(struct cert *cert)
{
	if (cert->key.len)
		explicit_bzero(buf_head(&cert->key), cert->key.len);
	buf_finish(&cert->key);
	buf_finish(&cert->chain);
}
