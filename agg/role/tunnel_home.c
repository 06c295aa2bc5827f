/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_home.h. Owns the device and the tunnel with its shell.
 */
#include "agg/role/tunnel_home.h"

#include "agg/base/backoff.h"
#include "agg/base/log.h"
#include "agg/base/seldom.h"
#include "agg/kernel/link.h"
#include "agg/role/tunnel_class.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MIN_US 100000u /* the pause, doubled with each failure */
#define AGAIN_MAX_US 30000000u
#define SETTLE_US 5000000u /* a setting that somebody changes tells nobody */

int tunnel_kit_open(struct tunnel_kit *kit, struct budget *budget)
{
	if (kit->pool)
		return 0;
	kit->scratch = malloc(sizeof(*kit->scratch));
	kit->pool = kit->scratch ? packet_pool_create(TUNNEL_PACKETS_MAX, budget)
	                         : NULL;
	if (kit->pool)
		return 0;
	free(kit->scratch);
	kit->scratch = NULL;
	return -ENOMEM;
}

void tunnel_kit_close(struct tunnel_kit *kit)
{
	packet_pool_destroy(kit->pool);
	free(kit->scratch);
	*kit = (struct tunnel_kit){ NULL };
}

void tunnel_kit_rest(struct tunnel_kit *kit)
{
	if (kit->pool)
		packet_pool_rest(kit->pool);
}

/* Packets -------------------------------------------------------------------- */

/* Packets of a host of this side's LAN. */
static void count(struct tunnel_home *h, const uint8_t ip[16], uint8_t family,
                  uint64_t down_bytes, uint64_t up_bytes)
{
	struct addr host = { .family = family };

	if (!h->args.usage)
		return;
	memcpy(host.ip, ip, family == AF_INET ? 4 : 16);
	usage_add(h->args.usage, &host, down_bytes, up_bytes);
}

/* What a site sends too fast is lost, as on a link of that rate without a queue. */
static bool is_too_fast(struct tunnel_home *h, const struct packet *p)
{
	struct throttle *t = h->args.throttle;

	if (throttle_is_on(t) &&
	    !throttle_lets_packet(t, THROTTLE_UP, loop_now_us(h->args.loop))) {
		h->throttled++;
		return true;
	}
	throttle_take_packet(t, THROTTLE_UP, p->len);
	return false;
}

/* At a site's end what was sent to the world comes out here. */
static void deliver(void *ctx, struct packet *p, const struct inspection *in)
{
	struct tunnel_home *h = ctx;
	enum tunnel_verdict verdict = h->guard.egress ?
		tunnel_guard_from(&h->guard, in, loop_now_us(h->args.loop)) :
		tunnel_guard_to(&h->guard, in);

	if (verdict != TUNNEL_PASSES || !h->device || is_too_fast(h, p)) {
		packet_put(p);
		return;
	}
	count(h, in->dst, in->key.family, p->len, 0);
	device_write(h->device, p);
	loop_task_post(&h->flush);
}

static void say(void *ctx, const struct wire_frame *frame)
{
	const struct tunnel_home *h = ctx;

	h->args.ops->say(h->args.ctx, frame);
}

/* The tunnel's own word to a host of our side: nobody else's address is in it but the
 * one that this host sent to. */
static void answer(void *ctx, struct packet *p)
{
	struct tunnel_home *h = ctx;

	if (!h->device) {
		packet_put(p);
		return;
	}
	device_write(h->device, p);
	loop_task_post(&h->flush);
}

static bool carry(void *ctx, const uint8_t *p, size_t n)
{
	const struct tunnel_home *h = ctx;

	return h->args.ops->carry(h->args.ctx, p, n);
}

static void load(void *ctx, unsigned path, struct path_load *out)
{
	const struct tunnel_home *h = ctx;

	h->args.ops->load(h->args.ctx, path, out);
}

static const struct tunnel_shell_events shell_events = {
	.deliver = deliver, .answer = answer, .carry = carry, .load = load,
	.say = say,
};

/* The device --------------------------------------------------------------------- */

static void lose_device(struct tunnel_home *h)
{
	loop_io_destroy(h->io);
	device_destroy(h->device);
	loop_task_cancel(&h->flush);
	h->io = NULL;
	h->device = NULL;
}

