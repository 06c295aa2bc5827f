/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: runs nft(8) on a text. No shell and no file: the text is handed over
 * as a memory descriptor on its standard input, so that it can be written
 * whole before nft starts, and what it says on standard error is read back
 * through a pipe. Owns the child for the time of one call. The caller blocks:
 * a ruleset changes when a person or an outage changes it.
 */
#include "agg/kernel/nft.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX 2048 /* bytes of standard error that are looked at */
#define WAIT_STEP_MS 1
#define SPAWN_NOT_FOUND 127 /* exit status where the exec failed in the child */

/* Two rules, each with one expression that is a module of its own. */
#define PROBE_HEAD "table inet aggd_probe { chain c { " \
	"type filter hook prerouting priority mangle; "
static const struct {
	const char *module, *ruleset;
} probes[] = {
	{ "nft_socket", PROBE_HEAD "socket transparent 1 accept\n } }\n" },
	{ "nft_tproxy", PROBE_HEAD
	  "meta l4proto tcp meta nfproto ipv4 tproxy ip to 127.0.0.1:1\n } }\n" },
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The text as a descriptor that reads from its start. */
static int text_open(const char *text, size_t len)
{
	int fd = memfd_create("nft", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (len) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int err = n < 0 ? -errno : -EIO;
			close(fd);
			return err;
		}
		text += n;
		len -= (size_t)n;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* dup2 in the child also clears close-on-exec of 0 and 2. */
static int spawn(pid_t *pid, bool check, int in, int out)
{
	char nft[] = "nft", c[] = "-c", f[] = "-f", dash[] = "-";
	char *argv_check[] = { nft, c, f, dash, NULL };
	char *argv_apply[] = { nft, f, dash, NULL };
	char path[] = "PATH=/usr/sbin:/sbin:/usr/bin:/bin", lang[] = "LC_ALL=C";
	char *env[] = { path, lang, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;

	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 2);
	int rc = posix_spawnp(pid, nft, &actions, &attr,
	                      check ? argv_check : argv_apply, env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -rc;
}

/* Reads until the child closes its end; keeps the first bytes as a string. */
static int read_output(int fd, char output[OUTPUT_MAX], int64_t deadline_ms)
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
		size_t room = OUTPUT_MAX - 1 - len;
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
               char output[OUTPUT_MAX])
{
	int64_t deadline_ms = now_ms() + NFT_TIMEOUT_MS;
	int ends[2];
	pid_t pid;

	output[0] = 0;
	int in = text_open(text, len);
	if (in < 0)
		return in;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		int err = -errno;
		close(in);
		return err;
	}
	int rc = spawn(&pid, check, in, ends[1]);
	close(in);
	close(ends[1]);
	if (!rc) {
		int got = read_output(ends[0], output, deadline_ms);
		rc = reap(pid, !got, deadline_ms);
	}
	close(ends[0]);
	return rc;
}

/* The module whose expression this kernel does not know, or NULL. */
static const char *missing_module(void)
{
	char output[OUTPUT_MAX];

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		if (run(probes[i].ruleset, strlen(probes[i].ruleset), true,
		        output) > 0 && strstr(output, "No such file"))
			return probes[i].module;
	return NULL;
}

static int explain(struct kerr *err, char output[OUTPUT_MAX])
{
	const char *module = strstr(output, "No such file") ?
		missing_module() : NULL;

	output[strcspn(output, "\n")] = 0;
	if (module)
		kerr_set(err, 0, "nft: the kernel lacks the module %s", module);
	else
		kerr_set(err, 0, "nft: %s", *output ? output : "failed silently");
	return -EIO;
}

static int run_and_explain(const char *text, size_t len, bool check,
                           struct kerr *err)
{
	char output[OUTPUT_MAX];
	int rc = run(text, len, check, output);

	if (rc == SPAWN_NOT_FOUND)
		rc = -ENOENT;
	if (rc < 0)
		return kerr_set(err, rc, "running nft");
	return rc ? explain(err, output) : 0;
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
	static const char text[] = "add table inet " NFT_TABLE "\n"
		"delete table inet " NFT_TABLE "\n";

	return nft_apply(text, sizeof(text) - 1, err);
}
