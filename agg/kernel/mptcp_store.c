/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see mptcp_store.h. A crash of the host needs no fsync: the journal of
 * another boot is void anyway. Owns nothing that outlives a call.
 */
#include "agg/kernel/mptcp_store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE /* musl 1.2.3 */
#define SO_NETNS_COOKIE 71
#endif
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define NETNS "/proc/self/ns/net"

/* An inode number comes again when a namespace has gone, a cookie does not;
 * kernels before 5.14 have no cookies. */
static uint64_t netns_cookie(void)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		cookie = 0;
	close(fd);
	return cookie;
}

int mptcp_store_place(struct mptcp_journal *j)
{
	FILE *file = fopen(BOOT_ID, "re");
	struct stat st;

	if (!file)
		return -errno;
	bool got = fgets(j->boot, sizeof(j->boot), file);
	fclose(file);
	if (!got)
		return -EIO;
	j->boot[strcspn(j->boot, "\n")] = 0;
	if (stat(NETNS, &st) < 0)
		return -errno;
	j->netns_inode = st.st_ino;
	j->netns_cookie = netns_cookie();
	return 0;
}

static int write_whole(int fd, const char *text, size_t len)
{
	ssize_t n = write(fd, text, len);

	return n < 0 ? -errno : (size_t)n < len ? -ENOSPC : 0;
}

/* A link or a pipe at that place is nobody's journal. */
static int open_plain(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return errno == ELOOP ? -EBADMSG : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > MPTCP_JOURNAL_BYTES_MAX) {
		close(fd);
		return -EBADMSG;
	}
	return fd;
}

/* What is at the path, into text; its length or -errno. */
static ssize_t read_plain(const char *path, char text[MPTCP_JOURNAL_BYTES_MAX])
{
	int fd = open_plain(path);

	if (fd < 0)
		return fd;
	ssize_t n = read(fd, text, MPTCP_JOURNAL_BYTES_MAX);
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}

static bool says_already(const char *path, const char *text, size_t len)
{
	char there[MPTCP_JOURNAL_BYTES_MAX];
	ssize_t n = read_plain(path, there);

	return n == (ssize_t)len && !memcmp(there, text, len);
}

int mptcp_store_save(const char *path, const struct mptcp_journal *j)
{
	char text[MPTCP_JOURNAL_BYTES_MAX], fresh[PATH_MAX];
	int len = mptcp_journal_format(j, text, sizeof(text));

	if (len < 0)
		return len;
	if (mptcp_journal_is_empty(j))
		return !unlink(path) || errno == ENOENT ? 0 : -errno;
	if (says_already(path, text, (size_t)len))
		return 0;
	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	if (unlink(fresh) < 0 && errno != ENOENT)
		return -errno;
	int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int err = write_whole(fd, text, (size_t)len);
	close(fd);
	if (!err && rename(fresh, path) < 0)
		err = -errno;
	if (err)
		unlink(fresh);
	return err;
}

int mptcp_store_load(const char *path, struct mptcp_journal *out)
{
	char text[MPTCP_JOURNAL_BYTES_MAX];
	ssize_t n = read_plain(path, text);

	if (n >= 0)
		return mptcp_journal_parse(out, text, (size_t)n);
	memset(out, 0, sizeof(*out));
	return (int)n;
}

int mptcp_store_adopt(const char *path, const char *old)
{
	struct mptcp_journal j;
	int err = mptcp_store_load(old, &j);

	if (err == -ENOENT)
		return err;
	if (!err && access(path, F_OK) < 0)
		err = mptcp_store_save(path, &j);
	else if (err == -EBADMSG)
		err = 0;
	if (!err && unlink(old) < 0)
		err = -errno;
	return err;
}
