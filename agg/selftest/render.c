/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see selftest.h: prints, for a person and for programs.
 */
#include "agg/selftest/selftest.h"

#include "agg/base/columns.h"
#include "agg/selftest/ceiling.h"

#include <errno.h>
#include <stdio.h>

#include <json-c/json.h>

#define LINE_MAX_CHARS 80
#define CELL_MAX 32

static const struct {
	const char *name, *key, *use;
} features[SELFTEST_FEATURES] = {
	[SELFTEST_TPROXY] = { "TPROXY", "tproxy", "takes the LAN's connections" },
	[SELFTEST_TUN] = { "TUN", "tun", "the packet tunnel's device" },
	[SELFTEST_NFT] = { "nft", "nft", "rules, and NAT of the tunnel" },
	[SELFTEST_MPTCP] = { "MPTCP", "mptcp", "carrier mptcp; else our own" },
	[SELFTEST_BBR] = { "BBR", "bbr", "short queues, loss does no harm" },
	[SELFTEST_SEGMENT] = { "UDP_SEGMENT", "udp_segment", "a fast tunnel" },
	[SELFTEST_POWERS] = { "powers", "capabilities", "all of the above" },
};

/* What aggd would choose: it tries them at its start, too. */
static double fastest(const double mb[TRIAL_SUITES])
{
	return mb[TRIAL_CHACHA20] > mb[TRIAL_AES_128] ? mb[TRIAL_CHACHA20]
	                                              : mb[TRIAL_AES_128];
}

static struct ceiling_cost streams_cost(const struct trial *t)
{
	return (struct ceiling_cost){ ceiling_ns_of_rate(fastest(t->record_mb)),
	                              t->tcp_ns };
}

static struct ceiling_cost tunnel_cost(const struct trial *t)
{
	return (struct ceiling_cost){ ceiling_ns_of_rate(fastest(t->packet_mb)),
	                              t->udp_ns };
}

static void add_number(struct columns *c, double number, int decimals,
                       const char *unit)
{
	char text[CELL_MAX];

	snprintf(text, sizeof(text), "%.*f%s", decimals, number, unit);
	columns_add(c, number > 0 ? text : "-");
}

static void print_ciphers(const struct trial *t, struct buf *out)
{
	struct columns c;

	columns_init(&c, "lrr");
	columns_add(&c, "cipher, MB/s of one core");
	columns_add(&c, "16 KiB records");
	columns_add(&c, "1400 B packets");
	for (unsigned i = 0; i < TRIAL_SUITES; i++) {
		columns_add(&c, trial_suite_name((enum trial_suite)i));
		add_number(&c, t->record_mb[i], 0, "");
		add_number(&c, t->packet_mb[i], 0, "");
	}
	columns_print(&c, LINE_MAX_CHARS, out);
	columns_finish(&c);
}

static void print_features(const struct selftest *t, struct buf *out)
{
	struct columns c;

	columns_init(&c, "llln");
	columns_add(&c, "feature");
	columns_add(&c, "there");
	columns_add(&c, "for");
	columns_add(&c, "why not");
	for (unsigned i = 0; i < SELFTEST_FEATURES; i++) {
		columns_add(&c, features[i].name);
		columns_add(&c, t->features[i].there ? "yes" : "no");
		columns_add(&c, features[i].use);
		columns_add(&c, t->features[i].there ? "" : t->features[i].why);
	}
	columns_print(&c, LINE_MAX_CHARS, out);
	columns_finish(&c);
}

static void print_ceiling(const struct trial *t, struct buf *out)
{
	const struct ceiling_cost costs[] = { streams_cost(t), tunnel_cost(t) };
	static const char *const names[] = { "streams", "packet tunnel" };
	struct columns c;

	columns_init(&c, "lrrr");
	columns_add(&c, "expected ceiling of one core");
	columns_add(&c, "Mbit/s");
	columns_add(&c, "kernel");
	columns_add(&c, "cipher");
	for (unsigned i = 0; i < 2; i++) {
		columns_add(&c, names[i]);
		add_number(&c, ceiling_mbit(&costs[i]), 0, "");
		add_number(&c, costs[i].system_ns, 2, " ns/B");
		add_number(&c, costs[i].cipher_ns, 2, " ns/B");
	}
	columns_print(&c, LINE_MAX_CHARS, out);
	columns_finish(&c);
}

