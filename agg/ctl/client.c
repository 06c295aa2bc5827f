/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the blocking end of the control socket, for programs that have nothing
 * else to do.
 */
#include "agg/ctl/client.h"

#include "agg/ctl/ctl.h"
#include "agg/ctl/socket.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES 65536
#define STATUS_MAX 15 /* "ok", "ok 1", "no" */

static int send_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		p += sent;
		n -= (size_t)sent;
	}
	return 0;
}

static int send_request(int fd, int argc, const char *const *argv)
{
	struct buf line;
	int err = 0;

	buf_init(&line, CTL_REQUEST_MAX);
	for (int i = 0; !err && i < argc; i++)
		err = buf_printf(&line, "%s%s", i ? " " : "", argv[i]);
	if (!err)
		err = buf_put(&line, "\n", 1);
	/* A daemon that refuses at once has answered and closed already: its
	 * answer is still there to be read. */
	if (!err)
		err = send_all(fd, buf_head(&line), line.len);
	buf_finish(&line);
	return err == -EPIPE ? 0 : err;
}

/* All until the daemon closes. */
static int receive(int fd, struct buf *out)
{
	for (;;) {
		size_t space = buf_space(out) < READ_BYTES ? buf_space(out)
		                                           : READ_BYTES;
		uint8_t *to = buf_reserve(out, space);
		if (!to || !space)
			return -ENOBUFS;
		ssize_t n = recv(fd, to, space, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ECONNRESET && out->len)
			return 0;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (!n)
			return 0;
		buf_added(out, (size_t)n);
	}
}

static int take_status(struct buf *answer, int *status)
{
	const char *line = (const char *)buf_head(answer);
	const char *end = answer->len ? memchr(line, '\n', answer->len) : NULL;
	char text[STATUS_MAX + 1], more;

	if (!end || end - line > STATUS_MAX)
		return -EPROTO;
	snprintf(text, sizeof(text), "%.*s", (int)(end - line), line);
	*status = 0;
	if (!strcmp(text, "no"))
		*status = CTL_REFUSED;
	else if (strcmp(text, "ok") &&
	         (sscanf(text, "ok %9d%c", status, &more) != 1 || *status < 1))
		return -EPROTO;
	buf_take(answer, (size_t)(end - line) + 1);
	return 0;
}

static void explain_access(const char *path, struct buf *out)
{
	struct stat st;
	const struct group *group = stat(path, &st) < 0 ? NULL
	                                                : getgrgid(st.st_gid);

	buf_printf(out, "you may not open %s: it is for root%s%s; try again with "
	           "sudo, or as root\n", path,
	           group && st.st_gid ? " and the group " : "",
	           group && st.st_gid ? group->gr_name : "");
}

/* What stands where the socket should be. */
static void explain_file(const char *path, struct buf *out)
{
	struct stat st;

	if (stat(path, &st) < 0 || S_ISSOCK(st.st_mode))
		buf_printf(out, "nobody listens at %s: aggd has ended; 'journalctl "
		           "-u aggd' may say why, 'systemctl start aggd' starts "
		           "it\n", path);
	else
		buf_printf(out, "%s is a %s and no socket; wanted is what 'option "
		           "control' of aggd's configuration says\n", path,
		           S_ISDIR(st.st_mode) ? "directory" :
		           S_ISREG(st.st_mode) ? "file" : "device");
}

void ctl_explain(const char *path, int err, struct buf *out)
{
	switch (-err) {
	case ENOENT:
	case ENOTDIR:
		buf_printf(out, "there is no socket at %s: aggd is not running, or "
		           "its configuration has another 'option control', which "
		           "-s SOCKET or AGGD_CONTROL names; 'systemctl status "
		           "aggd' says whether it runs\n", path);
		return;
	case EACCES:
	case EPERM:
		explain_access(path, out);
		return;
	case ECONNREFUSED:
		explain_file(path, out);
		return;
	case ETIMEDOUT:
		buf_printf(out, "aggd at %s did not answer within %u s: it hangs, "
		           "or the machine is overloaded\n", path,
		           CTL_CLIENT_WAIT_S);
		return;
	case EPROTO:
	case EPROTOTYPE:
		buf_printf(out, "what answers at %s is no aggd; wanted is the "
		           "socket that 'option control' of its configuration "
		           "names\n", path);
		return;
	case ENAMETOOLONG:
		buf_printf(out, "%s: the path of a socket has %u bytes at most\n",
		           path, CTL_PATH_MAX);
		return;
	default:
		buf_printf(out, "no answer at %s: %s\n", path, strerror(-err));
	}
}

int ctl_request(const char *path, int argc, const char *const *argv, int *status,
                struct buf *out)
{
	int fd = ctl_socket_connect(path, CTL_CLIENT_WAIT_S);

	if (fd < 0)
		return fd == -EAGAIN ? -ETIMEDOUT : fd;
	int err = send_request(fd, argc, argv);
	if (!err)
		err = receive(fd, out);
	if (!err)
		err = take_status(out, status);
	close(fd);
	return err;
}
