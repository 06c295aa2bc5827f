/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see update.h.
 */
#include "agg/update.h"

#include "agg/base/log.h"
#include "agg/handover.h"
#include "agg/line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_US 20000u /* between looks whether peers know */
#define AGAIN_US 1000000u /* until the next process is gone, too */
#define TELL_US 1000000u  /* between two words of what is carried */

static void end(struct daemon *d)
{
	loop_timer_disarm(d->update);
	handover_destroy(d->handover);
	d->handover = NULL;
}

/* What two processes cannot have at once. */
static void let_go(struct daemon *d)
{
	d->rests = true;
	d->role->ops->updates->update(d->role, ROLE_RESTS);
	daemon_close(d);
	runlock_drop(&d->netns_lock);
	runlock_drop(&d->control_lock);
}

static void go_on(struct daemon *d)
{
	d->rests = false;
	d->role->ops->updates->update(d->role, ROLE_GOES_ON);
	loop_timer_arm(d->update, loop_now_us(d->loop) + LOOK_US);
}

/* He may still have them. */
static void open_again(struct daemon *d)
{
	if (!d->ctl && (daemon_lock(d) < 0 || daemon_open(d) < 0))
		loop_timer_arm(d->update, loop_now_us(d->loop) + AGAIN_US);
}

static void on_failed(void *ctx, const char *why)
{
	struct daemon *d = ctx;

	log_sys("update: %s; this process goes on", why);
	end(d);
	if (d->rests && !d->ending)
		go_on(d);
}

static void on_ready(void *ctx, uint8_t role)
{
	struct daemon *d = ctx;

	if (role != d->conf->main.role) {
		on_failed(d, "the configuration is of the other role, which takes a restart");
		return;
	}
	d->update_until_us = loop_now_us(d->loop) + UPDATE_LEFT_US;
	let_go(d);
	loop_timer_arm(d->update, 0);
}

/* Once both work ------------------------------------------------------------------ */

static void tell_host(void *ctx, const struct addr *host, uint64_t down_bytes,
                      uint64_t up_bytes)
{
	const struct daemon *d = ctx;
	const struct line_word word = { .kind = LINE_HOST, .host = *host,
	                                .down = down_bytes, .up = up_bytes };

	line_say(d->after, &word, -1);
}

/* With those of before this one: it is the only one that hears of them. */
static void find_carried(struct daemon *d, struct line_word *word)
{
	const struct role_before *before = &d->role->before;
	struct report report;

	report_init(&report);
	d->role->ops->report(d->role, &report);
	*word = (struct line_word){ .kind = LINE_CARRIES, .streams = before->streams,
	                            .down = before->down_bps, .up = before->up_bps };
	word->streams += (uint32_t)report.stream_count;
	word->down += report.head.before_down_bps; /* of sessions of before in this one */
	word->up += report.head.before_up_bps;
	for (size_t i = 0; i < report.uplink_count; i++) {
		word->down += report.uplinks[i].down_bps;
		word->up += report.uplinks[i].up_bps;
	}
	report_finish(&report);
}

static void tell_what_is_carried(struct daemon *d)
{
	const struct role_updates *updates = d->role->ops->updates;
	struct line_word word;

	if (!d->after)
		return;
	find_carried(d, &word);
	line_say(d->after, &word, -1);
	if (updates->each_host)
		updates->each_host(d->role, tell_host, d);
	loop_timer_arm(d->update, loop_now_us(d->loop) + TELL_US);
}

/* True: it is with that process, or on its way to it. */
static bool pass(void *ctx, int fd, uint32_t process)
{
	struct daemon *d = ctx;
	const struct line_word word = { .kind = LINE_CONNECTION, .process = process };

	if (!d->before || line_say(d->before, &word, fd) < 0)
		return false;
	close(fd);
	return true;
}

static void on_word_of_after(void *ctx, const struct line_word *word, int fd)
{
	struct daemon *d = ctx;
	const struct role_updates *updates = d->role->ops->updates;

	if (fd < 0)
		return;
	if (word->process != d->role->process && pass(d, fd, word->process))
		return;
	if (updates->take)
		updates->take(d->role, fd);
	else
		close(fd);
}

static void on_end_of_after(void *ctx)
{
	struct daemon *d = ctx;

	line_destroy(d->after);
	d->after = NULL;
}

static const struct line_events after_events = { on_word_of_after, on_end_of_after };

static void set_before(struct daemon *d, const struct role_before *before)
{
	const struct role_updates *updates = d->role->ops->updates;
	bool was_there = d->role->before.is_there;

	d->role->before = *before;
	role_changed(d->role);
	if (before->is_there != was_there && updates->on_before)
		updates->on_before(d->role);
}

