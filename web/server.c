/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see server.h. libmicrohttpd has an epoll descriptor for all of its own; where
 * that is ready, or its time is up, it runs, and asks on_request() what to answer.
 *
 * Events: each listener has the text that it is being sent, and none while it waits
 * (its connection is suspended). Who is slow gets the newest when it is done with
 * the last: nothing queues up.
 */
#include "web/server.h"

#include "agg/kernel/sockopt.h"
#include "web/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#define API "/api/"
#define CSP "default-src 'none'; script-src 'self'; style-src 'self'; " \
	"connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; " \
	"frame-ancestors 'none'"
#define TLS_VERSIONS "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" /* GnuTLS's words */

struct listener {
	struct server *server;
	struct MHD_Connection *connection;
	struct buf text;      /* on its way */
	uint64_t serial;      /* of that event */
	bool suspended;
	struct listener *next;
};

struct door {
	struct MHD_Daemon *http;
	struct loop_io *io;
};

struct server {
	struct server_args args;
	struct access access;
	struct door doors[SERVER_ADDRESSES_MAX];
	struct loop_timer *due;    /* of libmicrohttpd's own limits */
	struct loop_timer *second;
	struct listener *listeners;
	unsigned listening;
	struct buf event;          /* the last */
	uint64_t serial;
};

/* What a connection's request is, until it is answered. */
struct request {
	struct buf body;
	bool too_long;
};

/* Answers. */

