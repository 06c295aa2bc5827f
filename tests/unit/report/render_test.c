/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: golden files of every renderer over three snapshots: a gateway with
 * uplinks in every state, a concentrator, and a daemon that has just started.
 */
#include "agg/report/report.h"
#include "tests/unit/golden.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#define OUT_MAX (4 * 1024 * 1024)
#define ALL (REPORT_PART_SESSIONS | REPORT_PART_UPLINKS | \
             REPORT_PART_STREAMS | REPORT_PART_SITES | REPORT_PART_SUBFLOWS | \
             REPORT_PART_DEVICES)
#define LIST (REPORT_PART_SESSIONS | REPORT_PART_CHOICES)
#define LONG_REASON 125
#define LONG_WORD 58 /* no line of 80 has room for it beside others */
#define SECOND_US 1000000ull
#define HOUR_US (3600 * SECOND_US)

static const struct render_ops *const renderers[] = {
	&render_text, &render_json, &render_metrics,
};

static void fill_uplinks(struct report *report)
{
	*report_add_uplink(report) = (struct report_uplink){
		.name = "dsl", .device = "wan1", .cost = "normal",
		.state = REPORT_PATH_UP, .address = "192.168.1.2",
		.endpoint = "203.0.113.10:443", .srtt_us = 12345,
		.rttvar_us = 1200, .min_rtt_us = 10010,
		.down_bps = 5887500, .up_bps = 2362500,
		.down_best_bps = 6012000, .up_best_bps = 2400000,
		.down_full_permille = 940, .up_full_permille = 3,
		.down_capacity_bps = 6225000, .up_capacity_bps = 2500000,
		.down_bytes = 1204000000, .up_bytes = 310000000,
		.sent_bytes = 310000000, .retransmitted_ppm = 1200,
		.subflows_alive = 4,
		.subflows_total = 4, .mptcp = "joined", .mptcp_alive = 2,
		.mptcp_total = 2, .mptcp_srtt_us = 12999,
		.mptcp_rate_bps = 5800000, .mptcp_down_bytes = 204000000,
		.mptcp_up_bytes = 10000000,
	};
	*report_add_uplink(report) = (struct report_uplink){
		.name = "lte", .device = "wwan0", .cost = "metered",
		.cost_why = "92.0 GB of its 100 GB are used, until 2026-10-05",
		.month_bytes = 92000000000, .cap_bytes = 100000000000,
		.state = REPORT_PATH_SUSPECT, .why = "no ack for 412 ms",
		.address = "2001:db8:5::17",
		.endpoint = "[2001:db8:ff::10]:443",
		.endpoint_name = "vps.example.net", .srtt_us = 61250,
		.min_rtt_us = 48000, .down_bytes = 999, .up_bytes = 999499,
		.sent_bytes = 999499, .retransmitted_ppm = 23000,
		.subflows_alive = 3,
		.subflows_total = 4, .reconnects = 1,
		.mptcp = "the option is stripped", .mptcp_total = 2,
	};
	*report_add_uplink(report) = (struct report_uplink){
		.name = "satellite", .device = "wan3", .cost = "backup",
		.state = REPORT_PATH_DOWN, .why = "no carrier",
		.subflows_total = 4, .reconnects = 12,
	};
	*report_add_uplink(report) = (struct report_uplink){
		.name = "spare", .device = "wan4", .cost = "normal",
		.state = REPORT_PATH_DISABLED,
	};
}

static void fill_subflows(struct report *report)
{
	*report_add_subflow(report) = (struct report_subflow){
		.uplink = "dsl", .local = "192.168.1.2:40000",
		.remote = "203.0.113.10:443", .srtt_us = 12999,
		.min_rtt_us = 10010, .rate_bps = 5800000,
		.down_bytes = 204000000, .up_bytes = 10000000,
		.sent_bytes = 10000000, .retransmitted_ppm = 1200,
		.silent_us = 3000,
	};
	*report_add_subflow(report) = (struct report_subflow){
		.bundle = 1, .local = "10.0.0.9:40001", .checksum = true,
		.remote = "203.0.113.10:443",
	};
}

