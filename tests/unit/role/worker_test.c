/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a worker by its messages alone. Subflows are the stage's, the way out is
 * played here.
 */
#include "agg/role/workers.h"

#include "agg/role/ipv6.h"
#include "stage.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OTHER_PIN "sha256:58DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

/* The way out ----------------------------------------------------------------- */

struct relays { char any; };
struct resolver { char any; };
struct outlet { const struct egress *egress; };

static struct relays relays;
static struct resolver resolver;
static struct outlet outlet;
static const char *names_lack;
static unsigned resolver_reloads;

struct relays *relays_create(struct loop *loop)
{
	return &relays;
}

void relays_destroy(struct relays *r)
{
}

struct resolver *resolver_create(const struct resolver_args *args)
{
	return &resolver;
}

void resolver_destroy(struct resolver *r)
{
}

int resolver_reload(struct resolver *r)
{
	resolver_reloads++;
	return 0;
}

const char *resolver_lacks(const struct resolver *r)
{
	return names_lack;
}

struct outlet *outlet_create(const struct outlet_args *args)
{
	outlet.egress = args->egress;
	return &outlet;
}

void outlet_destroy(struct outlet *o)
{
}

int ipv6_init(struct ipv6 *six, const struct ipv6_args *args)
{
	*six = (struct ipv6){ .args = *args };
	return 0;
}

void ipv6_finish(struct ipv6 *six)
{
}

void ipv6_set_ready(struct ipv6 *six, bool ready)
{
	six->ready = ready;
}

bool ipv6_works(const struct ipv6 *six)
{
	return six->ready;
}

bool ipv6_is_broken(const struct ipv6 *six)
{
	return false;
}

/* The worker ------------------------------------------------------------------- */

static struct stage stage; /* for its loop and its subflows */
static struct worker *worker;
static struct conf *conf;
static unsigned changes;

static void on_change(void *ctx)
{
	changes++;
}

static bool is_local(void *ctx, const struct addr *a)
{
	return a->ip[0] == 192;
}

static void tell(const char *text, bool mptcp, bool ipv6)
{
	struct worker_facts facts = { .is_local = is_local,
	                              .takes_mptcp = mptcp, .ipv6_ready = ipv6 };
	struct conf_error error;
	struct conf *old = conf;

	assert_int_equal(conf_parse("f", text, strlen(text), NULL, &conf,
	                            &error), 0);
	facts.conf = conf;
	assert_int_equal(worker_facts(worker, &facts), 0);
	conf_free(old);
}

/* The door hands it over. */
static void adopt(void *ctx, struct subflow *sf, const struct tls_pin *pin,
                  const struct wire_hello *hello)
{
	worker_adopt(worker, sf, pin, hello);
}

static int begin(void **state)
{
	stage_begin(&stage, STAGE_MAIN "list listen 192.0.2.1:443\n" STAGE_SITE);
	stage.door.adopt = adopt;
	const struct worker_args args = { .loop = stage.loop, .workers = 1,
		.memory_max = 64u << 20, .mptcp_host = &stage.mptcp_host, .on_change = on_change };
	worker = worker_create(&args);
	assert_non_null(worker);
	tell(STAGE_MAIN STAGE_SITE, true, false);
	return 0;
}

static int finish(void **state)
{
	worker_destroy(worker);
	stage_end(&stage);
	conf_free(conf);
	conf = NULL;
	return 0;
}

static struct subflow *join(uint8_t path)
{
	struct subflow *sf = stage_come(&stage, "192.0.2.77:1");

	stage_greet(sf, STAGE_PIN, 1, path, 0);
	return sf;
}

static uint32_t flags_heard(struct subflow *sf)
{
	struct wire_frame frame;
	uint32_t flags = UINT32_MAX;

	while (stage_hear(sf, WIRE_SETTINGS, &frame))
		flags = frame.settings.flags;
	return flags;
}

static void open_stream(struct subflow *sf, uint32_t id)
{
	struct wire_frame open = { .type = WIRE_OPEN, .open = {
		.stream = id, .credit = 65536,
		.dest.addr = { .family = AF_INET, .port = 80,
		               .ip = { 203, 0, 113, 1 } },
	} };

	stage_say(sf, &open);
}

