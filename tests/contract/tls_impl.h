/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: tls.h as a table, so that one program can hold several libraries and
 * set each against each. meson.build compiles every implementation, and
 * tls_impl.c with it, under names of its own; tls.h is the contract, and
 * nothing is added to it here.
 */
#ifndef TESTS_CONTRACT_TLS_IMPL_H
#define TESTS_CONTRACT_TLS_IMPL_H

#include "agg/transport/tls.h"

struct tls_impl {
	const char *name;
	int (*identity_generate)(const char *dir);
	int (*identity_pin)(const char *dir, struct tls_pin *out);
	struct tls_context *(*context_create)(enum tls_side side,
	                                      const char *dir);
	void (*context_destroy)(struct tls_context *ctx);
	void (*context_offer)(struct tls_context *ctx, const char *name);
	const char *(*library)(void);
	struct tls *(*create)(struct tls_context *ctx, struct buf *in,
	                      struct buf *out);
	void (*destroy)(struct tls *tls);
	void (*expect_pin)(struct tls *tls, const struct tls_pin *pin);
	int (*handshake)(struct tls *tls);
	void (*settle)(struct tls *tls);
	void (*peer_pin)(const struct tls *tls, struct tls_pin *out);
	const char *(*cipher)(const struct tls *tls);
	uint8_t *(*reserve)(struct tls *tls, size_t n);
	void (*commit)(struct tls *tls, size_t n);
	size_t (*begun)(const struct tls *tls);
	int (*flush)(struct tls *tls);
	int (*write)(struct tls *tls, const uint8_t *p, size_t n);
	ssize_t (*open)(struct tls *tls, uint8_t **p);
	void (*taken)(struct tls *tls);
	void (*close)(struct tls *tls);
	const char *(*error)(const struct tls *tls);
};

/* By records of our own, and by the library's. */
extern const struct tls_impl tls_impl_openssl, tls_impl_openssl_records,
                             tls_impl_mbedtls, tls_impl_mbedtls_records;

#endif
