/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see probe.h. Connects, and closes at once.
 */
#include "agg/doctor/probe.h"

#include "agg/kernel/sockopt.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

static void begin(struct probe *p)
{
	p->fd = sockopt_tcp_open(p->to.family, p->device, &p->source);
	p->err = p->fd < 0 ? p->fd : sockopt_connect(p->fd, &p->to);
	if (!p->err)
		p->err = -EINPROGRESS;
}

static void end(struct probe *p, int err)
{
	p->err = err;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Those that are still on their way; how many. */
static nfds_t gather(const struct probe *probes, unsigned count,
                     struct pollfd fds[PROBES_MAX], unsigned whose[PROBES_MAX])
{
	nfds_t n = 0;

	for (unsigned i = 0; i < count && n < PROBES_MAX; i++)
		if (probes[i].err == -EINPROGRESS) {
			fds[n] = (struct pollfd){ .fd = probes[i].fd,
			                          .events = POLLOUT };
			whose[n++] = i;
		}
	return n;
}

void probe_all(struct probe *probes, unsigned count)
{
	struct pollfd fds[PROBES_MAX];
	unsigned whose[PROBES_MAX];
	int64_t until_ms = now_ms() + PROBE_WAIT_MS, left_ms;
	nfds_t n;

	for (unsigned i = 0; i < count; i++)
		begin(&probes[i]);
	while ((n = gather(probes, count, fds, whose)) &&
	       (left_ms = until_ms - now_ms()) > 0) {
		if (poll(fds, n, (int)left_ms) < 0 && errno != EINTR)
			break;
		for (nfds_t i = 0; i < n; i++)
			if (fds[i].revents)
				end(&probes[whose[i]],
				    sockopt_error(fds[i].fd));
	}
	for (unsigned i = 0; i < count; i++)
		if (probes[i].fd >= 0 || probes[i].err == -EINPROGRESS)
			end(&probes[i], probes[i].err == -EINPROGRESS ? -ETIMEDOUT
			                                              : probes[i].err);
}
