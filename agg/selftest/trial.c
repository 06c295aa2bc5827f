/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see trial.h. Owns its sockets while it runs.
 */
#include "agg/selftest/trial.h"

#include "agg/kernel/sockopt.h"
#include "agg/selftest/ceiling.h"
#include "agg/transport/aead.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TRIES 8             /* the best counts */
#define TRY_NS 6000000u     /* of processor time, at least */
#define ROUNDS_MAX 100000u  /* of a try, if that does not pass */
#define WAIT_MS 20000       /* for a byte over the loopback device, on a paused machine */

static const struct {
	const char *name;
	enum aead_suite suite;
} suites[TRIAL_SUITES] = {
	[TRIAL_AES_128] = { "aes-128-gcm", AEAD_AES_128_GCM_SHA256 },
	[TRIAL_AES_256] = { "aes-256-gcm", AEAD_AES_256_GCM_SHA384 },
	[TRIAL_CHACHA20] = { "chacha20-poly1305", AEAD_CHACHA20_POLY1305_SHA256 },
};

const char *trial_suite_name(enum trial_suite suite)
{
	return suites[suite].name;
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Something that can be done again and again: 0 or -errno. */
struct deed {
	int (*once)(void *ctx);
	void *ctx;
	double bytes; /* each time */
};

/* Nanoseconds a byte, the best of the tries. 0 or -errno. */
static int cost_of(const struct deed *deed, double *ns)
{
	double best = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		double from = cpu_ns(), spent = 0;
		unsigned n = 0;
		while (spent < TRY_NS && n < ROUNDS_MAX) {
			int err = deed->once(deed->ctx);
			if (err < 0)
				return err;
			n++;
			spent = cpu_ns() - from;
		}
		double each = spent / ((double)n * deed->bytes);
		best = !i || each < best ? each : best;
	}
	*ns = best;
	return 0;
}

/* Ciphers --------------------------------------------------------------------- */

struct sealing {
	struct aead *aead;
	struct aead_text text;
	uint8_t bytes[TRIAL_RECORD_BYTES + AEAD_TAG_BYTES];
};

static int seal_once(void *ctx)
{
	struct sealing *s = ctx;

	s->text.nonce[0]++; /* the key seals nothing but this */
	return aead_seal(s->aead, &s->text);
}

static double cipher_mb(enum aead_suite suite, size_t n)
{
	static const uint8_t key[AEAD_KEY_BYTES_MAX];
	struct sealing s = { .aead = aead_create(suite, AEAD_SEAL) };
	const struct deed deed = { seal_once, &s, (double)n };
	double ns = 0;

	s.text = (struct aead_text){ .ad = key, .ad_len = 5, .p = s.bytes, .n = n };
	if (s.aead && !aead_set_key(s.aead, key))
		cost_of(&deed, &ns);
	aead_destroy(s.aead);
	return ceiling_rate(1, ns);
}

/* Sockets ------------------------------------------------------------------------ */

struct pair {
	int from, to;
	bool is_udp;
	uint8_t bytes[TRIAL_RECORD_BYTES];
};

static int wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n = poll(&p, 1, WAIT_MS);

	return n > 0 ? 0 : n < 0 ? -errno : -ETIMEDOUT;
}

/* All of it through, and out again. */
static int pass_once(void *ctx)
{
	struct pair *pair = ctx;
	size_t n = pair->is_udp ? TRIAL_PACKET_BYTES : TRIAL_RECORD_BYTES;
	size_t sent = 0, got = 0;

	while (got < n) {
		ssize_t out = sent < n ? send(pair->from, pair->bytes + sent, n - sent,
		                              MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
		if (out < 0 && errno != EAGAIN)
			return -errno;
		sent += out > 0 ? (size_t)out : 0;
		ssize_t in = recv(pair->to, pair->bytes, n - got, MSG_DONTWAIT);
		if (in == 0)
			return -ECONNRESET;
		if (in < 0 && errno != EAGAIN)
			return -errno;
		got += in > 0 ? (size_t)in : 0;
		int err = in < 0 ? wait_for(pair->to, POLLIN) : 0;
		if (err < 0)
			return err;
	}
	return 0;
}

static const struct addr loopback = {
	.family = AF_INET, .ip = { 127, 0, 0, 1 },
};

static int join_tcp(struct pair *pair)
{
	struct addr at;
	int listener = sockopt_tcp_listen(&loopback, NULL);
	int err = listener < 0 ? listener : sockopt_local(listener, &at);

	if (err >= 0)
		err = pair->from = sockopt_tcp_open(AF_INET, NULL, NULL);
	if (err >= 0)
		err = sockopt_connect(pair->from, &at);
	if (err >= 0)
		err = wait_for(listener, POLLIN);
	if (err >= 0)
		err = pair->to = sockopt_accept(listener, NULL);
	if (listener >= 0)
		close(listener);
	return err < 0 ? err : 0;
}

static int join_udp(struct pair *pair)
{
	struct addr at;
	int err = pair->to = sockopt_udp_open(&loopback, NULL);

	if (err >= 0)
		err = sockopt_local(pair->to, &at);
	if (err >= 0)
		err = pair->from = sockopt_udp_open(&loopback, NULL);
	if (err >= 0)
		err = sockopt_connect(pair->from, &at);
	return err < 0 ? err : 0;
}

static int socket_ns(bool is_udp, double *ns)
{
	struct pair pair = { .from = -1, .to = -1, .is_udp = is_udp };
	const struct deed deed = { pass_once, &pair, is_udp ? TRIAL_PACKET_BYTES
	                                                    : TRIAL_RECORD_BYTES };
	int err = is_udp ? join_udp(&pair) : join_tcp(&pair);

	if (!err)
		err = cost_of(&deed, ns);
	if (pair.from >= 0)
		close(pair.from);
	if (pair.to >= 0)
		close(pair.to);
	return err;
}

void trial_run(struct trial *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < TRIAL_SUITES; i++) {
		out->record_mb[i] = cipher_mb(suites[i].suite, TRIAL_RECORD_BYTES);
		out->packet_mb[i] = cipher_mb(suites[i].suite, TRIAL_PACKET_BYTES);
	}
	out->tcp_err = socket_ns(false, &out->tcp_ns);
	out->udp_err = socket_ns(true, &out->udp_ns);
}