static void adopted_is_joined(void **state)
{
	unsigned before = changes;
	struct subflow *a = join(0), *b = join(1);

	assert_non_null(a->lane);
	assert_non_null(b->lane);
	assert_true(changes > before);
	assert_null(stage.door.strangers);
	assert_int_equal(stage.door.guard.under_way, 0);
	open_stream(a, 1);
	stage_turn(&stage);
	assert_int_equal(stage.dials, 1);
	assert_int_equal(worker_streams(worker), 1);
}

/* The door may know a pin longer than the worker does. */
static void adopted_in_vain(void **state)
{
	tell(STAGE_MAIN, true, false);
	struct subflow *sf = join(0);
	assert_null(sf->lane);
	assert_string_equal(sf->told, "unknown pin; it was revoked, or never joined");
	stage_break(sf, sf->told);
}

static void facts_are_told_on(void **state)
{
	struct addr own = { .family = AF_INET, .ip = { 192, 0, 2, 1 } };
	struct subflow *sf = join(0);

	assert_int_equal(flags_heard(sf), WIRE_HAS_MPTCP | WIRE_KEEPS);
	tell(STAGE_MAIN STAGE_SITE, false, true);
	assert_int_equal(flags_heard(sf), WIRE_HAS_IPV6 | WIRE_KEEPS);
	assert_true(outlet.egress->is_local(outlet.egress->ctx, &own));
	assert_int_equal(outlet.egress->allow_count, 0);
	tell(STAGE_MAIN STAGE_SITE "config egress\nlist allow 10.0.0.0/8\n", false,
	     true);
	assert_int_equal(outlet.egress->allow_count, 1);
	assert_non_null(sf->lane);
}

static void facts_end_who_is_not_there(void **state)
{
	struct subflow *sf = join(0);

	tell(STAGE_MAIN "config site home\noption pin " OTHER_PIN "\n", true,
	     false);
	assert_true(sf->destroyed);
}

/* The same configuration again, with another device: nothing is read anew. */
static void other_facts_reload_nothing(void **state)
{
	struct worker_facts facts = { .conf = conf, .is_local = is_local,
	                              .ipv6_ready = true };
	unsigned before = resolver_reloads;

	assert_int_equal(worker_facts(worker, &facts), 0);
	assert_int_equal(resolver_reloads, before);
	tell(STAGE_MAIN STAGE_SITE, false, true);
	assert_int_equal(resolver_reloads, before + 1);
}

static void a_choice_holds(void **state)
{
	const struct choice choice = { .scheduler = "roundrobin", .class = -1 };
	struct conf_site away = { .name = "away" };
	struct buf out;

	buf_init(&out, 4096);
	join(0);
	assert_int_equal(worker_choose(worker, conf->sites, &choice, &out), 0);
	assert_non_null(memmem(buf_head(&out), out.len, "down to home: roundrobin",
	                       24));
	assert_int_equal(worker_choose(worker, &away, &choice, &out), -EINVAL);
	buf_finish(&out);
}

static void while_it_drains_nothing_begins(void **state)
{
	struct subflow *sf = join(0);
	struct wire_frame frame;

	worker_drain(worker);
	assert_int_equal(flags_heard(sf), WIRE_HAS_MPTCP | WIRE_DRAINING | WIRE_KEEPS);
	open_stream(sf, 1);
	assert_true(stage_hear(sf, WIRE_RESET, &frame));
	assert_int_equal(stage.dials, 0);
	assert_null(join(1)->lane);
}

static void a_report_has_all(void **state)
{
	struct report report;

	join(0);
	report_init(&report);
	names_lack = "a name server";
	snprintf(report.head.waits_for, sizeof(report.head.waits_for), "a door");
	worker_report(worker, &report);
	names_lack = NULL;
	assert_string_equal(report.head.waits_for, "a door, a name server");
	assert_int_equal(report.site_count, 1);
	assert_true(report.sites[0].connected);
	assert_int_equal(report.session_count, 1);
	report_finish(&report);
}

/* Two threads -------------------------------------------------------------------- */

#define PINS 8u

static struct worker *two[2];

/* Whatever was on its way is there. */
static void arrive(void)
{
	stage_turn(&stage);
	for (unsigned i = 0; i < 2; i++)
		worker_streams(two[i]);
}

static void adopt_by_pin(void *ctx, struct subflow *sf,
                         const struct tls_pin *pin,
                         const struct wire_hello *hello)
{
	worker_adopt(two[worker_of(pin, 2)], sf, pin, hello);
}

