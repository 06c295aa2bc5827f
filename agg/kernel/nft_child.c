/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: starts nft(8) on a text. No shell and no file: the text is handed over
 * as a memory descriptor on its standard input, so that it can be written
 * whole before nft starts, and what it says on standard error is read back
 * through a pipe.
 */
#include "agg/kernel/nft_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SPAWN_NOT_FOUND 127 /* exit status where the exec failed in the child */

#define PROBE_HEAD "table inet aggd_probe { chain c { " \
	"type filter hook prerouting priority mangle; "
static const struct nft_probe probes[] = {
	{ "nft_socket", PROBE_HEAD "socket transparent 1 accept\n } }\n" },
	{ "nft_tproxy", PROBE_HEAD
	  "meta l4proto tcp meta nfproto ipv4 tproxy ip to 127.0.0.1:1\n } }\n" },
	{ "nft_ct", PROBE_HEAD "ct mark set 1\n } }\n" },
};

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

int nft_child_start(struct nft_child *child, const void *text, size_t len,
                    bool check)
{
	int ends[2], in = text_open(text, len);

	if (in < 0)
		return in;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		int err = -errno;
		close(in);
		return err;
	}
	int rc = spawn(&child->pid, check, in, ends[1]);
	close(in);
	close(ends[1]);
	if (rc)
		close(ends[0]);
	else
		child->errors = ends[0];
	return rc;
}

bool nft_lacks_something(const char *output)
{
	return strstr(output, "No such file");
}

const struct nft_probe *nft_probe_at(unsigned i)
{
	return i < sizeof(probes) / sizeof(probes[0]) ? &probes[i] : NULL;
}

int nft_explain(int rc, char output[NFT_OUTPUT_MAX], const char *module,
                struct kerr *err)
{
	if (rc == SPAWN_NOT_FOUND)
		rc = -ENOENT;
	if (rc < 0)
		return kerr_set(err, rc, "running nft");
	if (!rc)
		return 0;
	output[strcspn(output, "\n")] = 0;
	if (module)
		kerr_set(err, 0, "nft: the kernel lacks the module %s", module);
	else
		kerr_set(err, 0, "nft: %s", *output ? output : "failed silently");
	return -EIO;
}
