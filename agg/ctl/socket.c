/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: making and removing the control socket (unix(7)). Between bind and
 * listen nobody can connect, so the mode is set there.
 */
#include "agg/ctl/socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_MODE 0660
#define DIRECTORY_MODE 0755

static int fill_address(struct sockaddr_un *sun, const char *path)
{
	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!*path)
		return -EINVAL;
	if (strlen(path) > CTL_PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(sun->sun_path, path);
	return 0;
}

/* mkdir -p of all but the last component. */
static int make_directories(const char *path)
{
	char part[CTL_PATH_MAX + 1];

	for (const char *slash = strchr(path + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, DIRECTORY_MODE) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

int ctl_socket_connect(const char *path, unsigned wait_s)
{
	const struct timeval wait = { .tv_sec = wait_s };
	struct sockaddr_un sun;
	int err = fill_address(&sun, path);

	if (err)
		return err;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
	                (wait_s ? 0 : SOCK_NONBLOCK), 0);
	if (fd < 0)
		return -errno;
	/* The time limit for sending is that of connect(), too. */
	if (!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) &&
	    !connect(fd, (const struct sockaddr *)&sun, sizeof(sun)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* Others could lead us astray with theirs. */
static bool is_trusted_link(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISLNK(st.st_mode) &&
	       (st.st_uid == 0 || st.st_uid == geteuid());
}

int ctl_socket_place(const char *path, char out[CTL_PATH_MAX + 1])
{
	char target[CTL_PATH_MAX + 1];
	const char *slash = strrchr(path, '/');
	size_t folder = slash ? (size_t)(slash - path) + 1 : 0;

	if (strlen(path) > CTL_PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(out, path);
	if (!is_trusted_link(path))
		return 0;
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = 0;
	if (target[0] == '/')
		folder = 0;
	if (folder + (size_t)n > CTL_PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(out + folder, target);
	return 0;
}

/* Makes way at path: a socket is removed only when nobody answers there. */
static int remove_stale(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	int fd = ctl_socket_connect(path, 0);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || fd == -EAGAIN)
		return -EADDRINUSE;
	if (fd != -ECONNREFUSED)
		return fd;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_and_listen(int fd, const char *path, struct stat *identity)
{
	struct sockaddr_un sun;
	int err = fill_address(&sun, path);

	if (err)
		return err;
	if (bind(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0)
		return -errno;
	if (chmod(path, SOCKET_MODE) < 0 || lstat(path, identity) < 0 ||
	    listen(fd, CTL_CLIENTS_MAX) < 0) {
		err = -errno;
		unlink(path);
	}
	return err;
}

int ctl_socket_listen(const char *path, struct stat *identity)
{
	struct sockaddr_un sun;
	int err = fill_address(&sun, path);

	if (!err)
		err = make_directories(path);
	if (!err)
		err = remove_stale(path);
	if (err)
		return err;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	err = bind_and_listen(fd, path, identity);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

void ctl_socket_unlink(const char *path, const struct stat *identity)
{
	struct stat st;

	if (!lstat(path, &st) && st.st_dev == identity->st_dev &&
	    st.st_ino == identity->st_ino)
		unlink(path);
}
