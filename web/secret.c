/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see secret.h. It is made under another name and linked to its own, so that
 * a power cut leaves all of it or none.
 */
#include "web/secret.h"

#include "agg/base/base64url.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_BYTES 24

_Static_assert(BASE64URL_LEN(SECRET_BYTES) == ACCESS_SECRET_LEN,
               "a secret's text is that of its bytes");

static int write_new(const char *path, const char *secret)
{
	char temp[PATH_MAX + 8];

	snprintf(temp, sizeof(temp), "%s.XXXXXX", path);
	int fd = mkostemp(temp, O_CLOEXEC); /* 0600 */
	if (fd < 0)
		return -errno;
	int err = write(fd, secret, ACCESS_SECRET_LEN) == ACCESS_SECRET_LEN &&
	          write(fd, "\n", 1) == 1 && !fsync(fd) ? 0 : -EIO;
	close(fd);
	if (!err && link(temp, path) < 0)
		err = -errno;
	unlink(temp);
	return err;
}

static int make(const char *path, char secret[ACCESS_SECRET_LEN + 1])
{
	uint8_t bytes[SECRET_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	base64url_encode(secret, bytes, sizeof(bytes));
	explicit_bzero(bytes, sizeof(bytes));
	return write_new(path, secret);
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
