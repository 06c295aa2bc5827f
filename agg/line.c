/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see line.h. Owns its socket; descriptors go over it as unix(7) has it.
 */
#include "agg/line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct line {
	int fd;
	struct loop_io *io;
	const struct line_events *events;
	void *ctx;
};

union control { /* of one descriptor, aligned */
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static int descriptor_of(struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static ssize_t hear(struct line *line, struct line_word *word, int *fd)
{
	union control control;
	struct iovec part = { word, sizeof(*word) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control.room, .msg_controllen = sizeof(control.room),
	};
	ssize_t n = recvmsg(line->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*fd = n < 0 ? -1 : descriptor_of(&message);
	return n;
}

static void on_readable(void *ctx, unsigned events)
{
	struct line *line = ctx;
	struct line_word word;
	int fd;

	for (unsigned i = 0; i < LINE_WORDS_PER_TURN; i++) {
		ssize_t n = hear(line, &word, &fd);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			loop_io_want(line->io, 0);
			line->events->on_end(line->ctx);
			return;
		}
		if (n == sizeof(word))
			line->events->on_word(line->ctx, &word, fd);
		else if (fd >= 0)
			close(fd);
	}
}

struct line *line_create(struct loop *loop, int fd, const struct line_events *events,
                         void *ctx)
{
	struct line *line = calloc(1, sizeof(*line));

	if (!line) {
		close(fd);
		return NULL;
	}
	*line = (struct line){ .fd = fd, .events = events, .ctx = ctx };
	line->io = loop_io_create(loop, fd, LOOP_READ, on_readable, line);
	if (line->io)
		return line;
	line_destroy(line);
	errno = ENOMEM;
	return NULL;
}

int line_say(struct line *line, const struct line_word *word, int fd)
{
	union control control = { .room = "" };
	struct line_word copy = *word;
	struct iovec part = { &copy, sizeof(copy) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = control.room;
		message.msg_controllen = sizeof(control.room);
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	ssize_t n = sendmsg(line->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n < 0 ? -errno : 0;
}

void line_destroy(struct line *line)
{
	if (!line)
		return;
	loop_io_destroy(line->io);
	close(line->fd);
	free(line);
}