static void on_gone(struct tunnel_home *h, int err)
{
	log_sys("device %s: %s; it is made again", h->args.device,
	        err == -EBADFD ? "somebody removed or renamed it" : strerror(-err));
	lose_device(h);
	h->args.ops->on_device(h->args.ctx);
	loop_timer_arm(h->again, loop_now_us(h->args.loop) + AGAIN_MIN_US);
}

static void on_flush(void *ctx)
{
	struct tunnel_home *h = ctx;

	if (h->device && device_flush(h->device) == -EBADFD)
		on_gone(h, -EBADFD);
}

static void on_packet(void *ctx, struct packet *p)
{
	struct tunnel_home *h = ctx;
	struct inspection in;

	if (!h->tunnel || inspect_packet(&in, packet_data(p), p->len) < 0) {
		packet_put(p);
		return;
	}
	enum tunnel_verdict verdict = h->guard.egress ?
		tunnel_guard_to(&h->guard, &in) :
		tunnel_guard_from(&h->guard, &in, loop_now_us(h->args.loop));
	if (verdict != TUNNEL_PASSES) {
		packet_put(p);
		return;
	}
	count(h, in.src, in.key.family, 0, p->len);
	throttle_take_packet(h->args.throttle, THROTTLE_DOWN, p->len);
	p->traffic = (uint8_t)tunnel_class(&h->traffic, &in);
	tunnel_put(h->tunnel, p);
}

static void on_readable(void *ctx, unsigned events)
{
	struct tunnel_home *h = ctx;
	uint64_t now = loop_now_us(h->args.loop);

	if (!throttle_lets_packet(h->args.throttle, THROTTLE_DOWN, now)) {
		loop_io_want(h->io, 0); /* the device's queue waits */
		loop_timer_arm(h->hold, now + THROTTLE_AGAIN_US);
		return;
	}
	int rc = device_read(h->device, on_packet, h);

	if (rc < 0)
		on_gone(h, rc);
}

static int make_device(struct tunnel_home *h)
{
	const struct device_args args = {
		.name = h->args.device, .offload = h->args.kit->is_single ?
			DEVICE_OFFLOAD_NONE : DEVICE_OFFLOAD_UDP,
		.pool = h->args.kit->pool, .scratch = h->args.kit->scratch,
	};

	h->device = device_create(&args);
	if (!h->device)
		return -errno;
	h->io = loop_io_create(h->args.loop, device_fd(h->device), LOOP_READ,
	                       on_readable, h);
	if (h->io)
		return 0;
	lose_device(h);
	return -ENOMEM;
}

static void set_why(struct tunnel_home *h, int err)
{
	switch (-err) {
	case ENOENT:
	case ENODEV:
		snprintf(h->why, sizeof(h->why), "there is no /dev/net/tun: the "
		         "kernel's module tun is not loaded");
		break;
	case EACCES:
		snprintf(h->why, sizeof(h->why), "/dev/net/tun is not for this user; "
		         "its usual mode, which udev gives it, is 0666");
		break;
	case EBUSY:
		snprintf(h->why, sizeof(h->why), "another program has a device %s",
		         h->args.device);
		break;
	case EPERM:
		snprintf(h->why, sizeof(h->why), "without CAP_NET_ADMIN there is "
		         "no device %s", h->args.device);
		break;
	default:
		snprintf(h->why, sizeof(h->why), "device %s: %s", h->args.device,
		         strerror(-err));
	}
}

void tunnel_home_open(struct tunnel_home *h)
{
	char before[sizeof(h->why)];

	if (h->device)
		return;
	memcpy(before, h->why, sizeof(before));
	int err = make_device(h);
	if (!err) {
		h->failures = 0;
		*h->why = 0;
		loop_timer_disarm(h->again);
		h->args.ops->on_device(h->args.ctx);
		return;
	}
	set_why(h, err);
	if (strcmp(before, h->why))
		log_sys("packet tunnel: %s", h->why);
	loop_timer_arm(h->again, loop_now_us(h->args.loop) +
	               backoff_us(AGAIN_MIN_US, ++h->failures, AGAIN_MAX_US));
	h->args.ops->on_device(h->args.ctx);
}

