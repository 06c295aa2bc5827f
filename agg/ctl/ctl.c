/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the control socket's server. Owns the listener and the clients; a
 * client is read until its line is whole, answered, and closed when the answer
 * is out. Nothing blocks: one timer a client is first the deadline of the
 * request, then of each piece of the answer.
 */
#include "agg/ctl/ctl.h"

#include "agg/base/log.h"
#include "agg/ctl/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utlist.h>

#define STATUS_BYTES 16 /* "ok 1\n" */
#define STATUS_MAX 16 /* "ok\n" */
#define ACCEPT_PAUSE_US 1000000u
#define BLANKS " \t\r"

struct client {
	struct ctl *ctl; /* borrowed */
	int fd;
	struct loop_io *io;
	struct loop_timer *deadline;
	struct buf request;
	struct buf answer;
	struct client *prev, *next; /* ctl.clients */
};

struct ctl {
	struct loop *loop; /* borrowed */
	const struct ctl_verb *verbs; /* borrowed */
	void *ctx;                    /* borrowed */
	char path[CTL_PATH_MAX + 1];
	struct stat identity; /* of the socket's file */
	int fd;
	struct loop_io *io;
	struct loop_timer *pause; /* armed while accepting rests */
	struct loop_timer *look;
	bool lost;              /* the file, which could not be made again */
	struct client *clients; /* client.prev, next */
	unsigned client_count;
};

static void client_destroy(struct client *c)
{
	DL_DELETE(c->ctl->clients, c);
	c->ctl->client_count--;
	loop_io_destroy(c->io);
	loop_timer_destroy(c->deadline);
	close(c->fd);
	buf_finish(&c->request);
	buf_finish(&c->answer);
	free(c);
}

static void arm(struct client *c, uint64_t wait_us)
{
	loop_timer_arm(c->deadline, loop_now_us(c->ctl->loop) + wait_us);
}

/* Sends what the socket takes. May be the client's end. */
static void send_answer(struct client *c)
{
	while (c->answer.len) {
		ssize_t n = send(c->fd, buf_head(&c->answer), c->answer.len,
		                 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			loop_io_want(c->io, LOOP_WRITE);
			return;
		}
		if (n <= 0)
			break;
		buf_take(&c->answer, (size_t)n);
		arm(c, CTL_STALL_US_MAX);
	}
	client_destroy(c);
}

static void answer_no(struct client *c, const char *why)
{
	buf_printf(&c->answer, "no\n%s\n", why);
	send_answer(c);
}

/* Cuts the line into words. Their number, or -E2BIG. */
static int split(char *line, const char **words)
{
	char *rest = line, *word;
	int n = 0;

	while ((word = strtok_r(rest, BLANKS, &rest))) {
		if (n == CTL_WORDS_MAX)
			return -E2BIG;
		words[n++] = word;
	}
	return n;
}

static int print_help(const struct ctl *ctl, struct buf *out)
{
	int err = 0;

	for (const struct ctl_verb *v = ctl->verbs; !err && v->name; v++)
		err = buf_printf(out, "%s%s%s: %s\n", v->name, v->args ? " " : "",
		                 v->args ? v->args : "", v->help);
	return err ? err : buf_printf(out, "help: this list\n");
}

static int on_unknown_verb(const struct ctl *ctl, struct buf *out)
{
	buf_printf(out, "unknown command; allowed here: ");
	for (const struct ctl_verb *v = ctl->verbs; v->name; v++)
		buf_printf(out, "%s, ", v->name);
	buf_printf(out, "help\n");
	return -EINVAL;
}

static int obey(const struct ctl *ctl, int argc, const char *const *argv,
                struct buf *out)
{
	if (argc && !strcmp(argv[0], "help"))
		return print_help(ctl, out);
	for (const struct ctl_verb *v = ctl->verbs; argc && v->name; v++) {
		if (strcmp(v->name, argv[0]))
			continue;
		if (v->args || argc == 1)
			return v->handler(ctl->ctx, argc, argv, out);
		buf_printf(out, "%s takes no words\n", v->name);
		return -EINVAL;
	}
	return on_unknown_verb(ctl, out);
}

