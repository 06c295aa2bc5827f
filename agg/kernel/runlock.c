/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see runlock.h. Owns the file while it is held. The file is for its
 * owner only: flock(2) asks for no more than the right to open it.
 */
#include "agg/kernel/runlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NETNS "/proc/self/ns/net"
#define DIRECTORY_MODE 0755
#define FILE_MODE 0600
#define SWEEP_US 2000 /* who sweeps has it for less */
#define TRIES 8 /* of a file that its owner removes meanwhile */

static void make_directory(const char *path)
{
	char part[RUNLOCK_PATH_MAX];

	for (const char *slash = strchr(path + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		mkdir(part, DIRECTORY_MODE); /* open() tells what is amiss */
	}
}

/* The lock of a file that is no longer at its place keeps nobody out. */
static bool is_in_place(int fd, const char *path)
{
	struct stat held, there;

	return !fstat(fd, &held) && !stat(path, &there) &&
	       held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

static int tell_owner(int fd, struct kerr *err)
{
	char text[RUNLOCK_OWNER_MAX + 1];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	text[strcspn(text, "\n")] = 0;
	char *config = strchr(text, ' ');
	if (config)
		*config++ = 0;
	kerr_set(err, 0, "another aggd has it, pid %s with %s", *text ? text : "unknown",
	         config ? config : "a file unknown");
	return -EBUSY;
}

/* In the directory of the daemon's own user, what root leaves behind must not
 * keep that user out for ever. */
static void hand_over(int fd, const char *path)
{
	char directory[RUNLOCK_PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct stat st;

	snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path), path);
	if (geteuid() == 0 && !stat(directory, &st) && st.st_uid &&
	    fchown(fd, st.st_uid, st.st_gid) < 0)
		return; /* then it stays root's */
}

static void write_owner(int fd, const char *config)
{
	char path[PATH_MAX], text[RUNLOCK_OWNER_MAX + 1];
	const char *whole = realpath(config, path);

	int n = snprintf(text, sizeof(text), "%ld %s", (long)getpid(),
	                 whole ? whole : config);
	if (n >= (int)sizeof(text))
		n = (int)sizeof(text) - 1;
	/* Words for a person: the lock holds without them. */
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) < 0)
		return;
}

/* Its descriptor; -EAGAIN: the file went meanwhile. */
static int try_once(const char *path, struct kerr *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);

	if (fd < 0)
		return kerr_set(err, -errno, "%s", path);
	int rc = 0;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = errno == EWOULDBLOCK ? tell_owner(fd, err)
		                          : kerr_set(err, -errno, "%s", path);
	else if (!is_in_place(fd, path))
		rc = kerr_set(err, -EAGAIN, "%s", path);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

int runlock_take(struct runlock *lock, const char *path, const char *config,
                 struct kerr *err)
{
	int fd = -EAGAIN;

	lock->fd = -1;
	if (strlen(path) >= sizeof(lock->path))
		return kerr_set(err, -ENAMETOOLONG, "%s", path);
	make_directory(path);
	for (int i = 0; i < TRIES && (fd == -EAGAIN || fd == -EBUSY); i++) {
		if (fd == -EBUSY)
			usleep(SWEEP_US);
		fd = try_once(path, err);
	}
	if (fd < 0)
		return fd;
	hand_over(fd, path);
	write_owner(fd, config);
	lock->fd = fd;
	strcpy(lock->path, path);
	return 0;
}

void runlock_drop(struct runlock *lock)
{
	if (lock->fd < 0)
		return;
	if (is_in_place(lock->fd, lock->path))
		unlink(lock->path);
	close(lock->fd);
	lock->fd = -1;
}

/* "gateway.4026531840.lock" (runlock_netns_path). */
static bool is_of_a_role(const char *name)
{
	const char *number = strchr(name, '.');
	size_t digits = number ? strspn(number + 1, "0123456789") : 0;

	return digits && !strcmp(number + 1 + digits, ".lock");
}

static void remove_unheld(const char *path)
{
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	if (!flock(fd, LOCK_EX | LOCK_NB) && is_in_place(fd, path))
		unlink(path);
	close(fd);
}

void runlock_sweep(const char *directory)
{
	char path[RUNLOCK_PATH_MAX];
	DIR *dir = opendir(directory);
	struct dirent *entry;

	for (unsigned i = 0; dir && i < RUNLOCK_SWEPT_MAX && (entry = readdir(dir));
	     i++)
		if (is_of_a_role(entry->d_name) &&
		    snprintf(path, sizeof(path), "%s/%s", directory,
		             entry->d_name) < (int)sizeof(path))
			remove_unheld(path);
	if (dir)
		closedir(dir);
}

int runlock_netns_path(char *out, size_t size, const char *role,
                       const char *kind)
{
	struct stat st;

	if (stat(NETNS, &st) < 0)
		return -errno;
	int n = snprintf(out, size, RUNLOCK_DIRECTORY "/%s.%llu.%s", role,
	                 (unsigned long long)st.st_ino, kind);
	return n < (int)size ? 0 : -ENAMETOOLONG;
}