static void pin_text(unsigned i, char out[TLS_PIN_TEXT_LEN + 1])
{
	struct tls_pin pin = { .sha256 = { 0, (uint8_t)i, 1 } };

	tls_pin_format(&pin, out);
}

static int begin_two(void **state)
{
	char text[4096] = STAGE_MAIN "list listen 192.0.2.1:443\n";
	char pin[TLS_PIN_TEXT_LEN + 1];
	struct worker_facts facts = { .is_local = is_local };
	struct conf_error error;

	for (unsigned i = 0; i < PINS; i++) {
		size_t n = strlen(text);
		pin_text(i, pin);
		snprintf(text + n, sizeof(text) - n,
		         "config site s%u\noption pin %s\n", i, pin);
	}
	stage_begin(&stage, text);
	stage.door.adopt = adopt_by_pin;
	assert_int_equal(conf_parse("f", text, strlen(text), NULL, &conf,
	                            &error), 0);
	facts.conf = conf;
	for (unsigned i = 0; i < 2; i++) {
		const struct worker_args args = { .loop = stage.loop,
			.index = i, .workers = 2, .memory_max = 64u << 20,
			.mptcp_host = &stage.mptcp_host,
			.on_change = on_change };
		two[i] = worker_create(&args);
		assert_non_null(two[i]);
		assert_int_equal(worker_facts(two[i], &facts), 0);
		assert_int_equal(worker_start(two[i]), 0);
	}
	return 0;
}

static int finish_two(void **state)
{
	for (unsigned i = 0; i < 2; i++)
		worker_destroy(two[i]);
	stage_end(&stage);
	conf_free(conf);
	conf = NULL;
	return 0;
}

static unsigned shares_left = UINT_MAX;

struct share *__real_share_create(struct share_pool *pool, const char *whose);
struct share *__wrap_share_create(struct share_pool *pool, const char *whose);

struct share *__wrap_share_create(struct share_pool *pool, const char *whose)
{
	if (!shares_left)
		return NULL;
	shares_left--;
	return __real_share_create(pool, whose);
}

static unsigned sites_of(struct worker *w, unsigned *connected)
{
	struct report report;

	report_init(&report);
	worker_report(w, &report);
	unsigned n = (unsigned)report.site_count;
	*connected = 0;
	for (unsigned i = 0; i < n; i++)
		*connected += report.sites[i].connected;
	report_finish(&report);
	return n;
}

/* Each site is on one of them, and so is who comes for it. */
static void each_site_has_its_thread(void **state)
{
	char pin[TLS_PIN_TEXT_LEN + 1];
	unsigned n[2], connected[2];

	for (unsigned i = 0; i < PINS; i++) {
		struct subflow *sf = stage_come(&stage, "192.0.2.77:1");
		pin_text(i, pin);
		stage_greet(sf, pin, 1, 0, 0);
		assert_null(sf->lane); /* on its way */
		arrive();
		assert_non_null(sf->lane);
		assert_ptr_not_equal(sf->args.loop, stage.loop);
	}
	for (unsigned i = 0; i < 2; i++)
		n[i] = sites_of(two[i], &connected[i]);
	assert_int_equal(n[0] + n[1], PINS);
	assert_int_equal(n[0], n[1]);
	assert_int_equal(connected[0] + connected[1], PINS);
}

/* One thread has no memory for what is new: the others do not take it either. */
static void facts_are_taken_by_all_or_none(void **state)
{
	struct workers all = { .all = { two[0], two[1] }, .count = 2 };
	struct worker_facts facts = { .is_local = is_local };
	char text[4096] = STAGE_MAIN "list listen 192.0.2.1:443\n";
	char pin[TLS_PIN_TEXT_LEN + 1];
	struct conf_error error;
	struct conf *other;
	unsigned connected;

	for (unsigned i = PINS; i < 2 * PINS; i++) {
		size_t n = strlen(text);
		pin_text(i, pin);
		snprintf(text + n, sizeof(text) - n,
		         "config site s%u\noption pin %s\n", i, pin);
	}
	pin_text(0, pin);
	struct subflow *sf = stage_come(&stage, "192.0.2.77:1");
	stage_greet(sf, pin, 1, 0, 0);
	arrive();
	assert_int_equal(conf_parse("f", text, strlen(text), NULL, &other,
	                            &error), 0);
	facts.conf = other;
	shares_left = PINS - 1;
	assert_int_equal(workers_facts(&all, &facts), -ENOMEM);
	shares_left = UINT_MAX;
	assert_false(sf->destroyed);
	assert_int_equal(sites_of(two[0], &connected) +
	                 sites_of(two[1], &connected), PINS);
	assert_int_equal(workers_facts(&all, &facts), 0);
	assert_true(sf->destroyed);
	conf_free(conf);
	conf = other;
}