static void fill_streams(struct report *report)
{
	*report_add_stream(report) = (struct report_stream){
		.id = 7, .class = "bulk", .client = "192.168.100.20:51234",
		.dest = "198.51.100.7:443", .state = REPORT_STREAM_OPEN,
		.age_us = 75 * SECOND_US, .down_bytes = 123456789,
		.up_bytes = 4321, .share_count = 3,
		.shares = { { 0, 52 * 1000 }, { 1, 38 * 1000 },
		            { REPORT_SHARE_MPTCP, 10 * 1000 } },
	};
	*report_add_stream(report) = (struct report_stream){
		.id = 1024, .class = "interactive", .client = "[2001:db8:100::20]:40000",
		.dest = "a\x1b[2Jb\xff.example:80",
		.state = REPORT_STREAM_OPENING, .age_us = 40000,
	};
}

static void fill_devices(struct report *report)
{
	*report_add_device(report) = (struct report_device){
		.name = "00:16:3e:01:02:03", .address = "192.168.100.20",
		.down_bytes = 1200000000, .up_bytes = 30000000,
	};
	*report_add_device(report) = (struct report_device){
		.name = "others", .down_bytes = 999, .up_bytes = 1,
	};
}

static void fill_gateway(struct report *report)
{
	report->head = (struct report_head){ .role = "gateway",
		.version = "0.1.0", .uptime_us = 51 * HOUR_US,
		.descriptors_used = 57, .descriptors_max = 523264,
		.own_pin = "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU" };
	*report_add_session(report) = (struct report_session){
		.concentrator = "vps", .state = REPORT_SESSION_UP,
		.age_us = 2 * HOUR_US + 180 * SECOND_US, .scheduler = "lowrtt",
		.down = { "ecf", "ecf", "roundrobin", "suspect" },
		.up = { "ecf", "lowrtt", "priority", "tail" },
		.again_bytes = { 1200000, 0, 34567, 890, 65000 },
		.picks_sent = 123456, .picks_waited = 2345, .picks_again = 67,
		.down_flow = { .known = true, .paths_permille = 950,
		               .credit_permille = 12, .sender_cpu_permille = 345,
		               .receiver_cpu_permille = 210, .hole = true },
		.up_flow = { .receiver_cpu_permille = 345 },
		.ends = { { "finished", 1234 }, { "connection refused", 5 } },
		.end_count = 2,
		.silent_us = 412345, .silent_uplink = "lte",
		.carrier = "mptcp and subflows", .carrier_wanted = "mptcp",
		.carrier_why = "our subflows on 1 uplink that MPTCP does not reach",
		.interception = { REPORT_INTERCEPTION_BROKEN,
		                  "rule 30000 was removed" },
		.kernel_scheduler = "default", .peer_known = true,
		.mptcp = { .fallbacks = 2, .joins = 9, .joined = 6,
		           .checksum_errors = 1 },
		.library = "OpenSSL 3.0.22",
		.cipher = "TLS_AES_128_GCM_SHA256", .bundles = 4, .streams = 2,
		.memory_bytes = 1200000, .memory_budget_bytes = 32 << 20,
		.down_bytes = 1204000999, .up_bytes = 310999499,
	};
	fill_uplinks(report);
	fill_subflows(report);
	fill_streams(report);
	fill_devices(report);
}

