/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see ruleset.h. Owns the run of nft and the watcher of the table; when
 * to do what is redo.h's to say. A firewall that is loaded anew often
 * flushes all tables: that is nobody's fault, is put right and said once.
 */
#include "agg/role/ruleset.h"

#include "agg/base/log.h"
#include "agg/base/seldom.h"
#include "agg/kernel/nft.h"
#include "agg/kernel/nftmon.h"
#include "agg/role/redo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_US 60000000u /* between looks at the table that nothing told */
#define TELL_US 600000000u /* between lines about others */

struct ruleset {
	struct loop *loop; /* borrowed, as the next, and ctx */
	const char *whose;
	void (*on_settled)(void *ctx);
	void *ctx;
	struct buf text;   /* wanted */
	bool none;         /* no table is wanted, and nobody can take it away */
	bool settled;      /* text was tried */
	struct redo redo;
	struct nft_job *job;
	struct nftmon *mon; /* NULL: changes by others are not noticed */
	struct loop_timer *due, *look;
	struct kerr failure; /* of the last run */
	unsigned losses;     /* ever */
	uint64_t told_us;    /* of them, last */
};

static void on_done(void *ctx, int rc, const struct kerr *err);

static void arm(struct ruleset *r)
{
	if (r->redo.due_us == UINT64_MAX || r->redo.putting)
		loop_timer_disarm(r->due);
	else
		loop_timer_arm(r->due, r->redo.due_us);
}

static void ended(struct ruleset *r, int rc, const struct kerr *err)
{
	unsigned failures = r->redo.failures;

	redo_end(&r->redo, rc == 0, loop_now_us(r->loop));
	if (rc < 0 && (!failures || strcmp(r->failure.text, err->text)))
		log_sys("%s: %s; tried again with pauses", r->whose, err->text);
	else if (!rc && failures)
		log_info("%s: the table is loaded, after %u failures",
		         r->whose, failures);
	r->failure = rc < 0 ? *err : (struct kerr){ "" };
	r->settled = r->redo.due_us == UINT64_MAX || rc < 0;
	if (r->settled)
		r->on_settled(r->ctx);
}

static void on_due(void *ctx)
{
	struct ruleset *r = ctx;

	redo_begin(&r->redo);
	r->job = nft_start(r->loop, buf_head(&r->text), r->text.len, on_done, r);
	if (r->job) {
		if (r->mon)
			nftmon_expect(r->mon, nft_job_pid(r->job));
		return;
	}
	struct kerr err;
	kerr_set(&err, -errno, "running nft");
	ended(r, -EIO, &err);
	arm(r);
}

static void on_done(void *ctx, int rc, const struct kerr *err)
{
	struct ruleset *r = ctx;

	r->job = NULL;
	ended(r, rc, err);
	if (r->mon)
		nftmon_settle(r->mon);
	arm(r);
}

static void tell_loss(struct ruleset *r)
{
	r->losses++;
	if (seldom(&r->told_us, loop_now_us(r->loop), TELL_US))
		log_sys("%s: our table inet " NFT_TABLE " was removed or changed by "
		        "somebody; it is put again (%u times so far)", r->whose,
		        r->losses);
}

static void on_change(void *ctx)
{
	struct ruleset *r = ctx;
	uint64_t before_us = r->redo.loss_us;

	if (r->none || !r->text.len)
		return;
	redo_lose(&r->redo, loop_now_us(r->loop));
	if (r->redo.loss_us == before_us)
		return;
	tell_loss(r);
	arm(r);
}

/* What became of the table while nobody looked is not known: it is loaded. */
static void watch(struct ruleset *r)
{
	r->mon = nftmon_create(r->loop, NFT_TABLE, WAYMARK_TABLE, on_change, r);
	if (!r->mon || !r->text.len)
		return;
	redo_want(&r->redo, loop_now_us(r->loop));
	arm(r);
}

static void on_look(void *ctx)
{
	struct ruleset *r = ctx;

	if (!r->mon && !r->redo.putting)
		watch(r);
	else if (r->mon && !r->redo.putting && r->redo.present &&
	         nftmon_differs(r->mon))
		on_change(r);
	loop_timer_arm(r->look, loop_now_us(r->loop) + LOOK_US);
}

struct ruleset *ruleset_create(struct loop *loop, const char *whose,
                               void (*on_settled)(void *ctx), void *ctx)
{
	struct ruleset *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->loop = loop;
	r->whose = whose;
	r->on_settled = on_settled;
	r->ctx = ctx;
	buf_init(&r->text, NFT_RULESET_MAX);
	redo_init(&r->redo);
	r->due = loop_timer_create(loop, on_due, r);
	r->look = loop_timer_create(loop, on_look, r);
	if (!r->due || !r->look) {
		ruleset_destroy(r);
		errno = ENOMEM;
		return NULL;
	}
	watch(r);
	if (!r->mon)
		log_sys("%s: changes of our table by others are not noticed: %s; "
		        "tried again", whose, strerror(errno));
	loop_timer_arm(r->look, loop_now_us(loop) + LOOK_US);
	return r;
}

void ruleset_destroy(struct ruleset *r)
{
	if (!r)
		return;
	nft_cancel(r->job);
	nftmon_destroy(r->mon);
	loop_timer_destroy(r->due);
	loop_timer_destroy(r->look);
	buf_finish(&r->text);
	free(r);
}

static int want(struct ruleset *r, const void *text, size_t len)
{
	if (len == r->text.len && !memcmp(buf_head(&r->text), text, len))
		return 0;
	struct buf fresh;
	buf_init(&fresh, NFT_RULESET_MAX);
	int rc = buf_put(&fresh, text, len);
	if (rc < 0)
		return rc;
	buf_finish(&r->text);
	r->text = fresh;
	r->settled = false;
	redo_want(&r->redo, loop_now_us(r->loop));
	arm(r);
	return 0;
}

int ruleset_want(struct ruleset *r, const struct buf *text)
{
	r->none = false;
	return want(r, buf_head(text), text->len);
}

void ruleset_want_none(struct ruleset *r)
{
	if (!r->text.len)
		return;
	r->none = true;
	want(r, NFT_NONE_TEXT, sizeof(NFT_NONE_TEXT) - 1);
}

bool ruleset_is_settled(const struct ruleset *r)
{
	return r->settled;
}

const char *ruleset_why(const struct ruleset *r)
{
	if (*r->failure.text)
		return r->failure.text;
	if (r->settled && !r->redo.present)
		return "somebody removed our table; it is put again";
	return "";
}
