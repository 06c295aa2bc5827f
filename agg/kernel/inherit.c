/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see inherit.h. Owns nothing, and remembers nothing: the kernel knows which
 * descriptors there are (proc(5), /proc/self/fd), and what each is (socket(7)).
 */
#include "agg/kernel/inherit.h"

#include "agg/kernel/sockopt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int ask(int fd, int level, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, option, &value, &len) < 0 ? 0 : value;
}

static bool is_listener(int fd)
{
	int domain = ask(fd, SOL_SOCKET, SO_DOMAIN);

	return (domain == AF_INET || domain == AF_INET6) &&
	       ask(fd, SOL_SOCKET, SO_ACCEPTCONN);
}

static bool is_inherited(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && !(flags & FD_CLOEXEC) && is_listener(fd);
}

/* Those that are like that; how many. */
static unsigned find(bool (*is)(int fd), int fds[INHERIT_MAX])
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	unsigned n = 0;

	while (dir && n < INHERIT_MAX && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);
		if (fd > STDERR_FILENO && is(fd))
			fds[n++] = fd;
	}
	if (dir)
		closedir(dir);
	return n;
}

unsigned inherit_find(int fds[INHERIT_MAX])
{
	return find(is_listener, fds);
}

static bool is_at(int fd, const struct addr *at, int protocol, bool transparent)
{
	bool v4 = at->family == AF_INET;
	struct addr local;

	return sockopt_local(fd, &local) == 0 && local.family == at->family &&
	       addr_equal_ip(&local, at) && (!at->port || local.port == at->port) &&
	       ask(fd, SOL_SOCKET, SO_PROTOCOL) == protocol &&
	       ask(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
	           v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT) == transparent;
}

int inherit_take(const struct addr *at, int protocol, bool transparent)
{
	int fds[INHERIT_MAX];
	unsigned count = find(is_inherited, fds);

	for (unsigned i = 0; i < count; i++)
		if (is_at(fds[i], at, protocol, transparent) &&
		    fcntl(fds[i], F_SETFD, FD_CLOEXEC) == 0)
			return fds[i];
	return -ENOENT;
}

void inherit_close(void)
{
	int fds[INHERIT_MAX];
	unsigned count = find(is_inherited, fds);

	while (count)
		close(fds[--count]);
}