static void fill_concentrator(struct report *report)
{
	report->head = (struct report_head){ .role = "concentrator",
		.version = "0.1.0", .uptime_us = 59 * SECOND_US,
		.own_pin = "sha256:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564" };
	*report_add_session(report) = (struct report_session){
		.tunnel = { .state = REPORT_TUNNEL_UP, .mtu = 1417, .flows = 12,
		            .device_offload = "tcp", .segments = true, .device_in = 5000,
		            .device_reads = 1000, .device_out = 9000, .device_writes = 2000,
			.queued_bytes = 1500, .memory_bytes = 70000,
			.down_packets = 8000,
			.down_bytes = 9600000, .up_packets = 7000,
			.up_bytes = 910000,
			.drop = { { "queue full", 3 }, { "of a false source", 1 } },
			.drop_count = 2, .path_count = 2,
			.class = { [REPORT_NORMAL] = { 6000, 9000000, 3, 2500 },
			           [REPORT_REALTIME] = { 2000, 600000, 0, 40 } },
			.path = { { .uplink = "dsl", .works = true,
			            .srtt_us = 12000, .down_bytes = 9900000,
			            .up_bytes = 990000, .mtu = 1500,
			            .rate_bps = 6250000, .queue_us = 3000,
			            .loss_ppm = 200 },
			          { .uplink = "lte" } } },
		.site = "home", .state = REPORT_SESSION_OUTAGE,
		.why = "all paths are down", .age_us = 4 * SECOND_US,
		.scheduler = "lowrtt", .carrier = "subflows",
		.down = { "lowrtt", "lowrtt", "roundrobin", "off" },
		.streams = 1, .memory_budget_bytes = 32 << 20,
	};
	*report_add_uplink(report) = (struct report_uplink){
		.site = "home", .name = "dsl", .state = REPORT_PATH_CONNECTING,
		.endpoint = "192.0.2.99:40001", .subflows_total = 4,
	};
	*report_add_stream(report) = (struct report_stream){
		.id = 1, .site = "home", .client = "192.168.100.20:51234",
		.dest = "198.51.100.7:443", .state = REPORT_STREAM_FINISHING,
		.age_us = 3 * HOUR_US, .up_bytes = 5, .share_count = 1,
		.shares = { { 0, 5 } },
	};
	*report_add_site(report) = (struct report_site){ .name = "home",
		.connected = true, .since_us = 3 * HOUR_US, .uplinks = 1,
		.streams = 1, .down_bytes = 1, .up_bytes = 2000000000000,
		.month_bytes = 420000000000, .quota_bytes = 500000000000,
		.rate_mbps = 50,
		.note = "another gateway with the same key, at 192.0.2.7, is "
		        "refused" };
	*report_add_site(report) = (struct report_site){ .name = "office",
		.since_us = 26 * HOUR_US };
	*report_add_site(report) = (struct report_site){ .name = "new" };
	report->left_out = 3;
}

static void fill_choices(struct report *report)
{
	fill_gateway(report);
	*report_add_choice(report) = (struct report_choice){ "scheduler", "ecf",
		"the fastest path", "roundrobin", "down, up interactive" };
	*report_add_choice(report) = (struct report_choice){ "scheduler",
		"lowrtt", "the path of least round-trip time", "roundrobin",
		"up bulk" };
	*report_add_choice(report) = (struct report_choice){ "order", "fifo",
		"the stream that came first", "", "" };
	*report_add_choice(report) = (struct report_choice){ "reinjection",
		"tail", "and the last pieces", "", "up" };
}

static void fill_started(struct report *report)
{
	report->head = (struct report_head){ .role = "gateway",
		.version = "0.1.0" };
}

static void check(const char *name, void (*fill)(struct report *),
                  unsigned parts)
{
	for (size_t i = 0; i < sizeof(renderers) / sizeof(renderers[0]); i++) {
		struct report report;
		struct buf out;
		char path[512];

		report_init(&report);
		fill(&report);
		buf_init(&out, OUT_MAX);
		assert_int_equal(report_render(&report, renderers[i], parts, 0,
		                               &out), 0);
		snprintf(path, sizeof(path), GOLDEN_DIR "/%s.%s", name,
		         renderers[i]->name);
		golden_check(path, &out);
		buf_finish(&out);
		report_finish(&report);
	}
}

static void gateway(void **state)
{
	check("gateway", fill_gateway, ALL & ~REPORT_PART_SITES);
}

static void concentrator(void **state)
{
	check("concentrator", fill_concentrator, ALL);
}

static void just_started(void **state)
{
	check("started", fill_started, ALL);
}

static void only_what_was_asked_for(void **state)
{
	check("streams", fill_gateway, REPORT_PART_STREAMS);
	check("uplinks", fill_gateway, REPORT_PART_UPLINKS);
	check("choices", fill_choices, LIST);
}