void tunnel_home_close(struct tunnel_home *h)
{
	loop_timer_disarm(h->again);
	if (h->device)
		lose_device(h);
	*h->why = 0;
	h->failures = 0;
}

void tunnel_home_renew(struct tunnel_home *h)
{
	if (!h->device)
		return;
	tunnel_home_close(h);
	tunnel_home_open(h);
}

static void on_hold(void *ctx)
{
	struct tunnel_home *h = ctx;

	if (h->io)
		loop_io_want(h->io, LOOP_READ);
}

static void on_again(void *ctx)
{
	tunnel_home_open(ctx);
}

/* Beginning and end ---------------------------------------------------------------- */

int tunnel_home_init(struct tunnel_home *h, const struct tunnel_home_args *args)
{
	*h = (struct tunnel_home){ .args = *args };
	tunnel_guard_init(&h->guard, args->egress);
	loop_task_init(&h->flush, args->loop, on_flush, h);
	h->again = loop_timer_create(args->loop, on_again, h);
	h->hold = loop_timer_create(args->loop, on_hold, h);
	if (h->again && h->hold)
		return 0;
	loop_timer_destroy(h->again);
	loop_timer_destroy(h->hold);
	h->again = h->hold = NULL;
	return -ENOMEM;
}

void tunnel_home_finish(struct tunnel_home *h)
{
	if (!h->again)
		return;
	tunnel_home_end(h);
	tunnel_home_close(h);
	loop_timer_destroy(h->again);
	loop_timer_destroy(h->hold);
	h->again = h->hold = NULL;
}

int tunnel_home_begin(struct tunnel_home *h,
                      const uint8_t session_id[WIRE_SESSION_ID_BYTES],
                      uint64_t queue_bytes_max)
{
	struct tunnel_shell_args args = {
		.loop = h->args.loop, .dgram = h->args.dgram,
		.is_gateway = !h->args.egress, .suite = dgram_suite(h->args.dgram),
		.pool = h->args.kit->pool, .queue_bytes_max = queue_bytes_max,
		.budget = &h->tables, .events = &shell_events, .ctx = h,
	};

	budget_init(&h->tables, queue_bytes_max, h->args.memory);

	memcpy(args.session_id, session_id, sizeof(args.session_id));
	h->shell = tunnel_shell_create(&args);
	if (!h->shell)
		return -errno;
	h->tunnel = tunnel_shell_tunnel(h->shell);
	tunnel_double(h->tunnel, h->traffic.redundant);
	return 0;
}

void tunnel_home_treat(struct tunnel_home *h, const struct wire_traffic *traffic)
{
	h->traffic = *traffic;
	if (h->tunnel)
		tunnel_double(h->tunnel, traffic->redundant);
}

void tunnel_home_end(struct tunnel_home *h)
{
	struct tunnel_shell *shell = h->shell;

	h->shell = NULL;
	h->tunnel = NULL;
	tunnel_shell_destroy(shell);
}

static void look_at_segments(struct tunnel_home *h)
{
	bool single = h->shell && tunnel_shell_is_single(h->shell);

	if (single && !h->single)
		log_sys("device %s: datagrams leave one by one for a day, as those that "
		        "leave several in a message are lost", h->args.device);
	h->single = single;
}

void tunnel_home_measure(struct tunnel_home *h)
{
	look_at_segments(h);
	unsigned mtu = h->tunnel ? tunnel_mtu(h->tunnel) : TUNNEL_MTU;

	if (h->device && link_set_mtu(h->args.device, mtu) == -ENODEV)
		on_gone(h, -EBADFD);
	if (h->device && seldom(&h->settled_us, loop_now_us(h->args.loop), SETTLE_US))
		link_settle(h->args.device);
}

/* What it shows --------------------------------------------------------------------- */

_Static_assert((int)TUNNEL_BACKGROUND == REPORT_BACKGROUND &&
               (int)TUNNEL_NORMAL == REPORT_NORMAL &&
               (int)TUNNEL_REALTIME == REPORT_REALTIME, "classes are the same");

static void report_classes(const struct tunnel_stats *t, struct report_tunnel *out)
{
	for (unsigned i = 0; i < REPORT_CLASSES; i++) {
		out->class[i].packets = t->class[i].packets;
		out->class[i].bytes = t->class[i].bytes;
		out->class[i].dropped = t->class[i].dropped;
		out->class[i].wait_us = t->class[i].wait_us;
	}
}