static void on_word_of_before(void *ctx, const struct line_word *word, int fd)
{
	struct daemon *d = ctx;
	const struct role_updates *updates = d->role->ops->updates;
	const struct role_before before = { true, word->streams, word->down, word->up };

	if (fd >= 0)
		close(fd); /* it sends none */
	if (word->kind == LINE_CARRIES)
		set_before(d, &before);
	else if (word->kind == LINE_HOST && updates->count_host)
		updates->count_host(d->role, &word->host, word->down, word->up);
}

static void on_end_of_before(void *ctx)
{
	struct daemon *d = ctx;
	const struct role_before none = { false };

	line_destroy(d->before);
	d->before = NULL;
	set_before(d, &none);
}

static const struct line_events before_events = { on_word_of_before, on_end_of_before };

/* Do peers know by now? */
static void look_at_peers(struct daemon *d)
{
	uint64_t now = loop_now_us(d->loop);
	uint8_t told = d->role->ops->updates->has_left(d->role);

	if (told)
		handover_go(d->handover, told);
	else if (now >= d->update_until_us)
		on_failed(d, "the peer does not answer");
	else
		loop_timer_arm(d->update, now + LOOK_US);
}

void update_look(void *ctx)
{
	struct daemon *d = ctx;

	if (d->is_gone)
		tell_what_is_carried(d);
	else if (d->rests)
		look_at_peers(d);
	else
		open_again(d);
}

static void on_taken(void *ctx, pid_t next)
{
	struct daemon *d = ctx;

	d->after = line_create(d->loop, handover_keep(d->handover), &after_events, d);
	end(d);
	d->is_gone = true;
	loop_timer_arm(d->update, 0);
	notify_successor(&d->notify, next);
	notify_finish(&d->notify);
	d->role->ops->updates->update(d->role, ROLE_IS_GONE);
	log_info("update: another process has taken over; %u streams go on in this one",
	         d->role->ops->streams(d->role));
	daemon_drain(d, LEFT_US);
}

static const struct handover_events events = { on_ready, on_taken, on_failed };

/* A service manager that waits for this process alone would take its end for the
 * service's: OpenWrt's procd, or a container's engine. */
static bool is_waited_for(const struct daemon *d)
{
	return getpid() == 1 ||
	       (d->heir_of < 0 && getppid() == 1 && !getenv("NOTIFY_SOCKET"));
}

int update_begin(struct daemon *d, struct buf *out)
{
	const struct role_ops *ops = d->role->ops;
	const char *why = is_waited_for(d) ?
		"who began this process cannot be told that another takes over" :
		d->handover ? "an update is under way" :
		d->drain_until_us ? "this process is ending" :
		!ops->updates ? "this gateway has not joined yet" :
		ops->updates->why_not(d->role);

	if (why) {
		buf_printf(out, "%s; a restart ends the streams that do not end within "
		           "10 s\n", why);
		return -EAGAIN;
	}
	d->handover = handover_begin(d->loop, d->program, d->config_path, &events, d);
	if (!d->handover) {
		buf_printf(out, "%s: %s\n", d->program, strerror(errno));
		return -errno;
	}
	log_info("update: %s begins beside this process", d->program);
	buf_printf(out, "%s begins, and takes over; the log says how that went\n",
	           d->program);
	return 0;
}

void update_finish(struct daemon *d)
{
	if (d->is_gone) /* the last bytes */
		tell_what_is_carried(d);
	end(d);
	line_destroy(d->after);
	line_destroy(d->before);
}

/* What one that has begun would undo at its end is still the other's. */
void update_fail(struct daemon *d)
{
	if (d->heir_of >= 0 && d->role && d->role->ops->updates)
		d->role->ops->updates->update(d->role, ROLE_RESTS);
}

int update_wait(struct daemon *d)
{
	struct tls_pin pin;
	int err = tls_identity_pin(d->conf->main.state, &pin);

	if (err) {
		log_user("identity in %s: %s", d->conf->main.state, strerror(-err));
		return -1;
	}
	err = handover_wait(d->heir_of, (uint8_t)d->conf->main.role, &d->told);

	if (err)
		log_sys("update: who was there does not hand over: %s", strerror(-err));
	return err ? -1 : 0;
}

int update_taken(struct daemon *d)
{
	int err = handover_taken(d->heir_of);

	if (err) {
		log_sys("update: who was there does not hand over: %s", strerror(-err));
		return -1;
	}
	d->role->pass = pass;
	d->role->pass_ctx = d;
	d->before = line_create(d->loop, d->heir_of, &before_events, d);
	return 0;
}