/* As wide as it gets: eight uplinks of two sites, IPv6, large numbers. */
static void fill_wide(struct report *report)
{
	fill_gateway(report);
	strcpy(report->head.waits_for, "an address of this host as its listen "
	       "says, [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535, and more");
	for (unsigned i = 0; i < 8; i++) {
		struct report_uplink *u = report_add_uplink(report);
		*u = (struct report_uplink){
			.name = "fibre-of-the-second-floor-north", .device = "wan0",
			.state = REPORT_PATH_CONNECTING, .cost = "metered",
			.address = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
			.endpoint = "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535",
			.srtt_us = 1234567, .down_bps = 1250000000,
			.down_best_bps = 1250000000, .up_bps = 112500000,
			.up_best_bps = 125000000, .down_bytes = 999000000000,
			.sent_bytes = 1, .retransmitted_ppm = 1000000,
			.subflows_alive = 7, .subflows_total = 8,
			.reconnects = 123456, .mptcp_alive = 1, .mptcp_total = 8,
		};
		if (i % 2)
			strcpy(u->site, "the-office-in-the-other-town");
		memset(u->why, 'w', LONG_REASON);
		memset(u->mptcp, 'm', LONG_REASON);
		for (size_t k = 9; k < LONG_REASON; k += 10)
			u->why[k] = u->mptcp[k] = ' ';
	}
	struct report_stream *s = report_add_stream(report);
	*s = (struct report_stream){ .id = 4294967295u, .class = "interactive",
		.site = "office", .state = REPORT_STREAM_FINISHING,
		.client = "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535",
		.age_us = 400 * 24 * HOUR_US, .down_bytes = 999000000000 };
	memset(s->dest, 'd', sizeof(s->dest) - 1);
}

static void render_text_at(void (*fill)(struct report *), unsigned parts,
                           unsigned line_max, struct buf *out)
{
	struct report report;

	report_init(&report);
	fill(&report);
	buf_init(out, OUT_MAX);
	assert_int_equal(report_render(&report, &render_text, parts, line_max,
	                               out), 0);
	assert_int_equal(buf_put(out, "", 1), 0);
	report_finish(&report);
}

/* Of the lines, the longest but for those that end in one long word. */
static size_t longest_line(const char *text)
{
	size_t longest = 0;

	for (; *text; text += strcspn(text, "\n") + 1) {
		size_t n = strcspn(text, "\n"), word = 0;
		while (word < n && text[n - 1 - word] != ' ')
			word++;
		if (n > longest && word < LONG_WORD)
			longest = n;
	}
	return longest;
}

static void check_words(const char *text, const char *all)
{
	char word[OUT_MAX / 1024];

	while (*(text += strspn(text, " \n"))) {
		size_t n = strcspn(text, " \n");
		/* What follows a cell below its row is ours to set. */
		size_t bare = n && strchr(",;", text[n - 1]) ? n - 1 : n;
		snprintf(word, sizeof(word), "%.*s", (int)bare, text);
		assert_non_null(strstr(all, word));
		text += n;
	}
}

static void nothing_is_wider_than_the_terminal(void **state)
{
	static const unsigned widths[] = { 70, 80, 100, 132, 200 };
	struct buf wide, narrow;

	render_text_at(fill_wide, ALL | REPORT_PART_CHOICES, 0, &wide);
	assert_true(longest_line((char *)buf_head(&wide)) > 300);
	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		render_text_at(fill_wide, ALL | REPORT_PART_CHOICES, widths[i],
		               &narrow);
		if (longest_line((char *)buf_head(&narrow)) > widths[i])
			fail_msg("wider than %u:\n%s", widths[i],
			         (char *)buf_head(&narrow));
		/* And nothing is cut: each word of one is in the other. */
		check_words((char *)buf_head(&wide), (char *)buf_head(&narrow));
		check_words((char *)buf_head(&narrow), (char *)buf_head(&wide));
		buf_finish(&narrow);
	}
	buf_finish(&wide);
}

static void check_80(const char *name, void (*fill)(struct report *),
                     unsigned parts)
{
	char path[512];
	struct buf out;

	render_text_at(fill, parts, 80, &out);
	out.len--; /* the NUL */
	snprintf(path, sizeof(path), GOLDEN_DIR "/%s.text", name);
	golden_check(path, &out);
	buf_finish(&out);
}

