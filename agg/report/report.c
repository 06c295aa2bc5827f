/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the snapshot's storage, the words for states, and the walk.
 */
#include "agg/report/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROWTH_FIRST 8

void report_init(struct report *report)
{
	*report = (struct report){ 0 };
}

void report_finish(struct report *report)
{
	free(report->sessions);
	free(report->uplinks);
	free(report->streams);
	free(report->sites);
	free(report->choices);
	free(report->subflows);
	free(report->devices);
	report_init(report);
}

/* One more of an array that doubles: 0, 8, 16, 32 ... array_at is where the
 * pointer to it is. NULL: past max, or no memory. */
static void *add(struct report *report, void *array_at, size_t *count,
                 size_t max, size_t size)
{
	char *array;

	memcpy(&array, array_at, sizeof(array));
	if (!*count || (*count >= GROWTH_FIRST && !(*count & (*count - 1))))
		array = *count == max ? NULL :
			realloc(array, (*count ? *count * 2 : GROWTH_FIRST) * size);
	if (!array || *count == max) {
		report->left_out++;
		return NULL;
	}
	memcpy(array_at, &array, sizeof(array));
	return memset(array + (*count)++ * size, 0, size);
}

struct report_session *report_add_session(struct report *report)
{
	return add(report, &report->sessions, &report->session_count,
	           REPORT_SESSIONS_MAX, sizeof(*report->sessions));
}

struct report_uplink *report_add_uplink(struct report *report)
{
	return add(report, &report->uplinks, &report->uplink_count,
	           REPORT_UPLINKS_MAX, sizeof(*report->uplinks));
}

struct report_stream *report_add_stream(struct report *report)
{
	return add(report, &report->streams, &report->stream_count,
	           REPORT_STREAMS_MAX, sizeof(*report->streams));
}

struct report_site *report_add_site(struct report *report)
{
	return add(report, &report->sites, &report->site_count,
	           REPORT_SITES_MAX, sizeof(*report->sites));
}

struct report_choice *report_add_choice(struct report *report)
{
	return add(report, &report->choices, &report->choice_count,
	           REPORT_CHOICES_MAX, sizeof(*report->choices));
}

struct report_subflow *report_add_subflow(struct report *report)
{
	return add(report, &report->subflows, &report->subflow_count,
	           REPORT_SUBFLOWS_MAX, sizeof(*report->subflows));
}

struct report_device *report_add_device(struct report *report)
{
	return add(report, &report->devices, &report->device_count,
	           REPORT_DEVICES_MAX, sizeof(*report->devices));
}

const char *report_share_name(const struct report *report,
                              const struct report_share *share)
{
	if (share->uplink == REPORT_SHARE_MPTCP)
		return "mptcp";
	return share->uplink < report->uplink_count ?
		report->uplinks[share->uplink].name : "";
}

const char *report_session_state_text(enum report_session_state state)
{
	switch (state) {
	case REPORT_SESSION_CONNECTING:
		return "connecting";
	case REPORT_SESSION_UP:
		return "up";
	case REPORT_SESSION_OUTAGE:
		return "outage";
	case REPORT_SESSION_DOWN:
		return "down";
	}
	return "?";
}

const char *report_tunnel_text(enum report_tunnel_state state)
{
	switch (state) {
	case REPORT_TUNNEL_NONE: return "";
	case REPORT_TUNNEL_UP: return "up";
	case REPORT_TUNNEL_DOWN: return "down";
	}
	return "";
}

const char *report_class_text(enum report_class class)
{
	switch (class) {
	case REPORT_BACKGROUND: return "background";
	case REPORT_NORMAL: return "normal";
	case REPORT_REALTIME: return "realtime";
	case REPORT_CLASSES: break;
	}
	return "?";
}

