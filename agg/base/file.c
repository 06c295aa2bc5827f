/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see file.h.
 */
#include "agg/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES 4096u

int file_read(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = 1;
	int err = 0;

	if (fd < 0)
		return -errno;
	while (!err && got > 0) {
		size_t room = buf_space(out) < READ_BYTES ? buf_space(out)
		                                          : READ_BYTES;
		uint8_t *to = room ? buf_reserve(out, room) : NULL;
		got = to ? read(fd, to, room) : 0;
		if (!to)
			err = room ? -ENOMEM : -EFBIG;
		else if (got < 0 && errno == EINTR)
			got = 1;
		else if (got < 0)
			err = -errno;
		else
			buf_added(out, (size_t)got);
	}
	close(fd);
	return err;
}

/* Into dir, with its '/'. */
static void dir_of(const char *path, char dir[PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	snprintf(dir, PATH_MAX, "%.*s", slash ? (int)(slash - path) + 1 : 2,
	         slash ? path : "./");
}

static int sync_dir(const char *path)
{
	char dir[PATH_MAX];

	dir_of(path, dir);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int err = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return err;
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Who may not give it away keeps it. */
static int dress(int fd, const char *path, mode_t mode)
{
	char dir[PATH_MAX];
	struct stat st;

	dir_of(path, dir);
	bool is_there = !stat(path, &st);
	if (is_there)
		mode = st.st_mode & 07777;
	else if (stat(dir, &st) < 0)
		return -errno;
	if (fchown(fd, st.st_uid, st.st_gid) < 0 && errno != EPERM)
		return -errno;
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

/* The name of a file that is whole on the disk, beside path; removed when it
 * could not be made. */
static int write_beside(char temp[PATH_MAX], const char *path, const uint8_t *p,
                        size_t n, mode_t mode)
{
	if (snprintf(temp, PATH_MAX, "%s.XXXXXX", path) >= PATH_MAX)
		return -ENAMETOOLONG;
	int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int err = write_all(fd, p, n);
	if (!err)
		err = dress(fd, path, mode);
	if (!err && fsync(fd) < 0)
		err = -errno;
	close(fd);
	if (err)
		unlink(temp);
	return err;
}

static int put_in_place(const char *path, const struct buf *data, mode_t mode)
{
	char temp[PATH_MAX];
	int err = write_beside(temp, path, buf_head(data), data->len, mode);

	if (err)
		return err;
	if (rename(temp, path) < 0) {
		err = -errno;
		unlink(temp);
		return err;
	}
	return sync_dir(path);
}

int file_write(const char *path, const struct buf *data, mode_t mode)
{
	char *real = realpath(path, NULL);
	int err = put_in_place(real ? real : path, data, mode);

	free(real);
	return err;
}

int file_create(const char *path, const uint8_t *p, size_t n, mode_t mode)
{
	char temp[PATH_MAX];
	int err = write_beside(temp, path, p, n, mode);

	if (err)
		return err;
	if (link(temp, path) < 0) /* which refuses a name that exists */
		err = -errno;
	unlink(temp);
	return err ? err : sync_dir(path);
}

int file_make_dirs(const char *path, mode_t mode)
{
	char part[PATH_MAX];

	if (snprintf(part, sizeof(part), "%s", path) >= PATH_MAX)
		return -ENAMETOOLONG;
	for (char *slash = part + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(part, mode) < 0 && errno != EEXIST ? -errno : 0;
}

int file_remove(const char *path)
{
	return unlink(path) < 0 ? -errno : sync_dir(path);
}