static void eighty_columns(void **state)
{
	check_80("gateway-80", fill_gateway, ALL & ~REPORT_PART_SITES);
	check_80("concentrator-80", fill_concentrator, ALL);
	check_80("choices-80", fill_choices, LIST);
	check_80("uplinks-80", fill_wide, REPORT_PART_UPLINKS);
}

static void fill_alone(struct report *report)
{
	report->head = (struct report_head){ .role = "concentrator",
		.version = "0.1.0" };
}

static void fill_waiting(struct report *report)
{
	fill_alone(report);
	*report_add_site(report) = (struct report_site){ .name = "home" };
}

/* A concentrator says what it waits for. */
static void what_is_not_there_says_what_to_do(void **state)
{
	check_80("alone", fill_alone, ALL);
	check_80("waiting", fill_waiting, ALL);
}

/* The limits hold, and what did not fit is counted. */
static void fill_outage(struct report *report)
{
	struct report_interception *i =
		&report_add_session(report)->interception;

	i->state = REPORT_INTERCEPTION_IN_FORCE;
	strcpy(i->why, "new connections leave directly");
}

#define STATUS (REPORT_PART_SESSIONS | REPORT_PART_UPLINKS | REPORT_PART_SUBFLOWS)
#define SCREEN_LINES 24 /* with a prompt below */

/* Two uplinks of four do not work, and much was sent again. */
static void fill_degraded(struct report *report)
{
	fill_gateway(report);
	struct report_session *s = report->sessions;
	s->interception = (struct report_interception){
		REPORT_INTERCEPTION_IN_FORCE, "" };
	strcpy(s->carrier, "subflows");
	strcpy(s->carrier_wanted, "auto");
	strcpy(s->carrier_why, "MPTCP was worse: 65.2 Mbit/s of our own 66.5, an echo "
	       "took 117 ms, not 26; so our own subflows carry it");
	s->mptcp = (struct report_mptcp){ 0 };
	s->up = s->down;
	strcpy(report->uplinks[1].endpoint, "203.0.113.10:443");
}

/* Forty sites of three uplinks each; one in seven has an uplink that is gone. */
static void fill_many(struct report *report)
{
	report->head = (struct report_head){ .role = "concentrator",
		.version = "0.1.0", .own_pin = "sha256:47DEQpj8HBSa" };
	for (unsigned i = 0; i < 120; i++) {
		struct report_uplink *u = report_add_uplink(report);
		struct report_session *s = i % 3 ? NULL : report_add_session(report);
		*u = (struct report_uplink){ .state = i % 7 ? REPORT_PATH_UP :
			REPORT_PATH_SUSPECT, .down_bps = 1000000, .srtt_us = 20000 };
		snprintf(u->site, sizeof(u->site), "site%u", i / 3);
		snprintf(u->name, sizeof(u->name), "uplink%u", i % 3);
		if (!s)
			continue;
		*s = (struct report_session){ .state = i % 5 ? REPORT_SESSION_UP :
			REPORT_SESSION_OUTAGE, .carrier = "subflows" };
		snprintf(s->site, sizeof(s->site), "site%u", i / 3);
	}
}

/* The packet tunnel's queue, and who lets no datagrams pass. */
static void fill_deaf(struct report *report)
{
	fill_gateway(report);
	struct report_tunnel *tunnel = &report->sessions[0].tunnel;
	tunnel->state = REPORT_TUNNEL_UP;
	tunnel->path_count = 2;
	strcpy(tunnel->path[0].uplink, "lte"); /* which is not up */
	strcpy(tunnel->path[1].uplink, "dsl");
	tunnel->path[1].queue_us = 3000;
}

static void uplinks_say_what_datagrams_do(void **state)
{
	struct buf out;

	render_text_at(fill_deaf, REPORT_PART_UPLINKS, 0, &out);
	char *text = (char *)buf_head(&out), *first = strstr(text, "UDP does not pass");
	assert_true(first && !strstr(first + 1, "UDP does not pass"));
	assert_true(strstr(text, "queue") && strstr(text, "3.00 ms"));
	buf_finish(&out);
}

