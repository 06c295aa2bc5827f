/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see advise.h. A page's objects beside a download show most of how schedulers
 * differ: what waits, what goes by which link, what comes late.
 */
#include "scheduler/sim/advise.h"
#include "scheduler/sim/page.h"
#include "scheduler/sim/result.h"
#include "scheduler/sim/trace.h"

#include <errno.h>
#include <stdlib.h>

struct film {
	struct scenario *scenario;
	struct result_set *set;
	struct trace_run *traces[SCENARIO_SCHEDULERS_MAX];
};

static int add(struct film *f, const struct sched_ops *interactive,
               const struct result_choice *choice)
{
	struct trace_run **trace = &f->traces[f->set->count];

	*trace = trace_create();
	return *trace ? result_add(f->set, interactive, choice, *trace) : -ENOMEM;
}

/* What runs now comes first, then each that is another for both classes. */
static int play(struct film *f, const struct advise_policy *present)
{
	const struct sched_ops *const *now = present->scheduler;
	struct result_choice choice = { .reinjection = (int)present->reinjection,
	                                .order = present->order,
	                                .bulk = now[STREAM_BULK] };
	int err = add(f, now[STREAM_INTERACTIVE], &choice);

	choice.order = NULL;
	choice.bulk = NULL;
	for (size_t i = 0; !err && i < sched_count &&
	     f->set->count < SCENARIO_SCHEDULERS_MAX; i++)
		if (sched_all[i] != now[STREAM_INTERACTIVE])
			err = add(f, sched_all[i], &choice);
	return err;
}

static int write_out(const struct film *f, FILE *out)
{
	struct trace_shown shown[SCENARIO_SCHEDULERS_MAX];
	struct buf json;

	for (unsigned i = 0; i < f->set->count; i++)
		shown[i] = (struct trace_shown){ f->traces[i], &f->set->runs[i] };
	buf_init(&json, TRACE_BYTES_MAX);
	int err = trace_write(f->scenario, f->set->limits, shown, f->set->count, &json);
	if (!err)
		err = buf_put(&json, "", 1);
	if (!err)
		err = page_write(out, (const char *)buf_head(&json));
	buf_finish(&json);
	return err;
}

int advise_film(const struct advise_question *question, FILE *out,
                struct conf_error *error)
{
	struct film f = { 0 };
	int err = advise_scenario(question, ADVISE_PAGE, &f.scenario, error);

	if (!err) {
		f.scenario->main.repeat = 1; /* only the first is played */
		f.set = calloc(1, sizeof(*f.set));
		err = f.set ? result_set_init(f.set, f.scenario) : -ENOMEM;
	}
	if (!err)
		err = play(&f, &question->present);
	if (!err)
		err = write_out(&f, out);
	for (unsigned i = 0; i < SCENARIO_SCHEDULERS_MAX; i++)
		trace_free(f.traces[i]);
	free(f.set);
	scenario_free(f.scenario);
	return err;
}
