/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see dns_server.h. As much of RFC 1035 as c-ares needs.
 */
#include "dns_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

#define PACKET_MAX 512
#define HEADER_LEN 12
#define TYPE_A 1
#define TYPE_AAAA 28

struct reply {
	struct dns_server *server;
	struct reply *prev, *next;
	struct loop_timer *timer;
	struct sockaddr_in to;
	size_t n;
	uint8_t packet[PACKET_MAX];
};

struct dns_server {
	struct loop *loop;
	int fd;
	struct loop_io *io;
	const struct dns_row *rows;
	size_t count;
	struct reply *replies; /* that are late */
	unsigned questions;
	char address[ADDR_TEXT_MAX];
};

static void reply_free(struct reply *r)
{
	DL_DELETE(r->server->replies, r);
	loop_timer_destroy(r->timer);
	free(r);
}

static void on_reply_due(void *ctx)
{
	struct reply *r = ctx;
	ssize_t n = sendto(r->server->fd, r->packet, r->n, 0,
	                   (struct sockaddr *)&r->to, sizeof(r->to));

	assert(n == (ssize_t)r->n);
	reply_free(r);
}

/* The question's name as text, and its type. Returns the question's length. */
static size_t read_question(const uint8_t *q, char name[256], uint16_t *type)
{
	size_t at = 0, len = 0;

	while (q[at]) {
		memcpy(name + len, q + at + 1, q[at]);
		len += q[at];
		name[len++] = '.';
		at += 1 + (size_t)q[at];
	}
	name[len ? len - 1 : 0] = 0;
	*type = (uint16_t)(q[at + 1] << 8 | q[at + 2]);
	return at + 5;
}

static const struct dns_row *find_row(const struct dns_server *s,
                                      const char *name, uint16_t type)
{
	sa_family_t family = type == TYPE_AAAA ? AF_INET6 : AF_INET;

	for (size_t i = 0; i < s->count; i++)
		if (s->rows[i].family == family && !strcmp(s->rows[i].name, name))
			return &s->rows[i];
	return NULL;
}

static size_t put_record(uint8_t *p, const char *text)
{
	struct addr a;

	if (addr_parse(&a, text, 0) < 0)
		abort();
	uint8_t len = (uint8_t)addr_ip_len(&a);
	uint8_t head[] = { 0xc0, HEADER_LEN, 0, len == 4 ? TYPE_A : TYPE_AAAA,
	                   0, 1, 0, 0, 0, 60, 0, len };
	memcpy(p, head, sizeof(head));
	memcpy(p + sizeof(head), a.ip, len);
	return sizeof(head) + len;
}

static void answer(struct reply *r, const struct dns_row *row, size_t end)
{
	uint8_t *p = r->packet;
	int rcode = row ? (int)row->rcode : DNS_NXDOMAIN;
	uint8_t count = 0;

	r->n = end;
	for (; row && row->addrs[count]; count++)
		r->n += put_record(p + r->n, row->addrs[count]);
	p[2] = 0x81;
	p[3] = (uint8_t)(0x80 | rcode);
	memset(p + 6, 0, 6);
	p[7] = count;
}

static void on_question(void *ctx, unsigned events)
{
	struct dns_server *s = ctx;
	struct reply *r = calloc(1, sizeof(*r));
	socklen_t len = sizeof(r->to);
	char name[256];
	uint16_t type;

	assert(r);
	ssize_t n = recvfrom(s->fd, r->packet, PACKET_MAX, 0,
	                     (struct sockaddr *)&r->to, &len);
	assert(n > HEADER_LEN);
	s->questions++;
	size_t end = HEADER_LEN + read_question(r->packet + HEADER_LEN, name, &type);
	const struct dns_row *row = find_row(s, name, type);
	if (row && row->rcode == DNS_SILENT) {
		free(r);
		return;
	}
	answer(r, row, end);
	r->server = s;
	r->timer = loop_timer_create(s->loop, on_reply_due, r);
	loop_timer_arm(r->timer, loop_now_us(s->loop) + (row ? row->delay_us : 0));
	DL_APPEND(s->replies, r);
}

struct dns_server *dns_server_create(struct loop *loop,
                                     const struct dns_row *rows, size_t count)
{
	struct dns_server *s = calloc(1, sizeof(*s));
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	struct addr a;

	assert(s);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->loop = loop;
	s->rows = rows;
	s->count = count;
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(s->fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockname(s->fd, (struct sockaddr *)&at, &len) < 0)
		abort();
	addr_from_sockaddr(&a, (struct sockaddr *)&at);
	addr_format(&a, s->address);
	s->io = loop_io_create(loop, s->fd, LOOP_READ, on_question, s);
	return s;
}

void dns_server_destroy(struct dns_server *s)
{
	while (s->replies)
		reply_free(s->replies);
	loop_io_destroy(s->io);
	close(s->fd);
	free(s);
}

const char *dns_server_address(const struct dns_server *s)
{
	return s->address;
}

unsigned dns_server_questions(const struct dns_server *s)
{
	return s->questions;
}

struct resolver *dns_server_resolver(const struct dns_server *s, int timeout_ms)
{
	struct resolver_args args = { .loop = s->loop, .timeout_ms = timeout_ms,
		.tries = 1, .servers = s->address };
	struct resolver *r = resolver_create(&args);

	if (!r)
		abort();
	return r;
}
