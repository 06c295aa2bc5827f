/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: c-ares behind resolve.h; no other file but resolve_cache.h names it. A channel is c-ares'
 * word for servers, sockets and what was asked; a reload opens a new one, and
 * the old one is closed when its last query was answered.
 *
 * c-ares cannot take one query back, so a cancelled one lives on without its
 * owner until c-ares has answered it; it counts until then. What c-ares can
 * answer at once (/etc/hosts) is told in the next turn.
 */
#include "proxy/resolve.h"

#include "agg/base/log.h"
#include "agg/kernel/sockopt.h"
#include "proxy/resolve_cache.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <utlist.h>

#define CONF "/etc/resolv.conf"

struct watch {
	struct channel *channel; /* borrowed */
	int fd;
	struct loop_io *io;
	struct watch *next;      /* channel.watches */
};

struct channel {
	struct resolver *resolver; /* borrowed */
	ares_channel ares;
	struct watch *watches;
	struct loop_timer *timer;  /* c-ares' next timeout */
	unsigned queries;
	struct channel *next;      /* resolver.channels */
};

struct answer {
	struct resolve *query;     /* borrowed */
	sa_family_t family;
	int err;
	unsigned n;
	struct addr addrs[RESOLVE_ADDRESSES_MAX];
	struct answer *next;       /* resolver.ready */
};

struct resolve {
	struct channel *channel;   /* borrowed */
	struct share *share;       /* borrowed */
	resolve_fn *on_answer;     /* NULL: cancelled */
	void *ctx;
	bool starting;             /* inside resolve_start */
	unsigned unanswered;       /* families */
	struct answer answers[2];
};

struct resolver {
	struct loop *loop;         /* borrowed */
	char device[IFNAMSIZ];     /* "": any */
	char *servers;             /* NULL: the system's */
	char *conf;                /* the file that names them */
	uint16_t port;
	struct stat conf_stat;     /* as it was read; all 0: it was not there */
	uint64_t looked_us;
	unsigned unanswered;       /* families of names, in a row */
	int timeout_ms, tries;
	struct channel *channels;  /* the first is in use */
	unsigned queries;
	bool closing;              /* nobody is told any more */
	struct answer *ready;      /* to be told in the next turn */
	struct loop_timer *turn;   /* tells them, closes old channels */
};

static void arm_timeout(struct channel *ch)
{
	struct timeval left, *t = ares_timeout(ch->ares, NULL, &left);

	if (!t) {
		loop_timer_disarm(ch->timer);
		return;
	}
	uint64_t now_us = loop_now_us(ch->resolver->loop);
	loop_timer_arm(ch->timer, now_us + (uint64_t)t->tv_sec * 1000000 +
	                          (uint64_t)t->tv_usec);
}

