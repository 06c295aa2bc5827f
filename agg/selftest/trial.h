/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what things cost on this machine, tried for a moment: the ciphers, and the
 * kernel's TCP and UDP over the loopback device. Counted is this thread's own
 * processor time, and the best of several tries, so that what else runs here does
 * not matter much. Nobody is talked to, and nothing is changed.
 */
#ifndef AGG_SELFTEST_TRIAL_H
#define AGG_SELFTEST_TRIAL_H

#define TRIAL_RECORD_BYTES 16384u /* a record of TLS at its longest */
#define TRIAL_PACKET_BYTES 1400u  /* a packet of the tunnel, about */

enum trial_suite {
	TRIAL_AES_128,
	TRIAL_AES_256,
	TRIAL_CHACHA20,
	TRIAL_SUITES
};

struct trial {
	/* MB a second, sealed; 0: the crypto library has no such cipher. */
	double record_mb[TRIAL_SUITES], packet_mb[TRIAL_SUITES];
	/* Nanoseconds a byte, sent and received; 0: it could not be tried, why. */
	double tcp_ns, udp_ns;
	int tcp_err, udp_err; /* -errno */
};

const char *trial_suite_name(enum trial_suite suite);
/* About half a second of one core. */
void trial_run(struct trial *out);

#endif
