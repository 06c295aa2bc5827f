/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: frames to bytes and back. A cursor that remembers whether it ran over
 * its end keeps the decoders straight-line: read all, then ask once.
 */
#include "agg/transport/wire.h"

#include "scheduler/scheduler.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cursor {
	const uint8_t *p;
	size_t left;
	bool short_of; /* something was read past the end */
};

static const uint8_t *take(struct cursor *c, size_t n)
{
	const uint8_t *at = c->p;

	if (n > c->left) {
		c->short_of = true;
		return NULL;
	}
	c->p += n;
	c->left -= n;
	return at;
}

static uint64_t take_uint(struct cursor *c, unsigned bytes)
{
	const uint8_t *at = take(c, bytes);
	uint64_t value = 0;

	for (unsigned i = 0; at && i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

static void take_bytes(struct cursor *c, void *to, size_t n)
{
	const uint8_t *at = take(c, n);

	if (at)
		memcpy(to, at, n);
}

/* A length byte and that many characters; no NUL among them. */
static void take_text(struct cursor *c, char *to, size_t max)
{
	size_t n = take_uint(c, 1);
	const uint8_t *at = n <= max ? take(c, n) : NULL;

	if (!at || memchr(at, 0, n)) {
		c->short_of = true;
		return;
	}
	memcpy(to, at, n);
	to[n] = 0;
}

/* A family byte (0, 4, 6), the address, the port. */
static void take_addr(struct cursor *c, struct addr *to)
{
	switch (take_uint(c, 1)) {
	case 0: to->family = AF_UNSPEC; break;
	case 4: to->family = AF_INET; break;
	case 6: to->family = AF_INET6; break;
	default: c->short_of = true; return;
	}
	take_bytes(c, to->ip, addr_ip_len(to));
	to->port = (uint16_t)take_uint(c, 2);
}

/* A family byte (0, 4, 6), bits, the address, of which no others are set. */
static void take_prefix(struct cursor *c, struct prefix *to)
{
	uint8_t family = (uint8_t)take_uint(c, 1);
	size_t bytes = family == 4 ? 4 : family == 6 ? 16 : 0;

	to->family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
	to->length = (uint8_t)take_uint(c, 1);
	if ((family && !bytes) || to->length > 8 * bytes) {
		c->short_of = true;
		return;
	}
	take_bytes(c, to->ip, bytes);
	for (size_t bit = to->length; bit < 8 * bytes; bit++)
		c->short_of |= to->ip[bit / 8] >> (7 - bit % 8) & 1;
}

static uint8_t *put_uint(uint8_t *p, uint64_t value, unsigned bytes)
{
	for (unsigned i = bytes; i > 0; i--, value >>= 8)
		p[i - 1] = (uint8_t)value;
	return p + bytes;
}

static uint8_t *put_bytes(uint8_t *p, const void *from, size_t n)
{
	memcpy(p, from, n);
	return p + n;
}

static uint8_t *put_text(uint8_t *p, const char *text)
{
	size_t n = strlen(text);

	return put_bytes(put_uint(p, n, 1), text, n);
}

static uint8_t *put_addr(uint8_t *p, const struct addr *a)
{
	unsigned n = addr_ip_len(a);

	p = put_uint(p, n == 16 ? 6 : n, 1);
	return put_uint(put_bytes(p, a->ip, n), a->port, 2);
}

static uint8_t *put_prefix(uint8_t *p, const struct prefix *prefix)
{
	unsigned n = prefix->family == AF_INET ? 4 : prefix->family ? 16 : 0;

	p = put_uint(p, n == 16 ? 6 : n, 1);
	return put_bytes(put_uint(p, prefix->length, 1), prefix->ip, n);
}

uint16_t wire_agree(struct wire_versions own, uint16_t offered)
{
	if (offered < own.oldest)
		return 0;
	return offered < own.newest ? offered : own.newest;
}

#define OFFER WIRE_ALPN "-"

void wire_offer(uint64_t incarnation, char out[WIRE_OFFER_MAX + 1])
{
	snprintf(out, WIRE_OFFER_MAX + 1, OFFER "%08" PRIx32, (uint32_t)incarnation);
}

/* By the bytes of RFC 7301's list, wherever they stand: who puts them elsewhere is
 * heard by another process of ours, as anybody is. */
uint32_t wire_offered(const uint8_t *hello, size_t n)
{
	static const char mark[] = "\x0f" OFFER;
	const uint8_t *at = n ? memmem(hello, n, mark, sizeof(mark) - 1) : NULL;
	char digits[9] = "";

	if (!at || (size_t)(hello + n - at) < sizeof(mark) - 1 + 8)
		return 0;
	memcpy(digits, at + sizeof(mark) - 1, 8);
	return (uint32_t)strtoul(digits, NULL, 16);
}

static const char *decode_hello(struct wire_hello *h, struct cursor *c)
{
	h->version = (uint16_t)take_uint(c, 2);
	take_bytes(c, h->session_id, sizeof(h->session_id));
	h->subflow_id = (uint32_t)take_uint(c, 4);
	h->path = (uint8_t)take_uint(c, 1);
	h->bundle = (uint8_t)take_uint(c, 1);
	h->path_class = (uint8_t)take_uint(c, 1);
	take_text(c, h->name, WIRE_NAME_MAX);
	if (c->left)
		h->incarnation = take_uint(c, 8);
	c->left = 0; /* a later version may say more */
	if (h->path >= WIRE_PATHS_MAX || h->bundle >= WIRE_BUNDLES_MAX ||
	    h->path_class > SCHED_CLASS_BACKUP)
		return "HELLO: path, bundle or class out of range";
	return NULL;
}

static const char *decode_welcome(struct wire_welcome *w, struct cursor *c)
{
	w->version = (uint16_t)take_uint(c, 2);
	w->incarnation = take_uint(c, 8);
	if (c->left)
		take_addr(c, &w->seen);
	c->left = 0;
	return NULL;
}

static const char *decode_close(struct wire_close *close, struct cursor *c)
{
	take_text(c, close->reason, sizeof(close->reason) - 1);
	return NULL;
}

static const char *decode_settings(struct wire_settings *s, struct cursor *c)
{
	s->serial = (uint32_t)take_uint(c, 4);
	s->flags = (uint32_t)take_uint(c, 4);
	s->stream_credit = (uint32_t)take_uint(c, 4);
	s->reserve = (uint16_t)take_uint(c, 2);
	take_text(c, s->wish.scheduler, WIRE_NAME_MAX);
	take_text(c, s->wish.interactive, WIRE_NAME_MAX);
	take_text(c, s->wish.order, WIRE_NAME_MAX);
	take_text(c, s->wish.reinjection, WIRE_NAME_MAX);
	if (c->left) /* an earlier version says no more */
		s->classes = (uint32_t)take_uint(c, 4);
	c->left = 0;
	return NULL;
}

static const char *decode_ack(struct wire_ack *a, struct cursor *c)
{
	a->subflow_id = (uint32_t)take_uint(c, 4);
	a->bytes = take_uint(c, 8);
	return NULL;
}

static const char *decode_open(struct wire_open *o, struct cursor *c)
{
	o->stream = (uint32_t)take_uint(c, 4);
	o->credit = (uint32_t)take_uint(c, 4);
	take_addr(c, &o->dest.addr);
	take_text(c, o->dest.name, DEST_NAME_MAX);
	take_addr(c, &o->client);
	if ((o->dest.addr.family == AF_UNSPEC) == !o->dest.name[0])
		return "OPEN: neither address nor name, or both";
	return NULL;
}

static const char *decode_accept(struct wire_accept *a, struct cursor *c)
{
	a->stream = (uint32_t)take_uint(c, 4);
	take_addr(c, &a->bound);
	return NULL;
}

static const char *decode_data(struct wire_data *d, struct cursor *c, bool fin)
{
	d->stream = (uint32_t)take_uint(c, 4);
	d->offset = take_uint(c, 8);
	d->len = (uint32_t)c->left;
	d->bytes = take(c, c->left);
	if (d->offset > WIRE_OFFSET_MAX)
		return "DATA: offset too large";
	return d->len || fin ? NULL : "DATA: no bytes";
}

static const char *decode_credit(struct wire_credit *cr, struct cursor *c)
{
	cr->stream = (uint32_t)take_uint(c, 4);
	cr->offset_max = take_uint(c, 8);
	return cr->offset_max > WIRE_OFFSET_MAX ? "CREDIT: offset too large" : NULL;
}

static const char *decode_reset(struct wire_reset *r, struct cursor *c)
{
	r->stream = (uint32_t)take_uint(c, 4);
	r->end = (uint8_t)take_uint(c, 1);
	r->offset = take_uint(c, 8);
	if (r->offset > WIRE_OFFSET_MAX)
		return "RESET: offset too large";
	if (r->end == STREAM_END_FINISHED || r->end >= STREAM_END_COUNT)
		r->end = STREAM_END_RESET; /* a later version's reason */
	return NULL;
}

static const char *decode_class(struct wire_class *class, struct cursor *c)
{
	class->stream = (uint32_t)take_uint(c, 4);
	class->class = (uint8_t)take_uint(c, 1);
	return class->class < STREAM_CLASS_COUNT ? NULL : "CLASS: no such class";
}

static const char *decode_invite(struct wire_invite *i, struct cursor *c)
{
	i->version = (uint16_t)take_uint(c, 2);
	take_bytes(c, i->secret, WIRE_SECRET_BYTES);
	c->left = 0; /* a later version may say more */
	return NULL;
}

static const char *decode_redeemed(struct wire_redeemed *r, struct cursor *c)
{
	r->version = (uint16_t)take_uint(c, 2);
	r->result = (uint8_t)take_uint(c, 1);
	r->now_s = take_uint(c, 8);
	take_addr(c, &r->seen);
	take_addr(c, &r->egress4);
	take_addr(c, &r->egress6);
	take_text(c, r->site, WIRE_NAME_MAX);
	take_text(c, r->why, WIRE_WHY_MAX);
	c->left = 0;
	if (r->result >= WIRE_REDEEM_COUNT)
		r->result = WIRE_REDEEM_FAILED; /* a later version's */
	return NULL;
}

static const char *decode_tunnel_key(struct wire_tunnel_key *k, struct cursor *c)
{
	k->epoch = (uint32_t)take_uint(c, 4);
	k->index = (uint32_t)take_uint(c, 4);
	k->suite = (uint8_t)take_uint(c, 1);
	take_bytes(c, k->random, sizeof(k->random));
	c->left = 0; /* a later version may say more */
	return k->epoch ? NULL : "TUNNEL_KEY: no epoch";
}

static void take_traffic(struct cursor *c, struct wire_traffic *t)
{
	t->redundant = (uint8_t)take_uint(c, 1);
	t->realtime_dscps = take_uint(c, 8);
	t->bulk_dscps = take_uint(c, 8);
	t->port_count = (uint8_t)take_uint(c, 1);
	for (unsigned i = 0; i < t->port_count && i < WIRE_TRAFFIC_PORTS_MAX; i++) {
		struct wire_traffic_port *port = &t->port[i];
		port->traffic = (uint8_t)take_uint(c, 1);
		port->protocol = (uint8_t)take_uint(c, 1);
		port->first = (uint16_t)take_uint(c, 2);
		port->last = (uint16_t)take_uint(c, 2);
	}
}

static void take_hosts(struct cursor *c, struct wire_traffic *t)
{
	t->host_count = (uint8_t)take_uint(c, 1);
	for (unsigned i = 0; i < t->host_count && i < WIRE_TRAFFIC_HOSTS_MAX; i++) {
		t->host[i].traffic = (uint8_t)take_uint(c, 1);
		take_prefix(c, &t->host[i].net);
	}
}

static const char *decode_tunnel_net(struct wire_tunnel_net *n, struct cursor *c)
{
	n->flags = (uint8_t)take_uint(c, 1);
	take_addr(c, &n->inner4);
	take_prefix(c, &n->inner6);
	n->lan_count = (uint8_t)take_uint(c, 1);
	if (n->lan_count > WIRE_LAN_PREFIXES_MAX)
		return "TUNNEL_NET: too many prefixes";
	for (unsigned i = 0; i < n->lan_count; i++)
		take_prefix(c, &n->lan[i]);
	if (c->left) /* an earlier version says no more */
		take_traffic(c, &n->traffic);
	if (n->traffic.port_count > WIRE_TRAFFIC_PORTS_MAX)
		return "TUNNEL_NET: too many ports";
	if (c->left) /* likewise, or of none */
		take_hosts(c, &n->traffic);
	if (n->traffic.host_count > WIRE_TRAFFIC_HOSTS_MAX)
		return "TUNNEL_NET: too many hosts";
	c->left = 0; /* a later version may say more */
	return NULL;
}

static const char *decode_limits(struct wire_limits *l, struct cursor *c)
{
	l->paths = (uint16_t)take_uint(c, 2);
	l->credit = (uint16_t)take_uint(c, 2);
	l->cpu = (uint16_t)take_uint(c, 2);
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++)
		l->full[p] = (uint16_t)take_uint(c, 2);
	l->flags = (uint8_t)take_uint(c, 1);
	c->left = 0; /* a later version may say more */
	return NULL;
}

static const char *decode_datagram(struct wire_datagram *d, struct cursor *c)
{
	d->len = (uint32_t)c->left;
	d->bytes = take(c, c->left);
	return d->len && d->len <= WIRE_DATAGRAM_BYTES_MAX ? NULL :
		"DATAGRAM: no bytes, or too many";
}

static const char *decode_payload(struct wire_frame *f, struct cursor *c)
{
	switch ((enum wire_type)f->type) {
	case WIRE_HELLO: return decode_hello(&f->hello, c);
	case WIRE_WELCOME: return decode_welcome(&f->welcome, c);
	case WIRE_CLOSE: return decode_close(&f->close, c);
	case WIRE_SETTINGS: return decode_settings(&f->settings, c);
	case WIRE_PING:
	case WIRE_PONG: f->ping.stamp = take_uint(c, 8); return NULL;
	case WIRE_ACK: return decode_ack(&f->ack, c);
	case WIRE_OPEN: return decode_open(&f->open, c);
	case WIRE_ACCEPT: return decode_accept(&f->accept, c);
	case WIRE_DATA: return decode_data(&f->data, c, false);
	case WIRE_DATA_FIN: return decode_data(&f->data, c, true);
	case WIRE_CREDIT: return decode_credit(&f->credit, c);
	case WIRE_RESET: return decode_reset(&f->reset, c);
	case WIRE_CLASS: return decode_class(&f->class, c);
	case WIRE_INVITE: return decode_invite(&f->invite, c);
	case WIRE_REDEEMED: return decode_redeemed(&f->redeemed, c);
	case WIRE_TUNNEL_KEY: return decode_tunnel_key(&f->tunnel_key, c);
	case WIRE_TUNNEL_NET: return decode_tunnel_net(&f->tunnel_net, c);
	case WIRE_DATAGRAM: return decode_datagram(&f->datagram, c);
	case WIRE_LIMITS: return decode_limits(&f->limits, c);
	}
	if (!(f->type & WIRE_IGNORABLE))
		return "frame of unknown type";
	f->type = 0;
	c->left = 0;
	return NULL;
}

ssize_t wire_decode(struct wire_frame *out, const uint8_t *p, size_t n,
                    const char **why)
{
	if (n < WIRE_HEADER_BYTES)
		return 0;
	size_t len = (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (len > WIRE_PAYLOAD_BYTES_MAX) {
		*why = "frame longer than allowed";
		return -EPROTO;
	}
	if (n < WIRE_HEADER_BYTES + len)
		return 0;

	struct cursor c = { p + WIRE_HEADER_BYTES, len, false };
	out->type = p[0];
	if (p[0] != WIRE_DATA && p[0] != WIRE_DATA_FIN)
		memset((uint8_t *)out + 1, 0, sizeof(*out) - 1);
	*why = decode_payload(out, &c);
	if (!*why && c.short_of)
		*why = "frame shorter than its fields";
	if (!*why && c.left)
		*why = "frame longer than its fields";
	return *why ? -EPROTO : (ssize_t)(WIRE_HEADER_BYTES + len);
}

static uint8_t *encode_tunnel_key(uint8_t *p, const struct wire_tunnel_key *k)
{
	p = put_uint(p, k->epoch, 4);
	p = put_uint(p, k->index, 4);
	p = put_uint(p, k->suite, 1);
	return put_bytes(p, k->random, sizeof(k->random));
}

static uint8_t *put_traffic(uint8_t *p, const struct wire_traffic *t)
{
	p = put_uint(p, t->redundant, 1);
	p = put_uint(p, t->realtime_dscps, 8);
	p = put_uint(p, t->bulk_dscps, 8);
	p = put_uint(p, t->port_count, 1);
	for (unsigned i = 0; i < t->port_count; i++) {
		p = put_uint(p, t->port[i].traffic, 1);
		p = put_uint(p, t->port[i].protocol, 1);
		p = put_uint(p, t->port[i].first, 2);
		p = put_uint(p, t->port[i].last, 2);
	}
	if (t->host_count)
		p = put_uint(p, t->host_count, 1);
	for (unsigned i = 0; i < t->host_count; i++) {
		p = put_uint(p, t->host[i].traffic, 1);
		p = put_prefix(p, &t->host[i].net);
	}
	return p;
}

static uint8_t *encode_tunnel_net(uint8_t *p, const struct wire_tunnel_net *n)
{
	p = put_uint(p, n->flags, 1);
	p = put_addr(p, &n->inner4);
	p = put_prefix(p, &n->inner6);
	p = put_uint(p, n->lan_count, 1);
	for (unsigned i = 0; i < n->lan_count; i++)
		p = put_prefix(p, &n->lan[i]);
	return put_traffic(p, &n->traffic);
}

static uint8_t *encode_redeemed(uint8_t *p, const struct wire_redeemed *r)
{
	p = put_uint(p, r->version, 2);
	p = put_uint(p, r->result, 1);
	p = put_uint(p, r->now_s, 8);
	p = put_addr(p, &r->seen);
	p = put_addr(p, &r->egress4);
	p = put_addr(p, &r->egress6);
	return put_text(put_text(p, r->site), r->why);
}

static uint8_t *encode_payload(uint8_t *p, const struct wire_frame *f)
{
	switch ((enum wire_type)f->type) {
	case WIRE_HELLO:
		p = put_uint(p, f->hello.version, 2);
		p = put_bytes(p, f->hello.session_id, WIRE_SESSION_ID_BYTES);
		p = put_uint(p, f->hello.subflow_id, 4);
		p = put_uint(p, f->hello.path, 1);
		p = put_uint(p, f->hello.bundle, 1);
		p = put_uint(p, f->hello.path_class, 1);
		p = put_text(p, f->hello.name);
		return put_uint(p, f->hello.incarnation, 8);
	case WIRE_WELCOME:
		p = put_uint(p, f->welcome.version, 2);
		p = put_uint(p, f->welcome.incarnation, 8);
		return put_addr(p, &f->welcome.seen);
	case WIRE_CLOSE:
		return put_text(p, f->close.reason);
	case WIRE_SETTINGS:
		p = put_uint(p, f->settings.serial, 4);
		p = put_uint(p, f->settings.flags, 4);
		p = put_uint(p, f->settings.stream_credit, 4);
		p = put_uint(p, f->settings.reserve, 2);
		p = put_text(p, f->settings.wish.scheduler);
		p = put_text(p, f->settings.wish.interactive);
		p = put_text(p, f->settings.wish.order);
		p = put_text(p, f->settings.wish.reinjection);
		return put_uint(p, f->settings.classes, 4);
	case WIRE_PING:
	case WIRE_PONG:
		return put_uint(p, f->ping.stamp, 8);
	case WIRE_ACK:
		p = put_uint(p, f->ack.subflow_id, 4);
		return put_uint(p, f->ack.bytes, 8);
	case WIRE_OPEN:
		p = put_uint(p, f->open.stream, 4);
		p = put_uint(p, f->open.credit, 4);
		p = put_addr(p, &f->open.dest.addr);
		p = put_text(p, f->open.dest.name);
		return put_addr(p, &f->open.client);
	case WIRE_ACCEPT:
		p = put_uint(p, f->accept.stream, 4);
		return put_addr(p, &f->accept.bound);
	case WIRE_CREDIT:
		p = put_uint(p, f->credit.stream, 4);
		return put_uint(p, f->credit.offset_max, 8);
	case WIRE_RESET:
		p = put_uint(p, f->reset.stream, 4);
		p = put_uint(p, f->reset.end, 1);
		return put_uint(p, f->reset.offset, 8);
	case WIRE_CLASS:
		p = put_uint(p, f->class.stream, 4);
		return put_uint(p, f->class.class, 1);
	case WIRE_TUNNEL_KEY:
		return encode_tunnel_key(p, &f->tunnel_key);
	case WIRE_TUNNEL_NET:
		return encode_tunnel_net(p, &f->tunnel_net);
	case WIRE_LIMITS:
		p = put_uint(p, f->limits.paths, 2);
		p = put_uint(p, f->limits.credit, 2);
		p = put_uint(p, f->limits.cpu, 2);
		for (unsigned i = 0; i < WIRE_PATHS_MAX; i++)
			p = put_uint(p, f->limits.full[i], 2);
		return put_uint(p, f->limits.flags, 1);
	case WIRE_INVITE:
		p = put_uint(p, f->invite.version, 2);
		return put_bytes(p, f->invite.secret, WIRE_SECRET_BYTES);
	case WIRE_REDEEMED:
		return encode_redeemed(p, &f->redeemed);
	case WIRE_DATA:
	case WIRE_DATA_FIN:
	case WIRE_DATAGRAM:
		break; /* by their own functions */
	}
	assert(!"a frame that wire_encode does not write");
	return p;
}

size_t wire_encode(uint8_t *p, const struct wire_frame *frame)
{
	uint8_t *end = encode_payload(p + WIRE_HEADER_BYTES, frame);
	size_t len = (size_t)(end - p) - WIRE_HEADER_BYTES;

	p[0] = frame->type;
	put_uint(p + 1, len, 3);
	return WIRE_HEADER_BYTES + len;
}

void wire_encode_datagram_header(uint8_t p[WIRE_HEADER_BYTES], uint32_t len)
{
	p[0] = WIRE_DATAGRAM;
	put_uint(p + 1, len, 3);
}

void wire_encode_pad(uint8_t *p, size_t n)
{
	memset(p, 0, n);
	p[0] = WIRE_PAD;
	put_uint(p + 1, n - WIRE_HEADER_BYTES, 3);
}

void wire_encode_data_header(uint8_t p[WIRE_DATA_HEADER_BYTES], bool fin,
                             uint32_t stream, uint64_t offset, uint32_t len)
{
	p[0] = fin ? WIRE_DATA_FIN : WIRE_DATA;
	p = put_uint(p + 1, WIRE_DATA_HEADER_BYTES - WIRE_HEADER_BYTES + len, 3);
	put_uint(put_uint(p, stream, 4), offset, 8);
}

/* Two at `most`, 30 at a sixteenth, 224 at a 256th, and all others with the
 * least cost four times `most`, and a little. */
uint64_t wire_first_credit(uint64_t most, unsigned streams)
{
	uint64_t credit = streams < 2 ? most : streams < 32 ? most / 16 :
		streams < 256 ? most / 256 : 0;

	return credit > WIRE_CREDIT_LEAST ? credit : WIRE_CREDIT_LEAST;
}