static void print(const struct selftest *t, const char *version, struct buf *out)
{
	buf_printf(out, "aggd %s on Linux %s, %s: %ld core%s, %ld MB of memory\n\n",
	           version, t->kernel, t->machine, t->cores,
	           t->cores == 1 ? "" : "s", t->memory_mb);
	print_ciphers(&t->trial, out);
	buf_printf(out, "\n");
	print_features(t, out);
	buf_printf(out, "\n");
	print_ceiling(&t->trial, out);
	buf_printf(out, "\n");
	buf_printf(out, "Links that are slower together than that are the limit, not this "
	           "machine. It is\nan estimate: network cards are not in it, nor that "
	           "packets go faster together.\n");
}

/* JSON --------------------------------------------------------------------------- */

static void put_number(struct json_object *to, const char *key, double number)
{
	char text[CELL_MAX];

	snprintf(text, sizeof(text), "%.3f", number);
	json_object_object_add(to, key, number > 0 ?
	                       json_object_new_double_s(number, text) : NULL);
}

static struct json_object *object_in(struct json_object *to, const char *key)
{
	struct json_object *made = json_object_new_object();

	json_object_object_add(to, key, made);
	return made;
}

static void put_ceiling(struct json_object *to, const char *key,
                        const struct ceiling_cost *cost)
{
	struct json_object *it = object_in(to, key);

	put_number(it, "mbit_per_s", ceiling_mbit(cost));
	put_number(it, "kernel_ns_per_byte", cost->system_ns);
	put_number(it, "cipher_ns_per_byte", cost->cipher_ns);
	put_number(it, "cipher_part", ceiling_cipher_part(cost));
}

static void put_all(struct json_object *all, const struct selftest *t,
                    const char *version)
{
	const struct ceiling_cost streams = streams_cost(&t->trial);
	const struct ceiling_cost tunnel = tunnel_cost(&t->trial);

	json_object_object_add(all, "version", json_object_new_string(version));
	json_object_object_add(all, "kernel", json_object_new_string(t->kernel));
	json_object_object_add(all, "machine", json_object_new_string(t->machine));
	json_object_object_add(all, "cores", json_object_new_int64(t->cores));
	json_object_object_add(all, "memory_mb", json_object_new_int64(t->memory_mb));
	struct json_object *ciphers = object_in(all, "ciphers");
	for (unsigned i = 0; i < TRIAL_SUITES; i++) {
		struct json_object *it =
			object_in(ciphers, trial_suite_name((enum trial_suite)i));
		put_number(it, "record_mb_per_s", t->trial.record_mb[i]);
		put_number(it, "packet_mb_per_s", t->trial.packet_mb[i]);
	}
	struct json_object *found = object_in(all, "features");
	for (unsigned i = 0; i < SELFTEST_FEATURES; i++) {
		struct json_object *it = object_in(found, features[i].key);
		json_object_object_add(it, "there",
		                       json_object_new_boolean(t->features[i].there));
		json_object_object_add(it, "why_not",
		                       json_object_new_string(t->features[i].why));
	}
	struct json_object *ceiling = object_in(all, "ceiling");
	put_ceiling(ceiling, "streams", &streams);
	put_ceiling(ceiling, "tunnel", &tunnel);
}

static int print_json(const struct selftest *t, const char *version,
                      struct buf *out)
{
	struct json_object *all = json_object_new_object();

	if (!all)
		return -ENOMEM;
	put_all(all, t, version);
	const char *text = json_object_to_json_string_ext(all,
	                                                  JSON_C_TO_STRING_PRETTY);
	int err = buf_printf(out, "%s\n", text ? text : "");
	json_object_put(all);
	return text && err >= 0 ? 0 : -ENOMEM;
}

int selftest_tell(bool json, const char *version, struct buf *out)
{
	struct selftest found;

	selftest_look(&found);
	if (json)
		return print_json(&found, version, out);
	print(&found, version, out);
	return 0;
}