static void a_status_fits_a_screen(void **state)
{
	static void (*const fills[])(struct report *) = { fill_degraded,
		fill_concentrator, fill_many, fill_started, fill_waiting };

	for (size_t i = 0; i < sizeof(fills) / sizeof(*fills); i++) {
		struct buf out;
		unsigned lines = 0;
		render_text_at(fills[i], STATUS, 80, &out);
		for (const char *at = (char *)buf_head(&out); *at; at++)
			lines += *at == '\n';
		if (lines >= SCREEN_LINES)
			fail_msg("%u lines:\n%s", lines, (char *)buf_head(&out));
		buf_finish(&out);
	}
}

/* Of many it is told how many more there are, and where to look. */
static void of_many_the_rest_is_counted(void **state)
{
	struct buf out;

	render_text_at(fill_many, STATUS, 80, &out);
	assert_non_null(strstr((char *)buf_head(&out), "38 sessions and 112 uplinks "
	                       "more: 'aggctl sites'"));
	buf_finish(&out);
}

static void an_outage_is_said_of_the_interception(void **state)
{
	struct buf out;

	render_text_at(fill_outage, REPORT_PART_SESSIONS, 80, &out);
	assert_non_null(strstr((char *)buf_head(&out), "  interception: in force; "
	                       "new connections leave directly\n"));
	buf_finish(&out);
}

static void too_many_streams_are_counted(void **state)
{
	struct report report;

	report_init(&report);
	for (unsigned i = 0; i < REPORT_STREAMS_MAX; i++)
		assert_non_null(report_add_stream(&report));
	assert_null(report_add_stream(&report));
	assert_null(report_add_stream(&report));
	assert_int_equal(report.stream_count, REPORT_STREAMS_MAX);
	assert_int_equal(report.left_out, 2);
	report_finish(&report);
}

/* A buffer that is too small is an error, wherever the text is cut. */
static void full_buffer_is_an_error(void **state)
{
	struct report report;
	struct buf out;

	report_init(&report);
	fill_gateway(&report);
	for (size_t i = 0; i < sizeof(renderers) / sizeof(renderers[0]); i++) {
		for (size_t max = 0; max < 400; max += 7) {
			buf_init(&out, max);
			assert_int_equal(report_render(&report, renderers[i], ALL,
			                               0, &out), -ENOBUFS);
			assert_true(out.len <= max);
			buf_finish(&out);
		}
	}
	report_finish(&report);
}

/* Another's parser takes our JSON, with every uplink in it. */
static void json_parses(void **state)
{
	struct report report;
	struct buf out;
	struct json_object *uplinks, *root;

	report_init(&report);
	fill_gateway(&report);
	buf_init(&out, OUT_MAX);
	assert_int_equal(report_render(&report, &render_json, ALL, 0, &out), 0);
	assert_int_equal(buf_put(&out, "", 1), 0);
	root = json_tokener_parse((const char *)buf_head(&out));
	assert_non_null(root);
	assert_true(json_object_object_get_ex(root, "uplinks", &uplinks));
	assert_int_equal(json_object_array_length(uplinks),
	                 report.uplink_count);
	json_object_put(root);
	buf_finish(&out);
	report_finish(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gateway),
		cmocka_unit_test(concentrator),
		cmocka_unit_test(just_started),
		cmocka_unit_test(only_what_was_asked_for),
		cmocka_unit_test(nothing_is_wider_than_the_terminal),
		cmocka_unit_test(eighty_columns),
		cmocka_unit_test(what_is_not_there_says_what_to_do),
		cmocka_unit_test(uplinks_say_what_datagrams_do),
		cmocka_unit_test(a_status_fits_a_screen),
		cmocka_unit_test(of_many_the_rest_is_counted),
		cmocka_unit_test(an_outage_is_said_of_the_interception),
		cmocka_unit_test(too_many_streams_are_counted),
		cmocka_unit_test(full_buffer_is_an_error),
		cmocka_unit_test(json_parses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
