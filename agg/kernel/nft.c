/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: runs nft(8) and waits for its end: at the start and the end of the
 * daemon, where nothing else is carried. While it carries, nft_job.c runs it.
 */
#include "agg/kernel/nft.h"
#include "agg/kernel/nft_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_STEP_MS 1

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Reads until the child closes its end; keeps the first bytes as a string. */
static int read_output(int fd, char output[NFT_OUTPUT_MAX], int64_t deadline_ms)
{
	char more[512];
	size_t len = 0;

	output[0] = 0;
	for (;;) {
		int64_t left_ms = deadline_ms - now_ms();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (left_ms <= 0 || !poll(&p, 1, (int)left_ms))
			return -ETIMEDOUT;
		ssize_t n = read(fd, more, sizeof(more));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		size_t room = NFT_OUTPUT_MAX - 1 - len;
		size_t kept = (size_t)n < room ? (size_t)n : room;
		memcpy(output + len, more, kept);
		len += kept;
		output[len] = 0;
	}
}

/* Its exit status, or -ETIMEDOUT: then it is killed. No zombie stays. */
static int reap(pid_t pid, bool patient, int64_t deadline_ms)
{
	const struct timespec step = { .tv_nsec = WAIT_STEP_MS * 1000000 };
	int status;

	while (patient && now_ms() < deadline_ms) {
		pid_t done = waitpid(pid, &status, WNOHANG);
		if (done == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
		if (done < 0 && errno != EINTR)
			return -errno;
		nanosleep(&step, NULL);
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return -ETIMEDOUT;
}

/* Runs nft. >= 0: its exit status; else -errno of ours. */
static int run(const char *text, size_t len, bool check,
               char output[NFT_OUTPUT_MAX])
{
	int64_t deadline_ms = now_ms() + NFT_TIMEOUT_MS;
	struct nft_child child;
	int rc = nft_child_start(&child, text, len, check);

	output[0] = 0;
	if (rc)
		return rc;
	int got = read_output(child.errors, output, deadline_ms);
	rc = reap(child.pid, !got, deadline_ms);
	close(child.errors);
	return rc;
}

/* The module whose expression this kernel does not know, or NULL. */
static const char *missing_module(void)
{
	char output[NFT_OUTPUT_MAX];
	const struct nft_probe *probe;

	for (unsigned i = 0; (probe = nft_probe_at(i)); i++)
		if (run(probe->ruleset, strlen(probe->ruleset), true, output) > 0 &&
		    nft_lacks_something(output))
			return probe->module;
	return NULL;
}

static int run_and_explain(const char *text, size_t len, bool check,
                           struct kerr *err)
{
	char output[NFT_OUTPUT_MAX];
	int rc = run(text, len, check, output);
	bool lacks = rc > 0 && nft_lacks_something(output);

	return nft_explain(rc, output, lacks ? missing_module() : NULL, err);
}

int nft_apply(const void *text, size_t len, struct kerr *err)
{
	return run_and_explain(text, len, false, err);
}

int nft_check(const void *text, size_t len, struct kerr *err)
{
	return run_and_explain(text, len, true, err);
}

int nft_cleanup(struct kerr *err)
{
	/* Adding it first makes the deletion of a table not there no error. */
	static const char text[] = NFT_NONE_TEXT;

	return nft_apply(text, sizeof(text) - 1, err);
}
