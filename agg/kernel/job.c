/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see job.h. Its end is looked for once its output is closed. What it is told
 * is a memory descriptor, so that it can be written whole before it starts.
 */
#include "agg/kernel/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define REAP_US 5000u /* between looks for the end of the child */

struct job {
	struct loop *loop;        /* borrowed */
	void (*on_over)(void *ctx);
	void *ctx;
	pid_t pid;                /* 0: it is over */
	int from;                 /* its output */
	struct loop_io *io;       /* NULL: that is closed */
	struct loop_timer *timer; /* the deadline, or the next look */
	uint64_t deadline_us;
	bool killed;
	int status;
	struct buf output;
};

static int input_open(const void *text, size_t len)
{
	int fd = memfd_create("job", MFD_CLOEXEC);

	if (fd >= 0 && (write(fd, text, len) != (ssize_t)len ||
	                lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		fd = -1;
	}
	return fd < 0 ? -errno : fd;
}

/* Signals of the loop are its own; dup2 in the child clears close-on-exec. */
static int spawn(pid_t *pid, const char *const *argv, int in, int out)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char lang[] = "LC_ALL=C";
	char *env[] = { path, lang, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, pipe;

	sigemptyset(&none);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
	                         POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &pipe);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
	int rc = posix_spawnp(pid, argv[0], &actions, &attr,
	                      (char *const *)(const void *)argv, env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -rc;
}

static void close_output(struct job *job)
{
	if (!job->io)
		return;
	loop_io_destroy(job->io);
	job->io = NULL;
	close(job->from);
}

static void on_output(void *ctx, unsigned events)
{
	struct job *job = ctx;
	char piece[4096];
	ssize_t n = read(job->from, piece, sizeof(piece));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close_output(job);
		loop_timer_arm(job->timer, 0);
		return;
	}
	size_t room = buf_space(&job->output);
	buf_put(&job->output, piece, (size_t)n < room ? (size_t)n : room);
}

static void on_timer(void *ctx)
{
	struct job *job = ctx;
	uint64_t now_us = loop_now_us(job->loop);
	int status;

	if (!job->killed && now_us >= job->deadline_us) {
		job->killed = true;
		kill(-job->pid, SIGKILL);
		close_output(job);
	}
	pid_t done = waitpid(job->pid, &status, WNOHANG);
	if (!done || (done < 0 && errno == EINTR)) {
		loop_timer_arm(job->timer, now_us + REAP_US);
		return;
	}
	job->pid = 0;
	job->status = job->killed ? -ETIMEDOUT :
	              done > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
	if (job->on_over)
		job->on_over(job->ctx);
}

static int begin(struct job *job, const struct job_args *args)
{
	int ends[2], in = input_open(args->input, args->input_len);

	if (in < 0)
		return in;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		close(in);
		return -errno;
	}
	int err = spawn(&job->pid, args->argv, in, ends[1]);
	close(in);
	close(ends[1]);
	if (err) {
		job->pid = 0;
		close(ends[0]);
		return err;
	}
	job->from = ends[0];
	job->io = loop_io_create(job->loop, job->from, LOOP_READ, on_output, job);
	if (!job->io)
		close(job->from);
	return job->io ? 0 : -ENOMEM;
}

struct job *job_start(const struct job_args *args)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->loop = args->loop;
	job->on_over = args->on_over;
	job->ctx = args->ctx;
	job->deadline_us = loop_now_us(args->loop) + args->timeout_us;
	buf_init(&job->output, args->output_max);
	job->timer = loop_timer_create(args->loop, on_timer, job);
	int err = job->timer ? begin(job, args) : -ENOMEM;
	if (err) {
		job_destroy(job);
		errno = -err;
		return NULL;
	}
	loop_timer_arm(job->timer, job->deadline_us);
	return job;
}

pid_t job_pid(const struct job *job)
{
	return job->pid;
}

bool job_is_over(const struct job *job)
{
	return !job->pid;
}

int job_status(const struct job *job)
{
	return job->status;
}

const struct buf *job_output(const struct job *job)
{
	return &job->output;
}

void job_destroy(struct job *job)
{
	if (!job)
		return;
	if (job->pid) {
		kill(-job->pid, SIGKILL);
		while (waitpid(job->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close_output(job);
	loop_timer_destroy(job->timer);
	buf_finish(&job->output);
	free(job);
}
