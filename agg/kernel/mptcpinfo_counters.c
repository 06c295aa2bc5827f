/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: mptcpinfo.h's counters: the two lines "MPTcpExt:" of netstat, names and
 * values (net/mptcp/mib.c). Owns nothing that outlives a call.
 */
#include "agg/kernel/mptcpinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH "/proc/net/netstat"
#define TITLE "MPTcpExt:"
#define BYTES_MAX (64 << 10)
#define DIGITS_MAX 20

static const struct { const char *name; size_t at; } names[] = {
#define NAME(kernel, field) { kernel, offsetof(struct mptcpinfo_counters, field) }
	NAME("MPCapableSYNTX", capable_syn_tx),
	NAME("MPCapableSYNACKRX", capable_synack_rx),
	NAME("MPCapableSYNRX", capable_syn_rx),
	NAME("MPCapableFallbackSYNACK", fallback_synack),
	NAME("MPCapableFallbackACK", fallback_ack),
	NAME("MPCapableDataFallback", fallback_data),
	NAME("DssFallback", fallback_dss),
	NAME("MPCapableSYNTXDrop", syn_tx_drop),
	NAME("MPCapableSYNTXDisabled", syn_tx_disabled),
	NAME("Blackhole", blackhole),
	NAME("MPJoinSynTx", join_syn_tx),
	NAME("MPJoinSynAckRx", join_synack_rx),
	NAME("MPJoinSynRx", join_syn_rx),
	NAME("MPJoinAckRx", join_ack_rx),
	NAME("MPJoinRejected", join_rejected),
	NAME("MPJoinNoTokenFound", join_no_token),
	NAME("MPJoinSynAckHMacFailure", join_synack_hmac),
	NAME("MPJoinAckHMacFailure", join_ack_hmac),
	NAME("MPJoinSynTxBindErr", join_bind_error),
	NAME("MPJoinSynTxConnectErr", join_connect_error),
	NAME("DataCsumErr", checksum_error),
	NAME("MPFailTx", mp_fail_tx),
	NAME("MPFailRx", mp_fail_rx),
	NAME("DSSNotMatching", dss_not_matching),
	NAME("DSSCorruptionFallback", dss_corruption_fallback),
	NAME("DSSCorruptionReset", dss_corruption_reset),
	NAME("MPRstTx", reset_tx),
	NAME("MPRstRx", reset_rx),
	NAME("MPTCPRetrans", retransmits),
	NAME("SubflowStale", subflow_stale),
	NAME("SubflowRecover", subflow_recover),
	NAME("MPCurrEstab", established),
#undef NAME
};

/* Part of a text, not ended by NUL. */
struct span {
	const char *p;
	size_t len;
};

/* Takes the text up to a separator off *rest. false: it is empty. */
static bool take(struct span *rest, char separator, struct span *out)
{
	const char *end;

	if (!rest->len)
		return false;
	end = memchr(rest->p, separator, rest->len);
	out->p = rest->p;
	out->len = end ? (size_t)(end - rest->p) : rest->len;
	size_t used = out->len + (end ? 1 : 0);
	rest->p += used;
	rest->len -= used;
	return true;
}

/* Takes the title off a line of ours. */
static bool is_ours(struct span *line)
{
	size_t len = strlen(TITLE " ");

	if (line->len < len || memcmp(line->p, TITLE " ", len))
		return false;
	line->p += len;
	line->len -= len;
	return true;
}

/* What is no number counts as 0. */
static uint64_t number(const struct span *word)
{
	char text[DIGITS_MAX + 1];

	if (!word->len || word->len > DIGITS_MAX)
		return 0;
	memcpy(text, word->p, word->len);
	text[word->len] = 0;
	return strspn(text, "0123456789") == word->len ?
		strtoull(text, NULL, 10) : 0;
}

static void set(struct mptcpinfo_counters *out, const struct span *name,
                uint64_t value)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == name->len &&
		    !memcmp(names[i].name, name->p, name->len))
			memcpy((char *)out + names[i].at, &value, sizeof(value));
}

bool mptcpinfo_counters_parse(struct mptcpinfo_counters *out, const char *text,
                              size_t len)
{
	struct span rest = { text, len }, line, heads = { 0 }, head, value;

	memset(out, 0, sizeof(*out));
	while (take(&rest, '\n', &line)) {
		if (!is_ours(&line))
			continue;
		if (!heads.p) {
			heads = line;
			continue;
		}
		while (take(&heads, ' ', &head) && take(&line, ' ', &value))
			set(out, &head, number(&value));
		return true;
	}
	return false;
}

static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int mptcpinfo_counters(const char *path, struct mptcpinfo_counters *out)
{
	char *buf = malloc(BYTES_MAX);
	int fd = open(path ? path : PATH, O_RDONLY | O_CLOEXEC);
	int err = !buf ? -ENOMEM : fd < 0 ? -errno : 0;

	memset(out, 0, sizeof(*out));
	if (!err) {
		ssize_t n = read_all(fd, buf, BYTES_MAX);
		err = n < 0 ? (int)n :
		      mptcpinfo_counters_parse(out, buf, (size_t)n) ? 0 : -ENOENT;
	}
	if (fd >= 0)
		close(fd);
	free(buf);
	return err;
}