/* The handler's text stands behind the status line, which is known last. */
static void answer(struct client *c, int argc, const char *const *argv)
{
	char status[STATUS_BYTES] = "ok\n";
	struct buf text;

	buf_init(&text, CTL_ANSWER_MAX);
	int err = obey(c->ctl, argc, argv, &text);
	if (err > 0)
		snprintf(status, sizeof(status), "ok %d\n", err);
	if (err == -ENOBUFS) {
		buf_take(&text, text.len);
		buf_printf(&text, "the answer is larger than %d bytes\n",
		           CTL_ANSWER_MAX);
	} else if (err < 0 && !text.len) {
		buf_printf(&text, "%s\n", strerror(-err));
	}
	if (buf_printf(&c->answer, "%s", err < 0 ? "no\n" : status) < 0 ||
	    buf_put(&c->answer, buf_head(&text), text.len) < 0)
		log_sys("control: no memory for an answer");
	buf_finish(&text);
	send_answer(c);
}

static bool is_printable(const char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < ' ' && !strchr(BLANKS, *line))
			return false;
	return true;
}

/* line_len: without the line end, which becomes a NUL. */
static void on_request(struct client *c, size_t line_len)
{
	const char *words[CTL_WORDS_MAX];
	char *line = (char *)buf_head(&c->request);

	line[line_len] = 0;
	if (strlen(line) != line_len || !is_printable(line)) {
		answer_no(c, "control characters in the request");
		return;
	}
	int n = split(line, words);
	if (n < 0)
		answer_no(c, "too many words in the request");
	else
		answer(c, n, words);
}

static void read_request(struct client *c)
{
	size_t space = CTL_REQUEST_MAX - c->request.len;
	uint8_t *to = buf_reserve(&c->request, space);
	ssize_t n = to ? recv(c->fd, to, space, MSG_DONTWAIT) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_destroy(c);
		return;
	}
	buf_added(&c->request, (size_t)n);
	const uint8_t *end = memchr(buf_head(&c->request), '\n', c->request.len);
	if (end)
		on_request(c, (size_t)(end - buf_head(&c->request)));
	else if (c->request.len == CTL_REQUEST_MAX)
		answer_no(c, "the request is too long");
}

static void on_client_ready(void *ctx, unsigned events)
{
	struct client *c = ctx;

	if (c->answer.len)
		send_answer(c);
	else
		read_request(c);
}

/* Late with the request: say so; late with reading: nobody listens. */
static void on_deadline(void *ctx)
{
	struct client *c = ctx;

	if (c->answer.len)
		client_destroy(c);
	else
		answer_no(c, "the request did not come in time");
}

/* Takes fd over. */
static void client_create(struct ctl *ctl, int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	c->ctl = ctl;
	c->fd = fd;
	buf_init(&c->request, CTL_REQUEST_MAX);
	buf_init(&c->answer, CTL_ANSWER_MAX + STATUS_MAX);
	DL_APPEND(ctl->clients, c);
	ctl->client_count++;
	c->io = loop_io_create(ctl->loop, fd, LOOP_READ, on_client_ready, c);
	c->deadline = loop_timer_create(ctl->loop, on_deadline, c);
	if (!c->io || !c->deadline) {
		client_destroy(c);
		return;
	}
	arm(c, CTL_REQUEST_US_MAX);
	if (ctl->client_count > CTL_CLIENTS_MAX)
		answer_no(c, "too many clients at once");
}

static void on_pause_over(void *ctx)
{
	struct ctl *ctl = ctx;

	loop_io_want(ctl->io, LOOP_READ);
}

/* Out of descriptors or memory: who waits keeps waiting, and we do not spin. */
static void pause_accepting(struct ctl *ctl, int err)
{
	log_sys("control: accept: %s; trying again in %u ms", strerror(err),
	        ACCEPT_PAUSE_US / 1000);
	loop_io_want(ctl->io, 0);
	loop_timer_arm(ctl->pause, loop_now_us(ctl->loop) + ACCEPT_PAUSE_US);
}