static enum MHD_Result send_response(struct MHD_Connection *connection,
                                     unsigned status, struct MHD_Response *r,
                                     const char *type)
{
	static const char *const headers[][2] = {
		{ "Content-Security-Policy", CSP },
		{ "X-Content-Type-Options", "nosniff" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cache-Control", "no-store" },
	};

	if (!r)
		return MHD_NO;
	for (unsigned i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		MHD_add_response_header(r, headers[i][0], headers[i][1]);
	MHD_add_response_header(r, "Content-Type", type);
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
	enum MHD_Result done = MHD_queue_response(connection, status, r);
	MHD_destroy_response(r);
	return done;
}

static enum MHD_Result send_bytes(struct MHD_Connection *connection,
                                  unsigned status, const void *p, size_t n,
                                  const char *type)
{
	/* It copies; its argument is not const. */
	struct MHD_Response *r = MHD_create_response_from_buffer(
		n, (void *)(uintptr_t)p, MHD_RESPMEM_MUST_COPY);

	return send_response(connection, status, r, type);
}

static enum MHD_Result send_text(struct MHD_Connection *connection,
                                 unsigned status, const char *text)
{
	return send_bytes(connection, status, text, strlen(text),
	                  "text/plain; charset=utf-8");
}

static enum MHD_Result send_file(struct MHD_Connection *connection,
                                 const char *url)
{
	for (const struct web_file *f = web_files; f->path; f++)
		if (!strcmp(f->path, url))
			return send_bytes(connection, MHD_HTTP_OK, f->bytes, f->n,
			                  f->type);
	return send_text(connection, MHD_HTTP_NOT_FOUND, "there is nothing there\n");
}

/* Who asks. */

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static struct addr client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct addr from = { .family = AF_UNSPEC };

	if (info)
		addr_from_sockaddr(&from, info->client_addr);
	return from;
}

/* 0, or the status of the refusal, and *why. */
static unsigned refuse(struct server *s, struct MHD_Connection *connection,
                       bool changes, const char **why)
{
	const char *host = header(connection, MHD_HTTP_HEADER_HOST);
	struct addr from = client_of(connection);

	if (changes && !access_is_own_origin(header(connection, "Origin"), host)) {
		*why = "this is from another page\n";
		return MHD_HTTP_FORBIDDEN;
	}
	switch (access_check(&s->access, &from,
	                     header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
	                     loop_now_us(s->args.loop))) {
	case ACCESS_OK:
		return 0;
	case ACCESS_NONE:
		*why = "the secret is needed; 'aggctl web' shows it\n";
		return MHD_HTTP_UNAUTHORIZED;
	case ACCESS_WRONG:
		s->args.on_wrong_secret(&from);
		*why = "that is not the secret; 'aggctl web' shows it\n";
		return MHD_HTTP_UNAUTHORIZED;
	case ACCESS_TOO_OFTEN:
		break;
	}
	*why = "wrong too often: wait ten seconds\n";
	return MHD_HTTP_TOO_MANY_REQUESTS;
}

/* Verbs. */

static const struct ctl_verb *find_verb(const struct server *s, const char *name)
{
	for (const struct ctl_verb *v = s->args.verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

static enum MHD_Result run_verb(struct server *s,
                                struct MHD_Connection *connection,
                                const struct ctl_verb *verb, int argc,
                                const char *const *argv, const char *type)
{
	struct buf out;

	buf_init(&out, CTL_ANSWER_MAX);
	int rc = verb->handler(s->args.ctx, argc, argv, &out);
	if (rc < 0 && !out.len)
		buf_printf(&out, "%s\n", strerror(-rc));
	enum MHD_Result done = send_bytes(
		connection, rc < 0 ? MHD_HTTP_UNPROCESSABLE_CONTENT :
		            rc > 0 && !verb->asks ? MHD_HTTP_ACCEPTED : MHD_HTTP_OK,
		buf_head(&out), out.len, rc < 0 ? "text/plain; charset=utf-8" : type);
	buf_finish(&out);
	return done;
}

static enum MHD_Result on_get(struct server *s, struct MHD_Connection *connection,
                              const char *name, const char *how, const char *type)
{
	const struct ctl_verb *verb = find_verb(s, name);
	const char *argv[] = { name, how };

	if (!verb || !verb->asks)
		return send_text(connection, MHD_HTTP_NOT_FOUND,
		                 "there is no such question\n");
	return run_verb(s, connection, verb, 2, argv, type);
}

/* The body's lines are the words. */
static enum MHD_Result on_post(struct server *s, struct MHD_Connection *connection,
                               const char *name, struct request *request)
{
	const struct ctl_verb *verb = find_verb(s, name);
	const char *argv[CTL_WORDS_MAX] = { name };
	int argc = 1;
	char *rest = NULL;

	if (!verb)
		return send_text(connection, MHD_HTTP_NOT_FOUND,
		                 "there is no such command\n");
	if (request->too_long || buf_put(&request->body, "", 1) < 0)
		return send_text(connection, MHD_HTTP_CONTENT_TOO_LARGE,
		                 "that is too long\n");
	char *text = (char *)buf_head(&request->body);
	for (char *word = strtok_r(text, "\n", &rest); word;
	     word = strtok_r(NULL, "\n", &rest)) {
		if (argc == CTL_WORDS_MAX)
			return send_text(connection, MHD_HTTP_CONTENT_TOO_LARGE,
			                 "too many words\n");
		argv[argc++] = word;
	}
	if (argc > 1 && !verb->args)
		return send_text(connection, MHD_HTTP_UNPROCESSABLE_CONTENT,
		                 "this command takes no words\n");
	return run_verb(s, connection, verb, argc, argv, "text/plain; charset=utf-8");
}

/* Events. */

static void take_event(struct server *s)
{
	static const char *const argv[] = { "status", "--json" };
	const struct ctl_verb *verb = find_verb(s, argv[0]);
	struct buf answer;

	buf_init(&answer, CTL_ANSWER_MAX);
	if (verb && verb->handler(s->args.ctx, 2, argv, &answer) >= 0) {
		size_t n = strcspn((char *)buf_head(&answer), "\n");
		buf_take(&s->event, s->event.len);
		if (n <= answer.len)
			buf_printf(&s->event, "data: %.*s\n\n", (int)n,
			           (char *)buf_head(&answer));
		s->serial++;
	}
	buf_finish(&answer);
}

/* libmicrohttpd wants up to max bytes more. */
static ssize_t on_more(void *ctx, uint64_t at, char *p, size_t max)
{
	struct listener *l = ctx;
	struct server *s = l->server;

	if (!l->text.len && l->serial != s->serial) {
		if (buf_put(&l->text, buf_head(&s->event), s->event.len) < 0)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		l->serial = s->serial;
	}
	if (!l->text.len) {
		MHD_suspend_connection(l->connection);
		l->suspended = true;
		return 0;
	}
	size_t n = l->text.len < max ? l->text.len : max;
	memcpy(p, buf_head(&l->text), n);
	buf_take(&l->text, n);
	return (ssize_t)n;
}

static void on_gone(void *ctx)
{
	struct listener *l = ctx;
	struct server *s = l->server;

	for (struct listener **at = &s->listeners; *at; at = &(*at)->next)
		if (*at == l) {
			*at = l->next;
			s->listening--;
			break;
		}
	buf_finish(&l->text);
	free(l);
}

static enum MHD_Result on_listener(struct server *s,
                                   struct MHD_Connection *connection)
{
	if (s->listening >= SERVER_LISTENERS_MAX)
		return send_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
		                 "too many pages are open\n");
	struct listener *l = calloc(1, sizeof(*l));
	if (!l)
		return MHD_NO;
	*l = (struct listener){ .server = s, .connection = connection,
	                        .next = s->listeners };
	buf_init(&l->text, CTL_ANSWER_MAX);
	struct MHD_Response *r = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, 16384, on_more, l, on_gone);
	if (!r) {
		free(l);
		return MHD_NO;
	}
	s->listeners = l;
	if (!s->listening++) {
		take_event(s);
		loop_timer_arm(s->second, loop_now_us(s->args.loop) + SERVER_EVENT_US);
	}
	return send_response(connection, MHD_HTTP_OK, r, "text/event-stream");
}

/* Requests. */

static enum MHD_Result answer(struct server *s, struct MHD_Connection *connection,
                              const char *url, bool posts, struct request *request)
{
	bool is_api = !strncmp(url, API, strlen(API));
	const char *why, *name = is_api ? url + strlen(API) : url;

	if (!access_is_host(header(connection, MHD_HTTP_HEADER_HOST)))
		return send_text(connection, MHD_HTTP_MISDIRECTED_REQUEST,
		                 "ask by an address, not by a name\n");
	if (!is_api && !posts && strcmp(url, "/metrics"))
		return send_file(connection, url);
	unsigned refused = refuse(s, connection, posts, &why);
	if (refused)
		return send_text(connection, refused, why);
	if (posts)
		return is_api ? on_post(s, connection, name, request)
		              : send_text(connection, MHD_HTTP_NOT_FOUND,
		                          "there is no such command\n");
	if (!is_api)
		return on_get(s, connection, "status", "--metrics",
		              "application/openmetrics-text; version=1.0.0; charset=utf-8");
	if (!strcmp(name, "events"))
		return on_listener(s, connection);
	return on_get(s, connection, name, "--json", "application/json");
}

/* The first call of a request has its header, the next ones its body, the last one
 * nothing more. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *data,
                                  size_t *n, void **of_request)
{
	struct request *request = *of_request;
	bool posts = !strcmp(method, MHD_HTTP_METHOD_POST);

	if (!request) {
		request = calloc(1, sizeof(*request));
		if (!request)
			return MHD_NO;
		buf_init(&request->body, CTL_REQUEST_MAX);
		*of_request = request;
		return MHD_YES;
	}
	if (*n) {
		request->too_long |= buf_put(&request->body, data, *n) < 0;
		*n = 0;
		return MHD_YES;
	}
	if (!posts && strcmp(method, MHD_HTTP_METHOD_GET) &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD))
		return send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
		                 "allowed: GET, HEAD, POST\n");
	return answer(ctx, connection, url, posts, request);
}

static void on_completed(void *ctx, struct MHD_Connection *connection,
                         void **of_request, enum MHD_RequestTerminationCode code)
{
	struct request *request = *of_request;

	if (!request)
		return;
	buf_finish(&request->body);
	free(request);
	*of_request = NULL;
}

/* In the loop. */

static void run(struct server *s)
{
	uint64_t now = loop_now_us(s->args.loop), due = UINT64_MAX;

	for (unsigned i = 0; i < s->args.count; i++) {
		MHD_UNSIGNED_LONG_LONG ms;
		MHD_run(s->doors[i].http);
		if (MHD_get_timeout(s->doors[i].http, &ms) == MHD_YES &&
		    now + ms * 1000 < due)
			due = now + ms * 1000;
	}
	if (due == UINT64_MAX)
		loop_timer_disarm(s->due);
	else
		loop_timer_arm(s->due, due);
}

static void on_ready(void *ctx, unsigned events)
{
	run(ctx);
}

static void on_due(void *ctx)
{
	run(ctx);
}

static void on_second(void *ctx)
{
	struct server *s = ctx;

	if (!s->listeners)
		return;
	take_event(s);
	for (struct listener *l = s->listeners; l; l = l->next)
		if (l->suspended) {
			l->suspended = false;
			MHD_resume_connection(l->connection);
		}
	loop_timer_arm(s->second, loop_now_us(s->args.loop) + SERVER_EVENT_US);
	run(s);
}

static int open_door(struct server *s, struct door *door, const struct addr *at)
{
	int fd = sockopt_tcp_listen(at, NULL);

	if (fd < 0)
		return fd;
	/* Its text is not changed; its argument is not const. */
	const struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)s->args.key },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)s->args.chain },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_VERSIONS },
		{ MHD_OPTION_END, 0, NULL },
	}, *none = &tls[3];
	door->http = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
		(s->args.key ? MHD_USE_TLS : 0) |
		(at->family == AF_INET6 ? MHD_USE_IPv6 : 0),
		at->port, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
		MHD_OPTION_CONNECTION_LIMIT, SERVER_CONNECTIONS_MAX,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, SERVER_CONNECTIONS_OF_ONE,
		MHD_OPTION_CONNECTION_TIMEOUT, SERVER_IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SERVER_MEMORY_BYTES,
		MHD_OPTION_ARRAY, s->args.key ? tls : none,
		MHD_OPTION_END);
	if (!door->http) {
		close(fd);
		return -ENOMEM;
	}
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(door->http, MHD_DAEMON_INFO_EPOLL_FD);
	door->io = info ? loop_io_create(s->args.loop, info->epoll_fd, LOOP_READ,
	                                 on_ready, s) : NULL;
	return door->io ? 0 : -ENOMEM;
}

