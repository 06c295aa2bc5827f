/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see policy.h. Owns nothing and keeps nothing.
 */
#include "agg/role/policy.h"

#include "agg/base/printable.h"
#include "agg/base/words.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LIST_MAX 512

static bool is_said(const char *name)
{
	return name && *name;
}

/* The registry's own copy of a name, which lasts; NULL: not known. */
static const char *scheduler_name(const char *name)
{
	const struct sched_ops *sched = is_said(name) ? sched_find(name) : NULL;

	return sched ? sched->name : NULL;
}

static const char *order_name(const char *name)
{
	const struct order_ops *order = is_said(name) ? order_find(name) : NULL;

	if (is_said(name) && !strcmp(name, POLICY_ORDER_AUTO))
		return POLICY_ORDER_AUTO;
	return order ? order->name : NULL;
}

static const char *reinjection_name(const char *name)
{
	int policy = is_said(name) ? reinject_find(name) : -1;

	return policy < 0 ? NULL : reinject_name((enum reinject_policy)policy);
}

/* Takes what nobody before has said. */
static void merge(struct policy_names *out, const struct policy_names *says)
{
	const char *all = scheduler_name(says->scheduler);
	const char *up = scheduler_name(says->scheduler_up);

	for (int c = 0; c < STREAM_CLASS_COUNT; c++) {
		const char *own = scheduler_name(says->by_class[c]);
		if (!out->by_class[c])
			out->by_class[c] = own ? own : all;
		if (!out->up_by_class[c])
			out->up_by_class[c] = own ? own : up ? up : all;
	}
	if (!out->order)
		out->order = order_name(says->order);
	if (!out->reinjection)
		out->reinjection = reinjection_name(says->reinjection);
	if (!out->bulk_after_bytes)
		out->bulk_after_bytes = says->bulk_after_bytes;
}

static struct policy_names main_says(const struct conf_main *main)
{
	return (struct policy_names){
		.scheduler = main->scheduler,
		.scheduler_up = main->scheduler_up,
		.order = main->order,
		.reinjection = main->reinjection,
		.bulk_after_bytes = BULK_AFTER_BYTES,
	};
}

static struct policy_names classes_say(const struct conf *conf)
{
	struct policy_names says = { 0 };

	for (int c = 0; c < STREAM_CLASS_COUNT; c++) {
		const struct conf_class *class =
			conf_find_class(conf, stream_class_name(c));
		if (!class)
			continue;
		says.by_class[c] = class->scheduler;
		if (c == STREAM_BULK)
			says.bulk_after_bytes = class->after_bytes;
	}
	return says;
}

static struct policy_names site_says(const struct conf_site *site)
{
	return (struct policy_names){
		.scheduler = site->scheduler,
		.order = site->order,
		.reinjection = site->reinjection,
	};
}

static struct policy_names wish_says(const struct wire_wish *wish)
{
	return (struct policy_names){
		.scheduler = wish->scheduler,
		.by_class[STREAM_INTERACTIVE] = wish->interactive,
		.order = wish->order,
		.reinjection = wish->reinjection,
	};
}

static void decide(const struct policy_names *says, unsigned count,
                   struct policy_names *out)
{
	*out = (struct policy_names){ 0 };
	for (unsigned i = 0; i < count; i++)
		merge(out, &says[i]);
}

void policy_of_gateway(const struct conf *conf,
                       const struct policy_names *person,
                       struct policy_names *out)
{
	const struct policy_names says[] = {
		*person, classes_say(conf), main_says(&conf->main),
	};

	decide(says, 3, out);
}

void policy_of_site(const struct conf *conf, const struct conf_site *site,
                    const struct wire_wish *wish,
                    const struct policy_names *person,
                    struct policy_names *out)
{
	const struct policy_names says[] = {
		*person, classes_say(conf), site_says(site), wish_says(wish),
		main_says(&conf->main),
	};

	decide(says, 5, out);
}

void policy_forget(struct policy_names *person,
                   const struct policy_names *before,
                   const struct policy_names *after)
{
	for (int c = 0; c < STREAM_CLASS_COUNT; c++)
		if (strcmp(before->by_class[c], after->by_class[c]) ||
		    strcmp(before->up_by_class[c], after->up_by_class[c]))
			person->by_class[c] = NULL;
	if (strcmp(before->order, after->order))
		person->order = NULL;
	if (strcmp(before->reinjection, after->reinjection))
		person->reinjection = NULL;
}

void policy_resolve(const struct policy_names *holds,
                    struct session_policy *out)
{
	int reinjection = reinject_find(holds->reinjection);