const char *report_interception_text(enum report_interception_state state)
{
	switch (state) {
	case REPORT_INTERCEPTION_NONE:
		return "";
	case REPORT_INTERCEPTION_IN_FORCE:
		return "in force";
	case REPORT_INTERCEPTION_BROKEN:
		return "broken";
	}
	return "?";
}

const char *report_path_state_text(enum report_path_state state)
{
	switch (state) {
	case REPORT_PATH_UP:
		return "up";
	case REPORT_PATH_SUSPECT:
		return "suspect";
	case REPORT_PATH_CONNECTING:
		return "connecting";
	case REPORT_PATH_DOWN:
		return "down";
	case REPORT_PATH_DISABLED:
		return "disabled";
	}
	return "?";
}

const char *report_stream_state_text(enum report_stream_state state)
{
	switch (state) {
	case REPORT_STREAM_OPENING:
		return "opening";
	case REPORT_STREAM_OPEN:
		return "open";
	case REPORT_STREAM_FINISHING:
		return "finishing";
	}
	return "?";
}

const char *report_again_text(enum report_again again)
{
	switch (again) {
	case REPORT_AGAIN_DEAD:
		return "dead";
	case REPORT_AGAIN_SUSPECT:
		return "suspect";
	case REPORT_AGAIN_TAIL:
		return "tail";
	case REPORT_AGAIN_DEADLINE:
		return "deadline";
	case REPORT_AGAIN_OVERDUE:
		return "overdue";
	}
	return "?";
}

const char *report_sending_text(const struct report_sending *sending,
                                char buf[REPORT_SENDING_MAX + 1])
{
	bool one = !strcmp(sending->interactive, sending->bulk);

	if (!*sending->bulk)
		*buf = 0;
	else
		snprintf(buf, REPORT_SENDING_MAX + 1,
		         "%s%s%s%s, order %s, reinjection %s",
		         one ? "" : sending->interactive,
		         one ? "" : " for interactive, ", sending->bulk,
		         one ? "" : " for bulk", sending->order,
		         sending->reinjection);
	return buf;
}

bool report_sending_equal(const struct report_sending *a,
                          const struct report_sending *b)
{
	return !strcmp(a->interactive, b->interactive) &&
	       !strcmp(a->bulk, b->bulk) && !strcmp(a->order, b->order) &&
	       !strcmp(a->reinjection, b->reinjection);
}

static void walk(struct render *r, const struct report *report)
{
	const struct render_ops *ops = r->ops;

	if (ops->head)
		ops->head(r, &report->head);
	if ((r->parts & REPORT_PART_SESSIONS) && ops->session)
		for (size_t i = 0; i < report->session_count; i++)
			ops->session(r, &report->sessions[i]);
	if ((r->parts & REPORT_PART_UPLINKS) && ops->uplink)
		for (size_t i = 0; i < report->uplink_count; i++)
			ops->uplink(r, &report->uplinks[i]);
	if ((r->parts & REPORT_PART_SUBFLOWS) && ops->subflow)
		for (size_t i = 0; i < report->subflow_count; i++)
			ops->subflow(r, &report->subflows[i]);
	if ((r->parts & REPORT_PART_STREAMS) && ops->stream)
		for (size_t i = 0; i < report->stream_count; i++)
			ops->stream(r, &report->streams[i]);
	if ((r->parts & REPORT_PART_SITES) && ops->site)
		for (size_t i = 0; i < report->site_count; i++)
			ops->site(r, &report->sites[i]);
	if ((r->parts & REPORT_PART_CHOICES) && ops->choice)
		for (size_t i = 0; i < report->choice_count; i++)
			ops->choice(r, &report->choices[i]);
}

int report_render(const struct report *report, const struct render_ops *ops,
                  unsigned parts, unsigned line_max, struct buf *out)
{
	struct render r = {
		.ops = ops, .report = report, .parts = parts,
		.line_max = line_max, .out = out,
	};

	walk(&r, report);
	ops->tail(&r);
	return r.failed ? -ENOBUFS : 0;
}