static void who_dies_on_his_way_is_gone(void **state)
{
	char pin[TLS_PIN_TEXT_LEN + 1];
	unsigned connected;

	pin_text(0, pin);
	struct subflow *sf = stage_come(&stage, "192.0.2.77:1");
	stage_greet(sf, pin, 1, 0, 0);
	sf->broken = true;
	arrive();
	stage_break(sf, "gone");
	sites_of(two[0], &connected);
	assert_int_equal(connected, 0);
}

/* Who is on his way when all ends is ended. */
static void who_comes_at_the_end(void **state)
{
	char pin[TLS_PIN_TEXT_LEN + 1];

	pin_text(0, pin);
	struct subflow *sf = stage_come(&stage, "192.0.2.77:1");
	stage_greet(sf, pin, 1, 0, 0);
	stage_turn(&stage);
	worker_destroy(two[0]);
	two[0] = NULL;
	assert_true(sf->destroyed);
}

static void orders_reach_the_thread(void **state)
{
	const struct choice choice = { .scheduler = "roundrobin", .class = -1 };
	struct tls_pin pin;
	struct buf out;

	buf_init(&out, 4096);
	for (unsigned i = 0; i < PINS; i++) {
		memcpy(pin.sha256, conf->sites[i].pin.sha256, sizeof(pin.sha256));
		struct worker *his = two[worker_of(&pin, 2)];
		struct worker *other = two[!worker_of(&pin, 2)];
		assert_int_equal(worker_choose(his, &conf->sites[i], &choice,
		                               &out), 0);
		assert_int_equal(worker_choose(other, &conf->sites[i], &choice,
		                               &out), -EINVAL);
	}
	buf_finish(&out);
	worker_drain(two[0]);
	worker_drain(two[1]);
}

/* One has a thread and one has none: all ends, and says why. */
static unsigned threads_left = UINT_MAX;

typedef void *thread_fn(void *ctx);

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                          thread_fn *fn, void *ctx);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                          thread_fn *fn, void *ctx);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                          thread_fn *fn, void *ctx)
{
	if (!threads_left)
		return EAGAIN;
	threads_left--;
	return __real_pthread_create(thread, attr, fn, ctx);
}

static void threads_that_are_not_to_be_had(void **state)
{
	const struct worker_args args = { .loop = stage.loop,
		.memory_max = 64u << 20, .mptcp_host = &stage.mptcp_host,
		.on_change = on_change };
	struct conf_main main = conf->main;
	struct workers all;

	main.workers = 2;
	threads_left = 1;
	assert_int_equal(workers_init(&all, &main, &args), 0);
	assert_int_equal(loop_run(stage.loop), -EAGAIN);
	assert_int_equal(workers_streams(&all), 0);
	workers_finish(&all);
	threads_left = UINT_MAX;
}

int main(void)
{
#define ROW_OF_TWO(fn) cmocka_unit_test_setup_teardown(fn, begin_two, finish_two)
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, begin, finish)
	const struct CMUnitTest tests[] = {
		ROW(adopted_is_joined),
		ROW(threads_that_are_not_to_be_had),
		ROW(adopted_in_vain),
		ROW(facts_are_told_on),
		ROW(facts_end_who_is_not_there),
		ROW(other_facts_reload_nothing),
		ROW(a_choice_holds),
		ROW(while_it_drains_nothing_begins),
		ROW(a_report_has_all),
		ROW_OF_TWO(each_site_has_its_thread),
		ROW_OF_TWO(facts_are_taken_by_all_or_none),
		ROW_OF_TWO(who_dies_on_his_way_is_gone),
		ROW_OF_TWO(who_comes_at_the_end),
		ROW_OF_TWO(orders_reach_the_thread),
	};
#undef ROW
#undef ROW_OF_TWO

	return cmocka_run_group_tests_name("role/worker", tests, NULL, NULL);
}