	/* The configuration's check has seen every name of the main section. */
	for (int c = 0; c < STREAM_CLASS_COUNT; c++) {
		out->scheduler[c] = sched_find(holds->up_by_class[c]);
		assert(out->scheduler[c]);
	}
	if (!strcmp(holds->order, POLICY_ORDER_AUTO))
		out->order = order_find(out->scheduler[STREAM_BULK]->order);
	else
		out->order = order_find(holds->order);
	assert(out->order && reinjection >= 0);
	out->reinjection = (enum reinject_policy)reinjection;
	out->bulk_after_bytes = holds->bulk_after_bytes;
	out->deep = true;
}

static void copy_name(char out[WIRE_NAME_MAX + 1], const char *name)
{
	snprintf(out, WIRE_NAME_MAX + 1, "%s", name);
}

void policy_wish(const struct policy_names *holds, struct wire_wish *out)
{
	*out = (struct wire_wish){ 0 };
	copy_name(out->scheduler, holds->by_class[STREAM_BULK]);
	copy_name(out->interactive, holds->by_class[STREAM_INTERACTIVE]);
	copy_name(out->order, holds->order);
	copy_name(out->reinjection, holds->reinjection);
}

void policy_told(const struct session_policy *policy, struct wire_wish *out)
{
	*out = (struct wire_wish){ 0 };
	copy_name(out->scheduler, policy->scheduler[STREAM_BULK]->name);
	copy_name(out->interactive, policy->scheduler[STREAM_INTERACTIVE]->name);
	copy_name(out->order, policy->order->name);
	copy_name(out->reinjection, reinject_name(policy->reinjection));
}

void policy_spell_out(struct wire_wish *wish)
{
	const struct sched_ops *sched = sched_find(wish->scheduler);

	if (sched && !strcmp(wish->order, POLICY_ORDER_AUTO))
		copy_name(wish->order, sched->order);
	if (!*wish->interactive)
		copy_name(wish->interactive, wish->scheduler);
}

void policy_known(struct policy_known *out)
{
	*out = (struct policy_known){ .orders = { POLICY_ORDER_AUTO } };
	for (size_t i = 0; i < sched_count && i < POLICY_KNOWN_MAX; i++)
		out->schedulers[i] = sched_all[i]->name;
	for (size_t i = 0; i < order_count && i < POLICY_KNOWN_MAX - 1; i++)
		out->orders[i + 1] = order_all[i]->name;
	for (int n = 0; n < REINJECT_COUNT; n++)
		out->reinjections[n] = reinject_name((enum reinject_policy)n);
}

static void add_unknown(struct buf *out, const char *what, const char *name,
                        const char *const *known)
{
	char list[LIST_MAX], clean[WIRE_NAME_MAX + 1];

	buf_printf(out, "%s%s '%s' (known: %s)", out->len ? ", " : "", what,
	           printable_ascii(clean, sizeof(clean), name),
	           words_list(known, list, sizeof(list)));
}

void policy_unknown(const struct wire_wish *wish, struct buf *out)
{
	struct policy_known known;

	policy_known(&known);
	if (*wish->scheduler && !scheduler_name(wish->scheduler))
		add_unknown(out, "scheduler", wish->scheduler, known.schedulers);
	if (*wish->interactive && !scheduler_name(wish->interactive) &&
	    strcmp(wish->interactive, wish->scheduler))
		add_unknown(out, "scheduler", wish->interactive,
		            known.schedulers);
	if (*wish->order && !order_name(wish->order))
		add_unknown(out, "order", wish->order, known.orders);
	if (*wish->reinjection && !reinjection_name(wish->reinjection))
		add_unknown(out, "reinjection", wish->reinjection,
		            known.reinjections);
}

static bool has(const unsigned *list, unsigned count, unsigned value)
{
	for (unsigned i = 0; i < count; i++)
		if (list[i] == value)
			return true;
	return false;
}

static bool has_host(const struct conf_class *class, const struct addr *host,
                     const uint8_t *mac)
{
	for (unsigned i = 0; host && i < class->host_count; i++)
		if (selector_host_has(&class->host[i], host, mac))
			return true;
	return false;
}

bool policy_hangs_on_mac(const struct conf *conf)
{
	for (unsigned i = 0; i < conf->class_count; i++)
		if (selector_hosts_have_mac(conf->classes[i].host, conf->classes[i].host_count))
			return true;
	return false;
}

int policy_class(const struct conf *conf, uint16_t port, int dscp,
                 const struct addr *host, const uint8_t *mac)
{
	int by_port = -1, by_host = -1;

	for (int c = 0; c < STREAM_CLASS_COUNT; c++) {
		const struct conf_class *class =
			conf_find_class(conf, stream_class_name(c));
		if (!class)
			continue;
		if (dscp >= 0 && has(class->dscp, class->dscp_count,
		                     (unsigned)dscp))
			return c;
		if (has(class->port, class->port_count, port))
			by_port = c;
		if (has_host(class, host, mac))
			by_host = c;
	}
	return by_port >= 0 ? by_port : by_host;
}
