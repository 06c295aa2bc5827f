/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see netifd.h. Owns the child that is asking, and what it has said so far. Its end
 * is looked for once it has closed its output; at the deadline it is killed.
 */
#include "agg/kernel/netifd.h"

#include "agg/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define REAP_US 2000u /* between looks for the end of the child */
#define READ_BYTES 4096u

extern char **environ;

struct netifd {
	struct loop *loop;        /* borrowed */
	netifd_fn *on_answer;
	void *ctx;
	struct loop_timer *timer; /* the next question; while one is asked: its deadline,
	                           * or the next look for the child's end */
	pid_t child;              /* 0: none */
	int fd;                   /* its standard output */
	struct loop_io *io;       /* of fd; NULL: it is closed */
	uint64_t due_us;          /* the next question, while none is asked */
	uint64_t deadline_us;
	bool killed, again;       /* again: something changed meanwhile */
	struct buf answer;
};

static int spawn(pid_t *pid, int out)
{
	char ubus[] = "ubus", call[] = "call", what[] = "network.interface", dump[] = "dump";
	char *argv[] = { ubus, call, what, dump, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;

	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	int rc = posix_spawnp(pid, ubus, &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -rc;
}

static void close_output(struct netifd *n)
{
	if (!n->io)
		return;
	loop_io_destroy(n->io);
	n->io = NULL;
	close(n->fd);
}

static void ask_in(struct netifd *n, uint64_t us)
{
	n->due_us = loop_now_us(n->loop) + us;
	loop_timer_arm(n->timer, n->due_us);
}

/* rc: the child's exit status, or -errno. */
static void tell(struct netifd *n, int rc)
{
	struct netifd_interface found[NETIFD_INTERFACES_MAX];
	int count = rc < 0 ? rc : rc == 127 ? -ENOENT : rc ? -EIO :
		netifd_read((const char *)buf_head(&n->answer), n->answer.len, found);

	buf_finish(&n->answer);
	ask_in(n, n->again ? NETIFD_SOON_US : NETIFD_AGAIN_US);
	n->again = false;
	n->on_answer(n->ctx, found, count);
}

static void on_output(void *ctx, unsigned events)
{
	struct netifd *n = ctx;
	uint8_t *to = buf_reserve(&n->answer, READ_BYTES);
	ssize_t got = to ? read(n->fd, to, READ_BYTES) : 0;

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got > 0) {
		buf_added(&n->answer, (size_t)got);
		return;
	}
	close_output(n);
	loop_timer_arm(n->timer, 0);
}

static void ask(struct netifd *n)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0) {
		tell(n, -errno);
		return;
	}
	int rc = spawn(&n->child, ends[1]);

	close(ends[1]);
	n->fd = ends[0];
	n->io = rc ? NULL : loop_io_create(n->loop, n->fd, LOOP_READ, on_output, n);
	if (!n->io)
		close(n->fd);
	if (rc) {
		n->child = 0;
		tell(n, rc);
		return;
	}
	n->killed = false;
	n->deadline_us = loop_now_us(n->loop) + NETIFD_TIMEOUT_US;
	loop_timer_arm(n->timer, n->io ? n->deadline_us : 0);
}

static void on_timer(void *ctx)
{
	struct netifd *n = ctx;
	uint64_t now_us = loop_now_us(n->loop);
	int status;

	if (!n->child) {
		ask(n);
		return;
	}
	if (!n->killed && now_us >= n->deadline_us) {
		n->killed = true;
		kill(n->child, SIGKILL);
		close_output(n);
	}
	pid_t done = waitpid(n->child, &status, WNOHANG);
	if (!done || (done < 0 && errno == EINTR)) {
		loop_timer_arm(n->timer, now_us + REAP_US);
		return;
	}
	n->child = 0;
	tell(n, n->killed ? -ETIMEDOUT :
	     done > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -EIO);
}

struct netifd *netifd_create(struct loop *loop, netifd_fn *on_answer, void *ctx)
{
	struct netifd *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->loop = loop;
	n->on_answer = on_answer;
	n->ctx = ctx;
	buf_init(&n->answer, NETIFD_ANSWER_MAX);
	n->timer = loop_timer_create(loop, on_timer, n);
	if (!n->timer) {
		free(n);
		return NULL;
	}
	ask_in(n, 0);
	return n;
}

void netifd_destroy(struct netifd *n)
{
	if (!n)
		return;
	close_output(n);
	if (n->child) {
		kill(n->child, SIGKILL);
		while (waitpid(n->child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	loop_timer_destroy(n->timer);
	buf_finish(&n->answer);
	free(n);
}

void netifd_ask(struct netifd *n)
{
	if (!n)
		return;
	if (n->child) /* what it says may be from before */
		n->again = true;
	else if (n->due_us > loop_now_us(n->loop) + NETIFD_SOON_US)
		ask_in(n, NETIFD_SOON_US);
}