static void add_drop(struct report_tunnel *out, const char *why, uint64_t packets)
{
	if (!packets || out->drop_count == REPORT_TUNNEL_DROPS_MAX)
		return;
	out->drop[out->drop_count].why = why;
	out->drop[out->drop_count++].packets = packets;
}

static void add_drops(const struct tunnel_home *h, const struct tunnel_stats *t,
                      const struct device_stats *d, struct report_tunnel *out)
{
	const struct tunnel_guard *g = &h->guard;

	add_drop(out, "queued too long (CoDel)", t->dropped[TUNNEL_DROP_CODEL]);
	add_drop(out, "queue full", t->dropped[TUNNEL_DROP_OVERFLOW]);
	add_drop(out, "too old", t->dropped[TUNNEL_DROP_AGE]);
	add_drop(out, "too long", t->dropped[TUNNEL_DROP_TOO_LONG] + d->dropped_long);
	add_drop(out, "without a key", t->dropped[TUNNEL_DROP_KEY]);
	add_drop(out, "no IP packet", t->dropped[TUNNEL_DROP_MALFORMED] +
	         d->dropped_invalid);
	add_drop(out, "of a false source", g->dropped[TUNNEL_FALSE_SOURCE]);
	add_drop(out, "not allowed", g->dropped[TUNNEL_NO_WAY]);
	add_drop(out, "replayed", t->refused[TUNNEL_REPLAYED]);
	add_drop(out, "forged", t->refused[TUNNEL_FORGED]);
	add_drop(out, "malformed", t->refused[TUNNEL_MALFORMED]);
	add_drop(out, "without a buffer", t->unkept + d->dropped_memory);
	add_drop(out, "not taken by the kernel", d->dropped_write);
	add_drop(out, "over the site's rate", h->throttled);
}

static void report_device(const struct tunnel_home *h, struct device_stats *d,
                          struct report_tunnel *out)
{
	static const char *const words[] = {
		[DEVICE_OFFLOAD_NONE] = "none", [DEVICE_OFFLOAD_TCP] = "tcp",
		[DEVICE_OFFLOAD_UDP] = "udp",
	};
	struct dgram_stats datagrams;

	dgram_stats(h->args.dgram, &datagrams);
	out->segments = datagrams.segments && !h->single;
	out->device_offload = h->device ? words[device_offload(h->device)] : "";
	if (h->device)
		device_stats(h->device, d);
	out->device_in = d->read;
	out->device_reads = d->reads;
	out->device_out = d->written;
	out->device_writes = d->writes;
}

void tunnel_home_report(const struct tunnel_home *h, struct report_tunnel *out)
{
	bool is_site = h->args.egress != NULL;
	struct device_stats d = { 0 };
	struct tunnel_stats t;

	if (!h->tunnel)
		return;
	tunnel_stats(h->tunnel, &t);
	out->mtu = tunnel_mtu(h->tunnel);
	out->flows = t.flows;
	out->memory_bytes = h->tables.used;
	out->queued_bytes = t.queued_bytes;
	out->down_packets = is_site ? t.tx_packets : t.rx_packets;
	out->down_bytes = is_site ? t.tx_bytes : t.rx_bytes;
	out->up_packets = is_site ? t.rx_packets : t.tx_packets;
	out->up_bytes = is_site ? t.rx_bytes : t.tx_bytes;
	report_classes(&t, out);
	report_device(h, &d, out);
	add_drops(h, &t, &d, out);
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX &&
	     i < REPORT_TUNNEL_PATHS_MAX; i++) {
		const struct tunnel_path_stats *p = &t.path[i];
		out->path[i].works = p->usable && p->state != TUNNEL_PATH_DOWN;
		out->path[i].srtt_us = p->srtt_us;
		out->path[i].mtu = p->mtu;
		out->path[i].rate_bps = p->rate_bps;
		out->path[i].queue_us = p->queue_us;
		out->path[i].loss_ppm = p->loss_ppm;
		out->path[i].down_bytes = is_site ? p->tx_bytes : p->rx_bytes;
		out->path[i].up_bytes = is_site ? p->rx_bytes : p->tx_bytes;
	}
}
