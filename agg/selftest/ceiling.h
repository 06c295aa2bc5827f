/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how fast one core can be, of what a byte costs it. Pure arithmetic.
 *
 * A gateway's byte is received by one socket, opened or sealed once, and sent by
 * another; a packet of the tunnel is read from the device, sealed, and sent. Over
 * the loopback device a byte is sent and received, too, and what that needs more
 * than a network card is about what the daemon itself does: on the machine of the
 * README's figures the sum is 0.77 ns a byte, where ./dev bench cpu has 0.70 to 0.77
 * of an end.
 */
#ifndef AGG_SELFTEST_CEILING_H
#define AGG_SELFTEST_CEILING_H

/* Nanoseconds a byte, of a core's time. */
struct ceiling_cost {
	double cipher_ns; /* sealed or opened once */
	double system_ns; /* in by one socket and out by another */
};

/* Nanoseconds a byte at so many MB (10^6) a second; 0: it was not measured. */
double ceiling_ns_of_rate(double mb_per_s);
/* MB a second, of so many bytes in so many nanoseconds; 0 of no time. */
double ceiling_rate(double bytes, double ns);
/* Mbit a second of one core. 0: a part is not known (0 or less). */
double ceiling_mbit(const struct ceiling_cost *cost);
/* The part of the cipher in the whole, 0 to 1; 0 where nothing is known. */
double ceiling_cipher_part(const struct ceiling_cost *cost);

#endif
