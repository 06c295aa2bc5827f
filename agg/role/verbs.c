/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see verbs.h. Owns the snapshot.
 */
#include "agg/role/verbs.h"

#include "agg/base/descriptors.h"
#include "agg/base/log.h"
#include "agg/role/verbs_conf.h"
#include "agg/role/verbs_job.h"
#include "agg/role/verbs_pair.h"
#include "agg/report/limit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The snapshot --------------------------------------------------------------- */

static bool is_good(const struct verbs *v, uint64_t now_us)
{
	return v->taken_us && now_us - v->taken_us < VERBS_SNAPSHOT_US &&
	       v->changes == v->args.role->changes;
}

static void take(struct verbs *v, uint64_t now_us)
{
	struct role *role = v->args.role;
	struct report_head *head = &v->snapshot.head;

	report_finish(&v->snapshot);
	snprintf(head->role, sizeof(head->role), "%s", role->ops->name);
	snprintf(head->version, sizeof(head->version), "%s", v->args.version);
	snprintf(head->own_pin, sizeof(head->own_pin), "%s", v->args.own_pin);
	head->descriptors_used = descriptors_used();
	head->descriptors_max = descriptors_for_streams(UINT_MAX);
	head->before_streams = role->before.streams;
	head->before_down_bps = role->before.down_bps;
	head->before_up_bps = role->before.up_bps;
	v->changes = role->changes;
	role->ops->report(role, &v->snapshot);
	choice_list(&v->snapshot);
	v->taken_us = now_us;
}

static int render(struct verbs *v, unsigned parts, int argc,
                  const char *const *argv, struct buf *out)
{
	uint64_t now = loop_now_us(v->args.role->loop);

	if (!is_good(v, now))
		take(v, now);
	v->snapshot.head.uptime_us = now - v->started_us;
	return ctl_render(&v->snapshot, parts, argc, argv, out);
}

/* Questions -------------------------------------------------------------------- */

/* Whoever asked learns, as a number, how it is. As metrics it is all that there are. */
static int on_status(void *ctx, int argc, const char *const *argv,
                     struct buf *out)
{
	struct verbs *v = ctx;
	unsigned parts = REPORT_PART_SESSIONS | REPORT_PART_UPLINKS |
	                 REPORT_PART_SUBFLOWS;

	if (argc > 1 && !strcmp(argv[1], "--metrics"))
		parts |= REPORT_PART_SITES;
	if (argc > 1 && strcmp(argv[1], "--width"))
		parts |= REPORT_PART_DEVICES;
	int err = render(v, parts, argc, argv, out);

	return err ? err : (int)limit_health(&v->snapshot);
}

static int on_uplinks(void *ctx, int argc, const char *const *argv,
                      struct buf *out)
{
	return render(ctx, REPORT_PART_UPLINKS | REPORT_PART_SUBFLOWS, argc, argv,
	              out);
}

static int on_streams(void *ctx, int argc, const char *const *argv,
                      struct buf *out)
{
	return render(ctx, REPORT_PART_STREAMS, argc, argv, out);
}

static int on_sites(void *ctx, int argc, const char *const *argv,
                    struct buf *out)
{
	return render(ctx, REPORT_PART_SITES, argc, argv, out);
}

/* Orders ------------------------------------------------------------------------ */

static int choose(struct verbs *v, int argc, const char *const *argv,
                  struct buf *out)
{
	struct role *role = v->args.role;
	struct choice choice;
	int err = choice_parse(argc, argv, &choice, out);

	if (err)
		return err;
	err = role->ops->choose(role, &choice, out);
	role_changed(role);
	const char *said = (const char *)buf_head(out);
	if (!err)
		log_info("aggctl: %.*s", (int)strcspn(said, "\n"), said);
	return err;
}

/* Without a choice, the list of what there is. */
static int on_scheduler(void *ctx, int argc, const char *const *argv,
                        struct buf *out)
{
	if (argc == 1 || !strcmp(argv[1], "--width"))
		return render(ctx, REPORT_PART_CHOICES, argc, argv, out);
	if (argc == 2 && !strcmp(argv[1], "--json"))
		return render(ctx, REPORT_PART_SESSIONS | REPORT_PART_CHOICES,
		              argc, argv, out);
	return choose(ctx, argc, argv, out);
}