static void on_connection(void *ctx, unsigned events)
{
	struct ctl *ctl = ctx;
	int fd = accept4(ctl->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		client_create(ctl, fd);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		pause_accepting(ctl, errno);
}

/* Somebody removed our file: nobody could reach us any more. */
static void listen_again(struct ctl *ctl)
{
	struct stat identity;
	int fd = ctl_socket_listen(ctl->path, &identity);
	struct loop_io *io = fd < 0 ? NULL :
		loop_io_create(ctl->loop, fd, LOOP_READ, on_connection, ctl);

	if (!io) {
		if (!ctl->lost)
			log_sys("control: %s was removed, and cannot be made: %s; "
			        "tried again", ctl->path,
			        strerror(fd < 0 ? -fd : ENOMEM));
		ctl->lost = true;
		if (fd >= 0)
			close(fd);
		return;
	}
	loop_io_destroy(ctl->io);
	close(ctl->fd);
	ctl->io = io;
	ctl->fd = fd;
	ctl->identity = identity;
	ctl->lost = false;
	log_sys("control: %s was removed by somebody; it is there again",
	        ctl->path);
}

static void on_look(void *ctx)
{
	struct ctl *ctl = ctx;
	struct stat st;

	if (lstat(ctl->path, &st) < 0 && errno == ENOENT)
		listen_again(ctl);
	loop_timer_arm(ctl->look, loop_now_us(ctl->loop) + CTL_LOOK_US);
}

void ctl_destroy(struct ctl *ctl)
{
	struct client *c, *tmp;

	if (!ctl)
		return;
	DL_FOREACH_SAFE(ctl->clients, c, tmp)
		client_destroy(c);
	loop_io_destroy(ctl->io);
	loop_timer_destroy(ctl->pause);
	loop_timer_destroy(ctl->look);
	ctl_socket_unlink(ctl->path, &ctl->identity);
	close(ctl->fd);
	free(ctl);
}

struct ctl *ctl_create(struct loop *loop, const char *path,
                       const struct ctl_verb *verbs, void *ctx)
{
	struct ctl *ctl = calloc(1, sizeof(*ctl));
	if (!ctl)
		return NULL;
	ctl->loop = loop;
	ctl->verbs = verbs;
	ctl->ctx = ctx;
	int placed = ctl_socket_place(path, ctl->path);
	ctl->fd = placed < 0 ? placed :
	          ctl_socket_listen(ctl->path, &ctl->identity);
	if (ctl->fd < 0) {
		int err = -ctl->fd;
		free(ctl);
		errno = err;
		return NULL;
	}
	ctl->io = loop_io_create(loop, ctl->fd, LOOP_READ, on_connection, ctl);
	ctl->pause = loop_timer_create(loop, on_pause_over, ctl);
	ctl->look = loop_timer_create(loop, on_look, ctl);
	if (ctl->io && ctl->pause && ctl->look) {
		loop_timer_arm(ctl->look, loop_now_us(loop) + CTL_LOOK_US);
		return ctl;
	}
	ctl_destroy(ctl);
	errno = ENOMEM;
	return NULL;
}

const char *ctl_create_text(int err)
{
	switch (err) {
	case EADDRINUSE:
		return "another daemon answers there; stop that one, or set another "
		       "'option control'";
	case EEXIST:
		return "something else than a socket is there; remove it, or set "
		       "another 'option control'";
	case ENOTDIR:
		return "what should be its directory is none; set another 'option "
		       "control'";
	case EACCES:
	case EPERM:
	case EROFS:
		return "it may not be made there; set another 'option control', or "
		       "see that aggd's user may write to its directory";
	case ENAMETOOLONG:
		return "the path is longer than the 107 bytes of a socket's";
	default:
		return strerror(err);
	}
}

/* 0: it is no width. */
static unsigned read_width(const char *text)
{
	char *end;
	unsigned long width = strtoul(text, &end, 10);

	if (*end || *text < '0' || *text > '9' || width > CTL_WIDTH_MAX)
		return 0;
	return width < CTL_WIDTH_MIN ? CTL_WIDTH_MIN : (unsigned)width;
}

int ctl_render(const struct report *report, unsigned parts, int argc,
               const char *const *argv, struct buf *out)
{
	unsigned width = argc == 3 && !strcmp(argv[1], "--width") ?
		read_width(argv[2]) : 0;

	if (argc == 1 || width)
		return report_render(report, &render_text, parts, width, out);
	if (argc == 2 && !strcmp(argv[1], "--json"))
		return report_render(report, &render_json, parts, 0, out);
	if (argc == 2 && !strcmp(argv[1], "--metrics"))
		return report_render(report, &render_metrics, parts, 0, out);
	buf_printf(out, "%s takes one of: --json, --metrics, --width 1 to %d\n",
	           argv[0], CTL_WIDTH_MAX);
	return -EINVAL;
}
