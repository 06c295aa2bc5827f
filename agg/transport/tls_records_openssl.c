/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the records of a connection whose secrets are not to be had, or that leaves
 * them to OpenSSL: by SSL_read() and SSL_write(), with the copies that they take.
 *
 * SSL_read() is called only when a whole record is in the queue: a record on its
 * way needs no buffer besides the queue, and an idle connection none.
 */
#include "agg/transport/tls_openssl.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>

#define RECORD_BODY_MAX (TLS_RECORD_PAYLOAD_MAX + 256) /* RFC 8446, 5.2 */
#define RECORDS_PER_KEY SEAL_RECORDS_PER_KEY
#define KEY_UPDATE_ROOM 64 /* a KeyUpdate's record, sealed */

void tls_records_init(struct tls *tls)
{
	buf_init(&tls->plain, TLS_RECORD_PAYLOAD_MAX);
	buf_init(&tls->opened, SIZE_MAX / 4); /* as long as `in` is */
}

void tls_records_finish(struct tls *tls)
{
	buf_finish(&tls->plain);
	buf_finish(&tls->opened);
}

size_t tls_records_room(const struct tls *tls, size_t n)
{
	size_t records = (n + TLS_RECORD_PAYLOAD_MAX - 1) / TLS_RECORD_PAYLOAD_MAX;
	bool update = tls->records_sealed > RECORDS_PER_KEY ||
	              SSL_get_key_update_type(tls->ssl) != SSL_KEY_UPDATE_NONE;

	return n + records * TLS_RECORD_OVERHEAD + (update ? KEY_UPDATE_ROOM : 0);
}

uint8_t *tls_records_reserve(struct tls *tls, size_t n)
{
	if (n > buf_space(&tls->plain) && tls_records_flush(tls) < 0)
		return NULL;
	if (!tls->plain.len &&
	    !buf_reserve(tls->out, tls_records_room(tls, TLS_RECORD_PAYLOAD_MAX)))
		return NULL;
	return buf_reserve(&tls->plain, n);
}

int tls_records_flush(struct tls *tls)
{
	size_t sealed, n = tls->plain.len;

	if (!n)
		return 0;
	if (tls->records_sealed > RECORDS_PER_KEY &&
	    SSL_key_update(tls->ssl, SSL_KEY_UPDATE_NOT_REQUESTED))
		tls->records_sealed = 0;
	tls->records_sealed++;
	int rc = SSL_write_ex(tls->ssl, buf_head(&tls->plain), n, &sealed);
	buf_take(&tls->plain, n);
	if (rc == 1)
		return 0;
	if (!tls_openssl_outcome(tls, rc)) /* the room was there: no */
		tls_openssl_blame(tls, "cannot write now");
	return -EPROTO;
}

/* With no part of a record inside OpenSSL: is the next one whole? One that
 * is too long is left to OpenSSL to refuse. */
static bool record_is_whole(const struct buf *in)
{
	if (in->len < SEAL_HEADER_BYTES)
		return false;
	const uint8_t *header = buf_head(in);
	size_t body = (size_t)header[3] << 8 | header[4];
	return body > RECORD_BODY_MAX || in->len >= SEAL_HEADER_BYTES + body;
}

/* Of what was opened the bytes may not move: so room for all that can be, once. */
static uint8_t *room_to_open(struct tls *tls)
{
	struct buf *opened = &tls->opened;

	if (opened->len)
		return buf_reserve(opened, TLS_RECORD_PAYLOAD_MAX);
	return buf_reserve(opened, tls->in->len + 2 * RECORD_BODY_MAX);
}

ssize_t tls_records_open(struct tls *tls, uint8_t **p)
{
	size_t n;

	if (!tls->starved && !SSL_has_pending(tls->ssl) &&
	    !record_is_whole(tls->in))
		return 0;
	*p = room_to_open(tls);
	if (!*p) {
		tls_openssl_blame(tls, "no memory to open a record");
		return -EPROTO;
	}
	int rc = SSL_read_ex(tls->ssl, *p, TLS_RECORD_PAYLOAD_MAX, &n);
	tls->starved = rc != 1;
	if (rc != 1)
		return tls_openssl_outcome(tls, rc);
	buf_added(&tls->opened, n);
	return (ssize_t)n;
}