static int on_speedtest(void *ctx, int argc, const char *const *argv,
                        struct buf *out)
{
	struct role *role = ((struct verbs *)ctx)->args.role;

	if (role->ops->speedtest)
		return role->ops->speedtest(role, argc, argv, out);
	buf_printf(out, "a speed test is begun on a gateway\n");
	return -EOPNOTSUPP;
}

static int on_history(void *ctx, int argc, const char *const *argv,
                      struct buf *out)
{
	struct role *role = ((struct verbs *)ctx)->args.role;

	if (role->ops->history)
		return role->ops->history(role, argc, argv, out);
	buf_printf(out, "a history is kept on a gateway\n");
	return -EOPNOTSUPP;
}

static int on_reload(void *ctx, int argc, const char *const *argv,
                     struct buf *out)
{
	struct verbs *v = ctx;

	return v->args.reload(v->args.ctx, out);
}

static int on_web(void *ctx, int argc, const char *const *argv,
                  struct buf *out)
{
	struct verbs *v = ctx;

	return v->args.web(v->args.ctx, out);
}

static int on_update(void *ctx, int argc, const char *const *argv,
                     struct buf *out)
{
	struct verbs *v = ctx;

	return v->args.update(v->args.ctx, out);
}

static int on_log(void *ctx, int argc, const char *const *argv,
                  struct buf *out)
{
	return log_recent(out);
}

const struct ctl_verb verbs_table[] = {
	{ "status", "[--json|--metrics]", "the session and its uplinks", on_status, true },
	{ "uplinks", "[--json|--metrics]", "each uplink in detail", on_uplinks, true },
	{ "streams", "[--json|--metrics]", "the proxied connections", on_streams, true },
	{ "sites", "[--json|--metrics]", "the gateways of a concentrator", on_sites, true },
	{ "invite", "[SITE [--for 1h] [--endpoint HOST[:PORT]]...]",
	  "an invitation for a gateway, or those that are open", verbs_invite },
	{ "revoke", "SITE", "a gateway, or an invitation, is good no more",
	  verbs_revoke },
	{ "rename", "SITE NEW", "gives a site another name", verbs_rename },
	{ "qr", "TEXT", "an invitation as a QR code: rows of modules", verbs_qr },
	{ "scheduler", "[--json|[NAME] [order NAME] [reinjection NAME] "
	  "[--class NAME] [SITE]]", "what there is, or how to send from now on",
	  on_scheduler, true },
	{ "speedtest", "start [UPLINK] | show [--json]",
	  "how fast each uplink is, and all together", on_speedtest },
	{ "history", "[NAME] [--seconds|--minutes|--hours|--days] [--json]",
	  "what uplinks and devices carried, over time", on_history, true },
	{ "advise", "start [SITE] | show", "the schedulers, simulated", verbs_job },
	{ "film", "start [SITE] | show", "the same as a page that plays it", verbs_job },
	{ "doctor", "start | show", "what fails, and what to type", verbs_job },
	{ "bugreport", "start | show", "one text for who helps", verbs_job },
	{ "join", "start TOKEN | show", "this gateway takes an invitation", verbs_job },
	{ "sections", NULL, "the configuration that is in force", verbs_sections },
	{ "set", "TYPE NAME KEY=VALUE...", "changes a section of the configuration",
	  verbs_set },
	{ "unset", "TYPE NAME", "takes a section out of it", verbs_unset },
	{ "log", NULL, "the last lines of the log", on_log },
	{ "web", NULL, "where the page is, with the secret", on_web },
	{ "reload", NULL, "read the configuration again", on_reload },
	{ "update", NULL, "the program that is there now takes over", on_update },
	{ NULL, NULL, NULL, NULL },
};

void verbs_init(struct verbs *v, const struct verbs_args *args)
{
	*v = (struct verbs){ .args = *args };
	v->started_us = loop_now_us(args->role->loop);
	report_init(&v->snapshot);
}

void verbs_set_role(struct verbs *v, struct role *role)
{
	v->args.role = role;
	v->taken_us = 0;
}

void verbs_finish(struct verbs *v)
{
	verbs_job_finish(v);
	report_finish(&v->snapshot);
}