struct server *server_create(const struct server_args *args, unsigned *at)
{
	struct server *s = calloc(1, sizeof(*s));
	int err = 0;

	*at = args->count;
	if (!s)
		return NULL;
	s->args = *args;
	s->args.count = 0;
	memcpy(s->access.secret, args->secret, ACCESS_SECRET_LEN);
	buf_init(&s->event, CTL_ANSWER_MAX);
	s->due = loop_timer_create(args->loop, on_due, s);
	s->second = loop_timer_create(args->loop, on_second, s);
	if (!s->due || !s->second)
		err = -ENOMEM;
	for (unsigned i = 0; !err && i < args->count; i++) {
		*at = i;
		s->args.count = i + 1;
		err = open_door(s, &s->doors[i], &args->addresses[i]);
	}
	s->args.addresses = NULL;
	if (!err) {
		run(s);
		return s;
	}
	server_destroy(s);
	errno = -err;
	return NULL;
}

void server_destroy(struct server *s)
{
	if (!s)
		return;
	for (struct listener *l = s->listeners; l; l = l->next)
		if (l->suspended) /* libmicrohttpd wants none when it ends */
			MHD_resume_connection(l->connection);
	for (unsigned i = 0; i < s->args.count; i++) {
		loop_io_destroy(s->doors[i].io);
		if (s->doors[i].http)
			MHD_stop_daemon(s->doors[i].http);
	}
	loop_timer_destroy(s->due);
	loop_timer_destroy(s->second);
	buf_finish(&s->event);
	explicit_bzero(&s->access, sizeof(s->access));
	free(s);
}
