/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see selftest.h: looks. It changes nothing on this machine.
 */
#include "agg/selftest/selftest.h"

#include "agg/kernel/caps.h"
#include "agg/kernel/memory.h"
#include "agg/kernel/sockopt.h"
#include "agg/kernel/udp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"

static void note(struct selftest_feature *feature, int err)
{
	feature->there = err >= 0;
	snprintf(feature->why, sizeof(feature->why), "%s",
	         err >= 0 ? "" : err == -EPERM ? "needs root to be tried"
	                                       : strerror(-err));
}

static void note_socket(struct selftest_feature *feature, int fd)
{
	note(feature, fd);
	if (fd >= 0)
		close(fd);
}

/* Where execvp() would find it, with the places of programs for root. */
static int find_program(const char *name)
{
	static const char *const folders[] = {
		"/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin",
	};
	char path[SELFTEST_WORD_MAX];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (!access(path, X_OK))
			return 0;
	}
	return -ENOENT;
}

/* Two datagrams in one message, to a socket of our own. */
static int try_segments(void)
{
	uint8_t bytes[2 * TRIAL_PACKET_BYTES] = { 0 };
	struct udp_message message = { .p = bytes, .n = sizeof(bytes),
	                               .segment = TRIAL_PACKET_BYTES };
	struct addr at = { .family = AF_INET, .ip = { 127, 0, 0, 1 } };
	int to = sockopt_udp_open(&at, NULL);
	int err = to < 0 ? to : sockopt_local(to, &at);
	int from = err < 0 ? err : udp_connect(NULL, NULL, &at);

	err = from < 0 ? from : udp_send(from, &message, 1);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return err;
}

static void look_at_features(struct selftest_feature features[SELFTEST_FEATURES])
{
	struct selftest_feature *powers = &features[SELFTEST_POWERS];

	note_socket(&features[SELFTEST_TPROXY], sockopt_tproxy_listen(AF_INET, 0));
	int tun = open(TUN_PATH, O_RDWR | O_CLOEXEC);
	note_socket(&features[SELFTEST_TUN], tun < 0 ? -errno : tun);
	note(&features[SELFTEST_NFT], find_program("nft"));
	note_socket(&features[SELFTEST_MPTCP],
	            sockopt_mptcp_open(AF_INET, NULL, NULL));
	note(&features[SELFTEST_BBR], sockopt_congestion_has("bbr") ? 0 : -ENOENT);
	note(&features[SELFTEST_SEGMENT], try_segments());
	powers->there = !caps_missing(powers->why, sizeof(powers->why));
}

void selftest_look(struct selftest *out)
{
	struct utsname name;
	uint64_t memory = memory_there_is("/proc", MEMORY_GROUPS);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	memset(out, 0, sizeof(*out));
	if (!uname(&name)) {
		snprintf(out->kernel, sizeof(out->kernel), "%s", name.release);
		snprintf(out->machine, sizeof(out->machine), "%s", name.machine);
	}
	out->cores = cores > 0 ? cores : 0;
	out->memory_mb = memory < UINT64_MAX ? (long)(memory / 1000000) : 0;
	look_at_features(out->features);
	trial_run(&out->trial);
}