static void on_timeout(void *ctx)
{
	struct channel *ch = ctx;

	ares_process_fd(ch->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm_timeout(ch);
}

static void on_socket(void *ctx, unsigned events)
{
	struct watch *w = ctx;
	struct channel *ch = w->channel;
	int fd = w->fd;

	ares_process_fd(ch->ares, events & LOOP_READ ? fd : ARES_SOCKET_BAD,
	                events & LOOP_WRITE ? fd : ARES_SOCKET_BAD);
	arm_timeout(ch);
}

static void unwatch(struct watch *w)
{
	LL_DELETE(w->channel->watches, w);
	loop_io_destroy(w->io);
	free(w);
}

static void watch(struct channel *ch, int fd, unsigned events)
{
	struct watch *w = calloc(1, sizeof(*w));
	if (!w)
		return; /* c-ares times out on that server */
	w->channel = ch;
	w->fd = fd;
	w->io = loop_io_create(ch->resolver->loop, fd, events, on_socket, w);
	if (w->io)
		LL_PREPEND(ch->watches, w);
	else
		free(w);
}

/* c-ares tells what it wants to know of a socket; nothing, before closing. */
static void on_socket_state(void *ctx, ares_socket_t fd, int readable,
                            int writable)
{
	struct channel *ch = ctx;
	unsigned events = (readable ? LOOP_READ : 0u) |
	                  (writable ? LOOP_WRITE : 0u);
	struct watch *w;

	LL_SEARCH_SCALAR(ch->watches, w, fd, fd);
	if (w && !events)
		unwatch(w);
	else if (w)
		loop_io_want(w->io, events);
	else if (events)
		watch(ch, fd, events);
}

/* c-ares' sockets, where they shall leave by a device: which server one is for
 * is known only when it connects. */

static ares_socket_t on_open(int family, int type, int protocol, void *ctx)
{
	return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int on_close(ares_socket_t fd, void *ctx)
{
	return close(fd);
}

static int on_connect(ares_socket_t fd, const struct sockaddr *sa,
                      ares_socklen_t len, void *ctx)
{
	const struct channel *ch = ctx;
	struct addr to;

	if (addr_from_sockaddr(&to, sa) && !sockopt_is_local(&to)) {
		int err = sockopt_bind_device(fd, ch->resolver->device);
		if (err) {
			errno = -err;
			return -1;
		}
	}
	return connect(fd, sa, len);
}

static ares_ssize_t on_receive(ares_socket_t fd, void *p, size_t n, int flags,
                               struct sockaddr *from, ares_socklen_t *from_len,
                               void *ctx)
{
	return recvfrom(fd, p, n, flags, from, from_len);
}

static ares_ssize_t on_send(ares_socket_t fd, const struct iovec *parts,
                            int count, void *ctx)
{
	return writev(fd, parts, count);
}

static const struct ares_socket_functions device_sockets = {
	.asocket = on_open, .aclose = on_close, .aconnect = on_connect,
	.arecvfrom = on_receive, .asendv = on_send,
};

static void channel_destroy(struct channel *ch)
{
	if (ch->ares)
		ares_destroy(ch->ares);
	while (ch->watches)
		unwatch(ch->watches);
	loop_timer_destroy(ch->timer);
	free(ch);
}

static int channel_open(struct channel *ch)
{
	const struct resolver *r = ch->resolver;
	struct ares_options options = {
		.timeout = r->timeout_ms,
		.tries = r->tries,
		.ndomains = 0,
		.udp_port = r->port,
		.resolvconf_path = r->conf,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = ch,
	};
	int rc = ares_init_options(&ch->ares, &options, ARES_OPT_TIMEOUTMS |
	                           ARES_OPT_TRIES | ARES_OPT_DOMAINS |
	                           ARES_OPT_RESOLVCONF |
	                           (r->port ? ARES_OPT_UDP_PORT : 0) |
	                           ARES_OPT_SOCK_STATE_CB |
	                           resolve_cache_off(&options));
	if (rc != ARES_SUCCESS) {
		ch->ares = NULL;
		return rc == ARES_ENOMEM ? -ENOMEM : -EIO;
	}
	if (*r->device)
		ares_set_socket_functions(ch->ares, &device_sockets, ch);
	if (!r->servers)
		return 0;
	rc = ares_set_servers_ports_csv(ch->ares, r->servers);
	return rc == ARES_SUCCESS ? 0 : rc == ARES_ENOMEM ? -ENOMEM : -EINVAL;
}

static int channel_create(struct channel **out, struct resolver *r)
{
	struct channel *ch = calloc(1, sizeof(*ch));
	if (!ch)
		return -ENOMEM;
	ch->resolver = r;
	ch->timer = loop_timer_create(r->loop, on_timeout, ch);
	int err = ch->timer ? channel_open(ch) : -ENOMEM;
	if (err) {
		channel_destroy(ch);
		return err;
	}
	*out = ch;
	return 0;
}

static void in_next_turn(struct resolver *r)
{
	loop_timer_arm(r->turn, loop_now_us(r->loop));
}

/* Tells the owner, and ends the query with its second answer. */
static void tell(struct answer *a)
{
	struct resolve *q = a->query;
	struct channel *ch = q->channel;

	q->unanswered--;
	if (q->on_answer && !ch->resolver->closing)
		q->on_answer(q->ctx, a->family, a->addrs, a->n, a->err);
	if (q->unanswered)
		return;
	share_give(q->share, SHARE_NAMES);
	free(q);
	ch->resolver->queries--;
	if (--ch->queries == 0 && ch != ch->resolver->channels)
		in_next_turn(ch->resolver);
}

static void close_old_channels(struct resolver *r)
{
	struct channel *ch, *tmp;

	LL_FOREACH_SAFE(r->channels, ch, tmp) {
		if (ch == r->channels || ch->queries)
			continue;
		LL_DELETE(r->channels, ch);
		channel_destroy(ch);
	}
}

static void on_turn(void *ctx)
{
	struct resolver *r = ctx;
	struct answer *a, *tmp, *batch = r->ready;

	r->ready = NULL;
	LL_FOREACH_SAFE(batch, a, tmp)
		tell(a);
	close_old_channels(r);
}

static int error_of(int status)
{
	switch (status) {
	case ARES_SUCCESS: /* with no addresses */
	case ARES_ENODATA:
	case ARES_ENOTFOUND:
	case ARES_EBADNAME:
	case ARES_EBADFAMILY:
	case ARES_EBADSTR:
		return -ENOENT;
	case ARES_ETIMEOUT:
		return -ETIMEDOUT;
	}
	return -EIO;
}

static void take_addresses(struct answer *a, const struct ares_addrinfo *info)
{
	const struct ares_addrinfo_node *node;

	for (node = info->nodes; node && a->n < RESOLVE_ADDRESSES_MAX;
	     node = node->ai_next) {
		struct addr *to = &a->addrs[a->n];
		if (node->ai_family != a->family ||
		    !addr_from_sockaddr(to, node->ai_addr))
			continue;
		to->port = 0;
		a->n++;
	}
}

static void on_ares_answer(void *ctx, int status, int timeouts,
                           struct ares_addrinfo *info)
{
	struct answer *a = ctx;
	struct resolver *r = a->query->channel->resolver;

	if (status == ARES_SUCCESS && info)
		take_addresses(a, info);
	if (info)
		ares_freeaddrinfo(info);
	a->err = a->n ? 0 : error_of(status);
	if (status == ARES_ETIMEOUT || status == ARES_ECONNREFUSED)
		r->unanswered++;
	else if (status != ARES_EDESTRUCTION)
		r->unanswered = 0;
	if (!a->query->starting) {
		tell(a);
		return;
	}
	LL_APPEND(r->ready, a);
	in_next_turn(r);
}

static void ask(struct answer *a, struct resolve *q, sa_family_t family,
                const char *name)
{
	const struct ares_addrinfo_hints hints = {
		/* The dial has its own order. */
		.ai_flags = ARES_AI_NOSORT,
		.ai_family = family,
		.ai_socktype = SOCK_STREAM,
	};

	a->query = q;
	a->family = family;
	ares_getaddrinfo(q->channel->ares, name, NULL, &hints, on_ares_answer, a);
}

/* RFC 6761, section 6.3: no server is asked about localhost, nor about names
 * below it. (Of "localhost" c-ares 1.18 leaks memory as well.) */
static bool is_localhost(const char *name)
{
	static const char localhost[] = "localhost";
	size_t n = strlen(name), len = sizeof(localhost) - 1;

	if (n && name[n - 1] == '.')
		n--;
	return n >= len && !strncasecmp(name + n - len, localhost, len) &&
	       (n == len || name[n - len - 1] == '.');
}

static void answer_loopback(struct answer *a, struct resolve *q,
                            sa_family_t family)
{
	struct resolver *r = q->channel->resolver;
	struct in_addr v4 = { htonl(INADDR_LOOPBACK) };

	a->query = q;
	a->family = a->addrs[0].family = family;
	a->n = 1;
	if (family == AF_INET)
		memcpy(a->addrs[0].ip, &v4, sizeof(v4));
	else
		memcpy(a->addrs[0].ip, &in6addr_loopback, 16);
	LL_APPEND(r->ready, a);
	in_next_turn(r);
}

static void stat_conf(const struct resolver *r, struct stat *st)
{
	if (stat(r->conf, st) < 0)
		*st = (struct stat){ 0 };
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A look costs less than the question, and nothing while nobody asks; links are
 * followed wherever they lead, which a watch on a directory would not. */
static void look_at_conf(struct resolver *r)
{
	uint64_t now_us = loop_now_us(r->loop);
	struct stat st;

	if (r->servers || now_us - r->looked_us < RESOLVE_LOOK_US)
		return;
	r->looked_us = now_us;
	stat_conf(r, &st);
	if (is_same_file(&st, &r->conf_stat))
		return;
	int err = resolver_reload(r);
	if (err)
		log_sys("%s: changed, but cannot be read: %s", r->conf,
		        strerror(-err));
	else
		log_info("%s: %s", r->conf, st.st_ino ? "changed, read again"
		                                      : "gone");
}

struct resolve *resolve_start(struct resolver *r, struct share *share,
                              const char *name, resolve_fn *on_answer,
                              void *ctx)
{
	if (r->queries >= RESOLVE_QUERIES_MAX ||
	    !share_take(share, SHARE_NAMES)) {
		errno = ENOBUFS;
		return NULL;
	}
	if (r->channels)
		look_at_conf(r);
	struct resolve *q = calloc(1, sizeof(*q));
	int err = !q ? -ENOMEM : r->channels ? 0 : resolver_reload(r);
	if (err) {
		free(q);
		share_give(share, SHARE_NAMES);
		errno = -err;
		return NULL;
	}
	q->share = share;
	q->channel = r->channels;
	q->on_answer = on_answer;
	q->ctx = ctx;
	q->unanswered = 2;
	q->channel->queries++;
	r->queries++;
	if (is_localhost(name)) {
		answer_loopback(&q->answers[0], q, AF_INET6);
		answer_loopback(&q->answers[1], q, AF_INET);
		return q;
	}
	q->starting = true;
	ask(&q->answers[0], q, AF_INET6, name);
	ask(&q->answers[1], q, AF_INET, name);
	q->starting = false;
	arm_timeout(q->channel);
	return q;
}

void resolve_cancel(struct resolve *q)
{
	if (q)
		q->on_answer = NULL;
}

const char *resolver_lacks(const struct resolver *r)
{
	struct stat st;

	if (!r->servers && stat(r->conf, &st) < 0)
		return r->conf;
	return r->unanswered < RESOLVE_UNANSWERED_MAX ? NULL :
	       "a name server that answers";
}

int resolver_reload(struct resolver *r)
{
	struct channel *ch;

	stat_conf(r, &r->conf_stat); /* before: what changes now is seen later */
	int err = channel_create(&ch, r);

	if (err)
		return err;
	LL_PREPEND(r->channels, ch);
	r->unanswered = 0; /* others are asked now */
	in_next_turn(r); /* closes the last one if it is idle */
	return 0;
}

struct resolver *resolver_create(const struct resolver_args *args)
{
	struct resolver *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	ares_library_init(ARES_LIB_INIT_ALL);
	r->loop = args->loop;
	r->timeout_ms = args->timeout_ms ? args->timeout_ms : RESOLVE_TIMEOUT_MS;
	r->tries = args->tries ? args->tries : RESOLVE_TRIES;
	r->port = args->port;
	r->servers = args->servers ? strdup(args->servers) : NULL;
	r->conf = strdup(args->conf ? args->conf : CONF);
	if (args->device)
		snprintf(r->device, sizeof(r->device), "%s", args->device);
	r->turn = loop_timer_create(r->loop, on_turn, r);
	int err = r->turn && r->conf && !r->servers == !args->servers ? 0
	                                                              : -ENOMEM;
	if (!err && r->servers) /* else with the first question: many never ask */
		err = resolver_reload(r);
	if (err) {
		resolver_destroy(r);
		errno = -err;
		return NULL;
	}
	return r;
}

void resolver_destroy(struct resolver *r)
{
	struct channel *ch, *tmp;

	if (!r)
		return;
	r->closing = true;
	if (r->turn)
		on_turn(r);
	LL_FOREACH_SAFE(r->channels, ch, tmp)
		channel_destroy(ch); /* c-ares answers what is open */
	loop_timer_destroy(r->turn);
	free(r->servers);
	free(r->conf);
	free(r);
	ares_library_cleanup();
}
