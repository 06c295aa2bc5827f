/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a report says of a path that was never loaded: nothing, whatever
 * its kernel estimates (the puppet's: 10 MB/s of every lane).
 */
#include "agg/role/snapshot.h"
#include "tests/unit/transport/puppet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ESTIMATE_BPS 10000000u

static void look(const struct puppet *p, const struct snapshot_meter *meter,
                 bool gateway, struct report_uplink *out)
{
	struct snapshot snap = { .session = p->session, .meter = meter,
	                         .now_us = p->now_us, .gateway = gateway };

	memset(out, 0, sizeof(*out));
	snapshot_path(&snap, 0, out);
}

static void a_rate_that_was_never_seen_is_not_told(void **state)
{
	const struct puppet_args args = { .opens = true };
	struct snapshot_meter meter = { .best_us = 0 };
	struct report_uplink up, down;
	struct puppet p;

	puppet_init(&p, &args);
	puppet_attach(&p, 0);
	look(&p, &meter, true, &up);
	assert_int_equal(up.up_capacity_bps, 0);
	look(&p, &meter, false, &down);
	assert_int_equal(down.down_capacity_bps, 0);
	meter.best[0].tx_bps[0] = ESTIMATE_BPS / 3; /* not enough to bear it out */
	look(&p, &meter, true, &up);
	assert_int_equal(up.up_capacity_bps, 0);
	meter.best[0].tx_bps[0] = ESTIMATE_BPS / 2;
	look(&p, &meter, true, &up);
	assert_int_equal(up.up_capacity_bps, ESTIMATE_BPS);
	assert_int_equal(up.down_capacity_bps, 0);
	look(&p, &meter, false, &down);
	assert_int_equal(down.down_capacity_bps, ESTIMATE_BPS);
	puppet_finish(&p);
}

static void nothing_sent_has_no_loss(void **state)
{
	const struct puppet_args args = { .opens = true };
	struct snapshot_meter meter = { .best_us = 0 };
	struct report_uplink up;
	struct puppet p;

	puppet_init(&p, &args);
	look(&p, &meter, true, &up); /* no lane at all */
	assert_int_equal(up.sent_bytes, 0);
	assert_int_equal(up.srtt_us, 0);
	puppet_finish(&p);
}

/* Two segments that came back together are no rate. */
static void subflows_of_mptcp_tell_what_they_carried(void **state)
{
	struct mptcpinfo info = { .count = 1 };
	struct snapshot snap = { .gateway = true };
	struct report_subflow out = { .bundle = 0 };

	info.subflows[0].tcp = (struct tcpinfo){
		.delivery_rate_bps = 85000000, .bytes_acked = 2800 };
	snapshot_mptcp(&snap, &info, 0, &out);
	assert_int_equal(out.rate_bps, 0);
	info.subflows[0].tcp.bytes_acked = TCPINFO_SEEN_BYTES_MIN;
	snapshot_mptcp(&snap, &info, 0, &out);
	assert_int_equal(out.rate_bps, 85000000);
}

static void of_a_peer_that_hangs_it_says_so(void **state)
{
	const struct puppet_args args = { .opens = true };
	struct snapshot_meter meter = { .best_us = 0 };
	struct session_stats stats;
	struct report_uplink up;
	struct puppet p;

	puppet_init(&p, &args);
	puppet_attach(&p, 0);
	puppet_open(&p);
	puppet_say_ack(&p.lane[0], &p.lane[0]);
	puppet_write(&p.reader[0], 1000, false);
	puppet_pass(&p, 300000);
	look(&p, &meter, true, &up);
	assert_string_equal(up.why, "");
	puppet_pass(&p, 2000000);
	look(&p, &meter, true, &up);
	assert_int_equal(up.state, REPORT_PATH_SUSPECT);
	assert_string_equal(up.why, SESSION_MUTE_WORDS);
	session_stats(p.session, &stats);
	assert_int_equal(stats.lanes_mute, 1);
	puppet_say_ack(&p.lane[0], &p.lane[0]); /* it goes on */
	look(&p, &meter, true, &up);
	assert_string_equal(up.why, "");
	puppet_finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_that_was_never_seen_is_not_told),
		cmocka_unit_test(nothing_sent_has_no_loss),
		cmocka_unit_test(of_a_peer_that_hangs_it_says_so),
		cmocka_unit_test(subflows_of_mptcp_tell_what_they_carried),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
