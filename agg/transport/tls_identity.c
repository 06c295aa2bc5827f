/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the identity as a file, made by file_create(): a power cut leaves all of it
 * or none, and two writers cannot overwrite each other. Knows files and modes only,
 * neither keys nor any TLS library.
 */
#include "agg/transport/tls_identity.h"

#include "agg/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int path_of(char path[PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", dir, name);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int tls_identity_is_vacant(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;
	int rc = path_of(path, dir, TLS_IDENTITY_FILE);

	if (rc < 0)
		return rc;
	if (!lstat(path, &st))
		return -EEXIST;
	return errno == ENOENT ? 0 : -errno;
}

int tls_identity_store(const char *dir, const uint8_t *pem, size_t n)
{
	char path[PATH_MAX];
	int rc = path_of(path, dir, TLS_IDENTITY_FILE);

	if (rc < 0)
		return rc;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	return file_create(path, pem, n, 0600);
}

static int read_all(int fd, uint8_t *p, size_t max, size_t *n)
{
	*n = 0;
	for (;;) {
		ssize_t got = read(fd, p + *n, max - *n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return *n ? 0 : -EBADMSG;
		*n += (size_t)got;
		if (*n == max)
			return -EBADMSG;
	}
}

int tls_identity_load(const char *dir, uint8_t pem[TLS_IDENTITY_BYTES_MAX],
                      size_t *n)
{
	char path[PATH_MAX];
	struct stat st;
	int rc = path_of(path, dir, TLS_IDENTITY_FILE);

	if (rc < 0)
		return rc;
	/* Not to hang on a fifo that somebody put there. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = -EBADMSG;
	else if (st.st_mode & (S_IRWXG | S_IRWXO))
		rc = -EPERM;
	else
		rc = read_all(fd, pem, TLS_IDENTITY_BYTES_MAX, n);
	close(fd);
	return rc;
}
