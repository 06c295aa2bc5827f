/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see secret.h.
 */
#include "web/secret.h"

#include "agg/base/base64url.h"
#include "agg/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_BYTES 24

_Static_assert(BASE64URL_LEN(SECRET_BYTES) == ACCESS_SECRET_LEN,
               "a secret's text is that of its bytes");

static int make(const char *path, char secret[ACCESS_SECRET_LEN + 1])
{
	uint8_t bytes[SECRET_BYTES];
	struct buf line;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	base64url_encode(secret, bytes, sizeof(bytes));
	explicit_bzero(bytes, sizeof(bytes));
	buf_init(&line, ACCESS_SECRET_LEN + 2); /* and its NUL */
	int err = buf_printf(&line, "%s\n", secret);
	if (!err)
		err = file_write(path, &line, 0600);
	buf_finish(&line);
	return err;
}

static int check(int fd, char secret[ACCESS_SECRET_LEN + 1])
{
	char text[ACCESS_SECRET_LEN + 2];
	uint8_t bytes[SECRET_BYTES];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return -EPERM;
	ssize_t n = read(fd, text, sizeof(text));
	if (n < ACCESS_SECRET_LEN || (n > ACCESS_SECRET_LEN &&
	                              text[ACCESS_SECRET_LEN] != '\n'))
		return -EBADMSG;
	memcpy(secret, text, ACCESS_SECRET_LEN);
	secret[ACCESS_SECRET_LEN] = '\0';
	return base64url_decode(bytes, sizeof(bytes), secret) ? -EBADMSG : 0;
}

int secret_load(const char *dir, char secret[ACCESS_SECRET_LEN + 1])
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/" SECRET_FILE, dir);

	if (n < 0 || n >= PATH_MAX)
		return -ENAMETOOLONG;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? make(path, secret) : -errno;
	int err = check(fd, secret);
	close(fd);
	return err;
}
