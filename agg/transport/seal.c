/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: records of TLS 1.3, sealed and opened in place (RFC 8446, 5.1 to 5.5; keys:
 * 7.1 to 7.3). A record, as it stands in a queue:
 *
 *     23 3 3 length(2) | payload | type | (zeros) | tag(16)
 *                        `----- sealed -----'
 *
 * `length` is of what follows it. Type is what the payload is: the outer one says
 * 23, application data, for all.
 */
#include "agg/transport/seal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_BYTES_MAX AEAD_HASH_BYTES_MAX
#define BODY_MIN (1 + AEAD_TAG_BYTES)
#define BODY_MAX (SEAL_PAYLOAD_MAX + 256) /* 5.2 */
#define LABEL_MAX 32 /* of ours; 7.1 allows 249 */
#define LABEL_PREFIX "tls13 "
#define HKDF_LABEL_MAX (2 + 1 + sizeof(LABEL_PREFIX) - 1 + LABEL_MAX + 1)

/* ContentType (B.1), HandshakeType (B.3). */
#define CONTENT_ALERT 21
#define CONTENT_HANDSHAKE 22
#define CONTENT_DATA 23
#define KEY_UPDATE 24
#define MESSAGE_BYTES 5 /* type, length (3), update_requested */

/* AlertDescription (B.2), AlertLevel. */
#define ALERT_FATAL 2
#define ALERT_WARNING 1
#define CLOSE_NOTIFY 0
#define UNEXPECTED_MESSAGE 10
#define BAD_RECORD_MAC 20
#define RECORD_OVERFLOW 22
#define ILLEGAL_PARAMETER 47
#define DECODE_ERROR 50
#define PROTOCOL_VERSION 70
#define INTERNAL_ERROR 80

struct direction {
	enum aead_suite suite;
	struct aead *aead;
	uint8_t secret[SECRET_BYTES_MAX];
	uint8_t iv[AEAD_NONCE_BYTES];
	uint64_t sequence; /* of the next record */
};

struct seal {
	struct direction send, receive;
	struct buf *in, *out; /* borrowed */
	uint64_t records_per_key;
	size_t begun;       /* of the open record in `out`; 0: there is none */
	size_t opened;      /* of `in`, not taken yet */
	unsigned empty;     /* records without data in a row */
	bool update_wanted; /* the peer asked for one of ours */
	bool closed;        /* we said close_notify */
	int over;           /* 0; -EPIPE: nothing follows; -EPROTO: broken */
	const char *error;
};

/* Keys. */

size_t seal_key_bytes(enum aead_suite suite)
{
	switch (suite) {
	case AEAD_AES_128_GCM_SHA256:
		return 16;
	case AEAD_AES_256_GCM_SHA384:
	case AEAD_CHACHA20_POLY1305_SHA256:
		break;
	}
	return 32;
}

size_t seal_hash_bytes(enum aead_suite suite)
{
	switch (suite) {
	case AEAD_AES_256_GCM_SHA384:
		return 48;
	case AEAD_AES_128_GCM_SHA256:
	case AEAD_CHACHA20_POLY1305_SHA256:
		break;
	}
	return 32;
}

/* The struct HkdfLabel of 7.1, and the counter that HKDF-Expand (RFC 5869, 2.3)
 * puts behind it for its first block; bytes. */
static size_t label_encode(uint8_t *to, const char *label, size_t n)
{
	static const char prefix[] = LABEL_PREFIX;
	size_t len = strlen(label), at = 3;

	assert(len <= LABEL_MAX);
	to[0] = 0;
	to[1] = (uint8_t)n;
	to[2] = (uint8_t)(sizeof(prefix) - 1 + len);
	memcpy(to + at, prefix, sizeof(prefix) - 1);
	at += sizeof(prefix) - 1;
	memcpy(to + at, label, len);
	at += len;
	to[at++] = 0; /* no context */
	to[at++] = 1;
	return at;
}

/* One block of HKDF-Expand is enough for all that we derive. */
int seal_expand(enum aead_suite suite, const uint8_t *secret, const char *label,
                uint8_t *out, size_t n)
{
	uint8_t info[HKDF_LABEL_MAX + 1], block[AEAD_HASH_BYTES_MAX];
	size_t hash = seal_hash_bytes(suite);

	assert(n <= hash);
	int err = aead_hmac(suite, secret, hash, info,
	                    label_encode(info, label, n), block);
	if (!err)
		memcpy(out, block, n);
	explicit_bzero(block, sizeof(block));
	return err;
}

/* The key and iv of the secret (7.3). */
static int direction_set_key(struct direction *d)
{
	uint8_t key[AEAD_KEY_BYTES_MAX];
	int err = seal_expand(d->suite, d->secret, "key", key,
	                      seal_key_bytes(d->suite));

	if (!err)
		err = seal_expand(d->suite, d->secret, "iv", d->iv, sizeof(d->iv));
	if (!err)
		err = aead_set_key(d->aead, key);
	explicit_bzero(key, sizeof(key));
	return err;
}

/* 7.2: application_traffic_secret_N+1. */
static int direction_update(struct direction *d)
{
	uint8_t next[SECRET_BYTES_MAX];
	int err = seal_expand(d->suite, d->secret, "traffic upd", next,
	                      seal_hash_bytes(d->suite));

	if (!err)
		memcpy(d->secret, next, seal_hash_bytes(d->suite));
	explicit_bzero(next, sizeof(next));
	if (!err)
		err = direction_set_key(d);
	if (!err) /* with the key of before no number may come again */
		d->sequence = 0;
	return err;
}

static int direction_init(struct direction *d, enum aead_suite suite,
                          enum aead_use use, const uint8_t *secret)
{
	d->suite = suite;
	memcpy(d->secret, secret, seal_hash_bytes(suite));
	d->aead = aead_create(suite, use);
	return d->aead ? direction_set_key(d) : -ENOMEM;
}

/* The record's text: its nonce is iv xor sequence number (5.3), its header what
 * is proved with it. n: what is sealed, without the tag. */
static struct aead_text direction_text(struct direction *d, uint8_t *record,
                                       size_t n)
{
	struct aead_text text = { .ad = record, .ad_len = SEAL_HEADER_BYTES,
	                          .p = record + SEAL_HEADER_BYTES, .n = n };

	memcpy(text.nonce, d->iv, sizeof(text.nonce));
	for (unsigned i = 0; i < 8; i++)
		text.nonce[AEAD_NONCE_BYTES - 1 - i] ^=
			(uint8_t)(d->sequence >> 8 * i);
	return text;
}

struct seal *seal_create(const struct seal_args *args)
{
	struct seal *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->in = args->in;
	s->out = args->out;
	s->records_per_key = args->records_per_key ? args->records_per_key
	                                           : SEAL_RECORDS_PER_KEY;
	s->send.sequence = args->send_sequence;
	s->receive.sequence = args->receive_sequence;
	s->error = "";
	int err = direction_init(&s->send, args->suite, AEAD_SEAL,
	                         args->send_secret);
	if (!err)
		err = direction_init(&s->receive, args->suite, AEAD_OPEN,
		                     args->receive_secret);
	if (!err)
		return s;
	seal_destroy(s);
	errno = -err;
	return NULL;
}

void seal_destroy(struct seal *s)
{
	if (!s)
		return;
	aead_destroy(s->send.aead);
	aead_destroy(s->receive.aead);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

const char *seal_error(const struct seal *s)
{
	return s->error;
}

/* The first reason is the cause. */
static int end(struct seal *s, int over, const char *error)
{
	if (!s->over) {
		s->over = over;
		s->error = error;
	}
	return s->over;
}

/* Sending. */

static uint8_t *record_at_hand(const struct seal *s)
{
	return s->out->data + s->out->off + s->out->len;
}

/* Nothing is sealed from then on, not by who has heard all of the peer either. */
static int key_failed(struct seal *s)
{
	s->over = 0;
	return end(s, -EPROTO, "the crypto library failed");
}

/* Seals what stands behind the queue's bytes, n of payload, as that type. */
static int seal_record(struct seal *s, uint8_t type, size_t n)
{
	uint8_t *record = record_at_hand(s);
	size_t body = n + 1 + AEAD_TAG_BYTES;

	assert(n <= SEAL_PAYLOAD_MAX && s->send.sequence < UINT64_MAX);
	record[0] = CONTENT_DATA;
	record[1] = record[2] = 3;
	record[3] = (uint8_t)(body >> 8);
	record[4] = (uint8_t)body;
	record[SEAL_HEADER_BYTES + n] = type;
	struct aead_text text = direction_text(&s->send, record, n + 1);
	if (aead_seal(s->send.aead, &text) < 0)
		return key_failed(s);
	s->send.sequence++;
	buf_added(s->out, SEAL_HEADER_BYTES + body);
	return 0;
}

/* A record by itself; the room for it is there. */
static int say(struct seal *s, uint8_t type, const void *p, size_t n)
{
	memcpy(record_at_hand(s) + SEAL_HEADER_BYTES, p, n);
	return seal_record(s, type, n);
}

static bool update_is_due(const struct seal *s)
{
	return s->update_wanted || s->send.sequence >= s->records_per_key;
}

static int say_update(struct seal *s)
{
	static const uint8_t message[MESSAGE_BYTES] = { KEY_UPDATE, 0, 0, 1, 0 };

	if (say(s, CONTENT_HANDSHAKE, message, sizeof(message)) < 0)
		return s->over;
	s->update_wanted = false;
	return direction_update(&s->send) < 0 ? key_failed(s) : 0;
}

size_t seal_room(const struct seal *s, size_t n)
{
	size_t records = (n + SEAL_PAYLOAD_MAX - 1) / SEAL_PAYLOAD_MAX;

	return n + records * SEAL_OVERHEAD +
	       (update_is_due(s) ? SEAL_UPDATE_BYTES : 0);
}

/* With room for a whole record behind `out`, so that it does not move. */
static bool begin(struct seal *s)
{
	return buf_reserve(s->out, seal_room(s, SEAL_PAYLOAD_MAX)) &&
	       (!update_is_due(s) || say_update(s) == 0);
}

uint8_t *seal_reserve(struct seal *s, size_t n)
{
	if (s->over == -EPROTO || s->closed || n > SEAL_PAYLOAD_MAX)
		return NULL;
	if (n > SEAL_PAYLOAD_MAX - s->begun && seal_flush(s) < 0)
		return NULL;
	if (!s->begun && !begin(s))
		return NULL;
	return record_at_hand(s) + SEAL_HEADER_BYTES + s->begun;
}

void seal_commit(struct seal *s, size_t n)
{
	assert(n <= SEAL_PAYLOAD_MAX - s->begun);
	s->begun += n;
}

size_t seal_begun(const struct seal *s)
{
	return s->begun;
}

int seal_flush(struct seal *s)
{
	size_t n = s->begun;

	s->begun = 0;
	if (s->over == -EPROTO)
		return s->over;
	return n ? seal_record(s, CONTENT_DATA, n) : 0;
}

static void say_alert(struct seal *s, uint8_t level, uint8_t description)
{
	uint8_t alert[] = { level, description };

	if (!s->closed && buf_reserve(s->out, SEAL_ALERT_BYTES))
		(void)say(s, CONTENT_ALERT, alert, sizeof(alert));
	s->closed = true;
}

void seal_close(struct seal *s)
{
	if (seal_flush(s) == 0 && s->over != -EPROTO)
		say_alert(s, ALERT_WARNING, CLOSE_NOTIFY);
}

/* Receiving. */

static int refuse(struct seal *s, uint8_t description, const char *error)
{
	if (seal_flush(s) == 0)
		say_alert(s, ALERT_FATAL, description);
	return end(s, -EPROTO, error);
}

static const struct alert_name {
	uint8_t description;
	const char *text;
} alert_names[] = {
	{ UNEXPECTED_MESSAGE, "the peer's alert: unexpected_message" },
	{ BAD_RECORD_MAC, "the peer's alert: bad_record_mac" },
	{ RECORD_OVERFLOW, "the peer's alert: record_overflow" },
	{ 40, "the peer's alert: handshake_failure" },
	{ 42, "the peer rejects our certificate" },
	{ 43, "the peer's alert: unsupported_certificate" },
	{ 44, "the peer's alert: certificate_revoked" },
	{ 45, "the peer's alert: certificate_expired" },
	{ 46, "the peer's alert: certificate_unknown" },
	{ ILLEGAL_PARAMETER, "the peer's alert: illegal_parameter" },
	{ 48, "the peer's alert: unknown_ca" },
	{ 49, "the peer's alert: access_denied" },
	{ DECODE_ERROR, "the peer's alert: decode_error" },
	{ 51, "the peer's alert: decrypt_error" },
	{ PROTOCOL_VERSION, "the peer's alert: protocol_version" },
	{ 71, "the peer's alert: insufficient_security" },
	{ INTERNAL_ERROR, "the peer's alert: internal_error" },
	{ 86, "the peer's alert: inappropriate_fallback" },
	{ 90, "the peer's alert: user_canceled" },
	{ 109, "the peer's alert: missing_extension" },
	{ 110, "the peer's alert: unsupported_extension" },
	{ 112, "the peer's alert: unrecognized_name" },
	{ 113, "the peer's alert: bad_certificate_status_response" },
	{ 115, "the peer's alert: unknown_psk_identity" },
	{ 116, "the peer's alert: certificate_required" },
	{ 120, "the peer's alert: no_application_protocol" },
};

static const char *alert_text(uint8_t description)
{
	for (size_t i = 0; i < sizeof(alert_names) / sizeof(alert_names[0]); i++)
		if (alert_names[i].description == description)
			return alert_names[i].text;
	return "the peer's alert: of no known name";
}

/* Any but close_notify is fatal, whatever its level says (6). */
static int on_alert(struct seal *s, const uint8_t *p, size_t n)
{
	if (n != 2)
		return refuse(s, DECODE_ERROR, "an alert of a wrong length");
	if (p[1] == CLOSE_NOTIFY)
		return end(s, -EPIPE, "the peer closed");
	return end(s, -EPROTO, alert_text(p[1]));
}

static int on_message(struct seal *s, const uint8_t *p, size_t n)
{
	static const uint8_t head[] = { KEY_UPDATE, 0, 0, 1 };

	if (n != MESSAGE_BYTES || memcmp(p, head, sizeof(head)))
		return refuse(s, UNEXPECTED_MESSAGE,
		              "a handshake message after the handshake");
	if (p[4] > 1)
		return refuse(s, ILLEGAL_PARAMETER,
		              "a KeyUpdate with an unknown request");
	s->update_wanted |= p[4] == 1; /* before our next record of data */
	return direction_update(&s->receive) < 0 ? key_failed(s) : 0;
}

/* Of the record that begins there. True: all of it is there, *body bytes behind
 * its header. What is wrong with it is seen as soon as the header is there. */
static bool record_is_whole(struct seal *s, size_t *body)
{
	size_t there = s->in->len - s->opened;

	if (there < SEAL_HEADER_BYTES)
		return false;
	const uint8_t *header = buf_head(s->in) + s->opened;
	*body = (size_t)header[3] << 8 | header[4];
	if (header[0] != CONTENT_DATA)
		refuse(s, UNEXPECTED_MESSAGE, "a record of a wrong type");
	else if (header[1] != 3 || header[2] != 3)
		refuse(s, PROTOCOL_VERSION, "a record of a wrong version");
	else if (*body > BODY_MAX)
		refuse(s, RECORD_OVERFLOW, "a record too long");
	else if (*body < BODY_MIN)
		refuse(s, DECODE_ERROR, "a record too short");
	else
		return there >= SEAL_HEADER_BYTES + *body;
	return false;
}

/* What was in a record: n bytes of that type; 0: of none. */
struct content {
	uint8_t type;
	uint8_t *p;
	size_t n;
};

/* Behind the type there may be zeros (5.4). */
static struct content content_of(uint8_t *p, size_t n)
{
	while (n && !p[n - 1])
		n--;
	if (!n)
		return (struct content){ 0, p, 0 };
	return (struct content){ p[n - 1], p, n - 1 };
}

/* Opens a whole record. 0, or all is over. */
static int open_record(struct seal *s, size_t body, struct content *content)
{
	struct aead_text text = direction_text(&s->receive,
	                                       buf_head(s->in) + s->opened,
	                                       body - AEAD_TAG_BYTES);

	if (s->receive.sequence == UINT64_MAX) /* 5.3: it must not wrap */
		return refuse(s, UNEXPECTED_MESSAGE, "too many records of one key");
	if (aead_open(s->receive.aead, &text) < 0)
		return refuse(s, BAD_RECORD_MAC, "a forged record");
	s->receive.sequence++;
	s->opened += SEAL_HEADER_BYTES + body;
	if (text.n > SEAL_PAYLOAD_MAX + 1) /* 5.4: zeros count */
		return refuse(s, RECORD_OVERFLOW, "a record with too much in it");
	*content = content_of(text.p, text.n);
	return 0;
}

/* Bytes of data, 0 for none, or all is over. */
static ssize_t on_record(struct seal *s, const struct content *content)
{
	if (content->type == CONTENT_DATA && content->n) {
		s->empty = 0;
		return (ssize_t)content->n;
	}
	if (content->type == CONTENT_ALERT)
		return on_alert(s, content->p, content->n);
	if (++s->empty > SEAL_EMPTY_MAX)
		return refuse(s, UNEXPECTED_MESSAGE, "too many records of nothing");
	if (content->type == CONTENT_HANDSHAKE)
		return on_message(s, content->p, content->n);
	if (content->type == CONTENT_DATA)
		return 0;
	return refuse(s, UNEXPECTED_MESSAGE, "a record of unknown content");
}

ssize_t seal_open(struct seal *s, uint8_t **p)
{
	struct content content = { 0 };
	size_t body = 0;

	while (!s->over && record_is_whole(s, &body)) {
		if (open_record(s, body, &content) < 0)
			break;
		ssize_t n = on_record(s, &content);
		*p = content.p;
		if (n > 0)
			return n;
	}
	return s->over;
}

void seal_taken(struct seal *s)
{
	buf_take(s->in, s->opened);
	s->opened = 0;
}
