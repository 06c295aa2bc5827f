/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see handover.h. Owns this end of the sockets.
 */
#include "agg/handover.h"

#include "agg/kernel/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 60000
#define NUMBER_MAX 12
/* sd_notify(3): another process's word is passed over where that is there. */
#define NOT_FOR_HEIRS "WATCHDOG_PID="

enum { TAKEN = 0, READY = 1 }; /* READY + the role */

/* What the next one says; whole, as it is written at once. */
struct word {
	int32_t said;
	pid_t own;
};

struct handover {
	struct loop *loop; /* borrowed */
	const struct handover_events *events;
	void *ctx;
	int fd;
	struct loop_io *io;
	struct loop_timer *timer;
	bool ready;
};

extern char **environ;

/* Beginning the next one --------------------------------------------------------- */

/* What the child does between fork and exec may call but what signal-safety(7) has:
 * others of this process's threads hold locks. */
struct heir {
	char **env;
	const char *argv[6];
	int fds[INHERIT_MAX + 1];
	unsigned count;
};

static void become(const struct heir *heir)
{
	for (unsigned i = 0; i < heir->count; i++)
		fcntl(heir->fds[i], F_SETFD, 0);
	execve(heir->argv[0], (char *const *)(const void *)heir->argv, heir->env);
	_exit(127);
}

static char **copy_environment(void)
{
	unsigned n = 0, kept = 0;

	while (environ[n])
		n++;
	char **env = calloc(n + 1, sizeof(*env));
	for (unsigned i = 0; env && i < n; i++)
		if (strncmp(environ[i], NOT_FOR_HEIRS, sizeof(NOT_FOR_HEIRS) - 1))
			env[kept++] = environ[i];
	return env;
}

/* By two forks, so that nobody of this process waits for it. */
static int spawn(const char *program, const char *config, int fd)
{
	char number[NUMBER_MAX];
	struct heir heir = {
		.env = copy_environment(),
		.argv = { program, "-c", config, "--take-over", number, NULL },
	};
	int status;

	if (!heir.env)
		return -ENOMEM;
	snprintf(number, sizeof(number), "%d", fd);
	heir.count = inherit_find(heir.fds);
	heir.fds[heir.count++] = fd;
	pid_t child = fork();
	if (!child) {
		pid_t next = fork();
		if (!next)
			become(&heir);
		_exit(next < 0 ? 1 : 0);
	}
	int err = child < 0 ? -errno : 0;
	free(heir.env);
	while (!err && waitpid(child, &status, 0) < 0)
		err = errno == EINTR ? 0 : -errno;
	if (!err && (!WIFEXITED(status) || WEXITSTATUS(status)))
		err = -EAGAIN;
	return err;
}

/* What it says -------------------------------------------------------------------- */

static void fail(struct handover *h, const char *why)
{
	h->events->on_failed(h->ctx, why);
}

static void on_readable(void *ctx, unsigned events)
{
	struct handover *h = ctx;
	struct word word;
	ssize_t n = recv(h->fd, &word, sizeof(word), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	loop_timer_disarm(h->timer);
	if (n <= 0) {
		loop_io_want(h->io, 0);
		fail(h, "the next process has ended; what it said is above");
	} else if (n == sizeof(word) && word.said == TAKEN && h->ready) {
		h->events->on_taken(h->ctx, word.own);
	} else if (n == sizeof(word) && word.said >= READY && !h->ready) {
		h->ready = true;
		h->events->on_ready(h->ctx, (uint8_t)(word.said - READY));
	} else {
		fail(h, "the next process says what is not understood");
	}
}

static void on_late(void *ctx)
{
	fail(ctx, "the next process does not answer");
}

static void arm(struct handover *h)
{
	loop_timer_arm(h->timer, loop_now_us(h->loop) + HANDOVER_US);
}

void handover_go(struct handover *h, uint8_t word)
{
	arm(h);
	if (send(h->fd, &word, 1, MSG_NOSIGNAL) < 0)
		return; /* it has ended, which is heard */
}

struct handover *handover_begin(struct loop *loop, const char *program,
                                const char *config,
                                const struct handover_events *events, void *ctx)
{
	struct handover *h = calloc(1, sizeof(*h));
	int ends[2], err;

	if (!h || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		free(h);
		return NULL;
	}
	*h = (struct handover){ .loop = loop, .events = events, .ctx = ctx,
	                        .fd = ends[0] };
	h->io = loop_io_create(loop, h->fd, LOOP_READ, on_readable, h);
	h->timer = loop_timer_create(loop, on_late, h);
	err = h->io && h->timer ? spawn(program, config, ends[1]) : -ENOMEM;
	close(ends[1]);
	if (!err) {
		arm(h);
		return h;
	}
	handover_destroy(h);
	errno = -err;
	return NULL;
}

int handover_keep(struct handover *h)
{
	int fd = h->fd;

	loop_io_destroy(h->io);
	h->io = NULL;
	h->fd = -1;
	return fd;
}

void handover_destroy(struct handover *h)
{
	if (!h)
		return;
	loop_io_destroy(h->io);
	loop_timer_destroy(h->timer);
	if (h->fd >= 0)
		close(h->fd);
	free(h);
}

/* The next one ----------------------------------------------------------------------- */

static int say(int fd, int32_t what)
{
	const struct word word = { .said = what, .own = getpid() };

	return send(fd, &word, sizeof(word), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int handover_wait(int fd, uint8_t role, uint8_t *word)
{
	struct pollfd until = { .fd = fd, .events = POLLIN };
	int err = fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : say(fd, READY + role);

	if (err)
		return err;
	int n = poll(&until, 1, WAIT_MS);
	if (n <= 0)
		return n < 0 ? -errno : -ETIMEDOUT;
	return recv(fd, word, 1, 0) == 1 ? 0 : -ECONNRESET;
}

int handover_taken(int fd)
{
	return say(fd, TAKEN);
}
