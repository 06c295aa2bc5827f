/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see notify.h. A datagram each, from a socket of its own: they are few.
 */
#include "agg/notify.h"

#include "agg/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

socklen_t notify_address(const char *text, struct sockaddr_un *to)
{
	size_t len = text ? strlen(text) : 0;

	if (len < 2 || len >= sizeof(to->sun_path) ||
	    (text[0] != '/' && text[0] != '@'))
		return 0;
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(to->sun_path, text, len);
	if (text[0] == '@')
		to->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

uint64_t notify_every_us(const char *watchdog_us, const char *watchdog_pid,
                         long own_pid)
{
	char *end;

	if (!watchdog_us || watchdog_us[0] < '0' || watchdog_us[0] > '9')
		return 0;
	if (watchdog_pid && strtol(watchdog_pid, NULL, 10) != own_pid)
		return 0;
	errno = 0;
	uint64_t allowed_us = strtoull(watchdog_us, &end, 10);
	return *end || errno ? 0 : allowed_us / 2;
}

static void tell(const struct notify *n, const char *what)
{
	if (!n->to_len)
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || sendto(fd, what, strlen(what), MSG_NOSIGNAL,
	                     (const struct sockaddr *)&n->to, n->to_len) < 0)
		log_sys("service manager: '%s' was not told: %s", what,
		        strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void on_alive(void *ctx)
{
	struct notify *n = ctx;

	tell(n, "WATCHDOG=1");
	loop_timer_arm(n->timer, loop_now_us(n->loop) + n->every_us);
}

void notify_ready(struct notify *n, struct loop *loop, bool takes_over)
{
	n->loop = loop;
	n->to_len = notify_address(getenv("NOTIFY_SOCKET"), &n->to);
	n->every_us = notify_every_us(getenv("WATCHDOG_USEC"),
	                              getenv("WATCHDOG_PID"), (long)getpid());
	if (!takes_over)
		tell(n, "READY=1");
	if (!n->to_len || !n->every_us)
		return;
	n->timer = loop_timer_create(loop, on_alive, n);
	if (!n->timer)
		log_sys("watchdog: %s", strerror(errno));
	else if (takes_over)
		loop_timer_arm(n->timer, loop_now_us(loop) + n->every_us);
	else
		on_alive(n);
}

void notify_successor(const struct notify *n, pid_t next)
{
	char text[48];

	snprintf(text, sizeof(text), "WATCHDOG=1\nMAINPID=%ld", (long)next);
	tell(n, text);
}

void notify_ending(const struct notify *n)
{
	tell(n, "STOPPING=1");
}

void notify_finish(struct notify *n)
{
	loop_timer_destroy(n->timer);
	n->timer = NULL;
}
