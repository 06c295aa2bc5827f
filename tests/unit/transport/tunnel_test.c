/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: two tunnels under virtual time: keys, paths that come, fall silent and change their
 * address, and what others throw at the port.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/scheduler.h"
#include "tunnel_pair.h"

#include <errno.h>
#include <string.h>

#define S UINT64_C(1000000)
#define MS UINT64_C(1000)

static struct pair p;

static struct pair_side *const gateway = &p.side[PAIR_GATEWAY];
static struct pair_side *const concentrator = &p.side[PAIR_CONCENTRATOR];

/* Nothing is lost, doubled or out of order, of what both sides sent. */
static void assert_all_came(void)
{
	for (unsigned side = 0; side < PAIR_SIDES; side++) {
		assert_int_equal(p.side[!side].received, p.side[side].next_seq);
		assert_int_equal(p.side[!side].doubles, 0);
		assert_int_equal(p.side[!side].disordered, 0);
	}
}

static void refused(unsigned side, enum tunnel_refusal why, uint64_t n)
{
	assert_int_equal(pair_stats(&p, side).refused[why], n);
}

static void it_carries_both_ways(void **state)
{
	pair_begin(&p, 1);
	assert_true(tunnel_is_up(gateway->tunnel));
	assert_true(tunnel_is_up(concentrator->tunnel));
	pair_load(&p, 1000, 2 * S);
	pair_run(&p, 100 * MS);
	assert_int_equal(gateway->next_seq, 2000);
	assert_all_came();
	struct tunnel_stats s = pair_stats(&p, PAIR_GATEWAY);
	assert_int_equal(s.tx_packets, 2000);
	assert_int_equal(s.rx_packets, 2000);
	assert_in_range(s.path[0].srtt_us, 20 * MS, 21 * MS);
	assert_int_equal(s.epoch_in, 1);
	assert_int_equal(s.epoch_out, 1);
	pair_finish(&p);
}

static void without_a_path_or_a_key_it_waits(void **state)
{
	pair_init(&p);
	pair_run(&p, S);
	assert_false(tunnel_is_up(gateway->tunnel));
	assert_int_equal(gateway->sent[0], 0);
	pair_finish(&p);

	pair_init(&p);
	concentrator->silent = true; /* its key does not arrive */
	pair_up(&p, 0);
	pair_send(&p, PAIR_GATEWAY, 1, 500);
	pair_run(&p, 5 * S);
	assert_int_equal(gateway->sent[0], 0);
	assert_int_equal(concentrator->sent[0], 0);
	pair_finish(&p);
}

/* It is asked at once, and what was put meanwhile goes when it answers. */
static void what_waits_goes_when_a_path_comes(void **state)
{
	pair_init(&p);
	pair_send(&p, PAIR_GATEWAY, 1, 500);
	pair_run(&p, 300 * MS);
	pair_up(&p, 3);
	pair_run(&p, 100 * MS);
	assert_int_equal(concentrator->received, 1);
	pair_finish(&p);
}

static void the_first_path_is_dead_at_start(void **state)
{
	pair_init(&p);
	p.path[0].cut[0] = p.path[0].cut[1] = true;
	pair_up(&p, 0);
	pair_up(&p, 1);
	pair_run(&p, S);
	assert_false(pair_is_usable(&p, PAIR_GATEWAY, 0));
	assert_true(pair_is_usable(&p, PAIR_GATEWAY, 1));
	pair_load(&p, 100, S);
	pair_run(&p, 100 * MS);
	assert_all_came();
	pair_finish(&p);
}

static void a_silent_cut_moves_to_another_path(void **state)
{
	pair_begin(&p, 2);
	p.path[1].delay_us = 30 * MS;
	pair_load(&p, 200, S);
	p.path[0].cut[0] = p.path[0].cut[1] = true;
	pair_load(&p, 200, S);
	assert_false(pair_is_usable(&p, PAIR_GATEWAY, 0));
	assert_false(pair_is_usable(&p, PAIR_CONCENTRATOR, 0));
	unsigned before = concentrator->received;
	pair_load(&p, 200, S);
	assert_in_range(concentrator->received, before + 190, before + 210);
	p.path[0].cut[0] = p.path[0].cut[1] = false;
	pair_run(&p, S);
	assert_true(pair_is_usable(&p, PAIR_GATEWAY, 0));
	assert_int_equal(concentrator->doubles, 0);
	pair_finish(&p);
}

/* The peer is heard, and does not hear us: within 300 ms others carry it, and then the path
 * is known to be dead. */
static void a_cut_of_one_way_is_seen(void **state)
{
	for (unsigned side = 0; side < PAIR_SIDES; side++) {
		pair_begin(&p, 2);
		pair_load(&p, 200, S);
		p.path[0].cut[side] = true;
		pair_load(&p, 200, 300 * MS);
		unsigned received = p.side[!side].received;
		pair_load(&p, 200, S);
		assert_in_range(p.side[!side].received, received + 199, received + 203);
		assert_false(pair_is_usable(&p, PAIR_GATEWAY, 0));
		assert_true(pair_is_usable(&p, PAIR_GATEWAY, 1));
		pair_finish(&p);
	}
}

/* The same number, the same counters: no id runs out, and no nonce repeats. */
static void a_path_may_flap(void **state)
{
	pair_begin(&p, 2);
	for (int i = 0; i < 300; i++) {
		tunnel_path(gateway->tunnel, 0, TUNNEL_PATH_DOWN, 0);
		pair_load(&p, 100, 50 * MS);
		tunnel_path(gateway->tunnel, 0, TUNNEL_PATH_UP, 0);
		pair_load(&p, 100, 50 * MS);
	}
	pair_run(&p, S);
	assert_true(pair_is_usable(&p, PAIR_GATEWAY, 0));
	for (unsigned side = 0; side < PAIR_SIDES; side++)
		assert_int_equal(p.side[!side].received, p.side[side].next_seq);
	pair_finish(&p);
}

static bool lose_data;

static bool tap_last_of_the_first(struct pair *pair, unsigned from, unsigned path,
                                  uint8_t *bytes, size_t n)
{
	return !lose_data || from != PAIR_CONCENTRATOR || path != 0;
}

/* What was sent last there was lost, while news of what went before it still came. Nothing
 * else goes there until it is asked. */
static void a_path_whose_last_was_lost_is_used_again(void **state)
{
	pair_init(&p);
	pair_up(&p, 0);
	pair_up(&p, 1);
	p.path[1].delay_us = 60 * MS;
	pair_run(&p, 2 * S);
	p.tap = tap_last_of_the_first;
	for (unsigned i = 0; i < 600; i++) {
		lose_data = i >= 595;
		pair_send(&p, PAIR_CONCENTRATOR, 1, 600);
		pair_run(&p, 2 * MS);
	}
	pair_run(&p, 300 * MS);
	lose_data = false;
	pair_run(&p, S);
	unsigned sent = concentrator->sent[1];
	for (unsigned i = 0; i < 20; i++) {
		pair_send(&p, PAIR_CONCENTRATOR, 2, 600);
		pair_run(&p, 20 * MS);
	}
	assert_int_equal(concentrator->sent[1], sent);
	pair_finish(&p);
}

static void an_idle_path_is_kept(void **state)
{
	pair_init(&p);
	pair_up(&p, 0);
	for (unsigned side = 0; side < PAIR_SIDES; side++)
		tunnel_path(p.side[side].tunnel, 0, TUNNEL_PATH_UP, SCHED_CLASS_METERED);
	pair_run(&p, 200 * MS);
	unsigned sent = gateway->sent[0];
	pair_run(&p, 3600 * S);
	assert_in_range(gateway->sent[0] - sent, 230, 245);
	assert_true(pair_is_usable(&p, PAIR_GATEWAY, 0));
	uint64_t bytes = pair_stats(&p, PAIR_GATEWAY).path[0].tx_bytes +
	                 pair_stats(&p, PAIR_GATEWAY).path[0].rx_bytes;
	assert_true(bytes + 28 * 2 * 245 < 40000); /* with the headers outside */
	pair_finish(&p);
}

/* A NAT takes another port in the middle of a load. */
static void the_peer_moves(void **state)
{
	pair_begin(&p, 1);
	pair_load(&p, 200, S);
	p.path[0].port = 50000;
	pair_load(&p, 200, S);
	pair_run(&p, 100 * MS);
	assert_int_equal(concentrator->ends[0].peer.port, 50000);
	assert_int_equal(pair_stats(&p, PAIR_CONCENTRATOR).path[0].moves, 2);
	assert_int_equal(concentrator->received, gateway->next_seq);
	/* Down, what went to the old port until then is lost, nothing more. */
	assert_in_range(gateway->received, concentrator->next_seq - 20,
	                concentrator->next_seq);
	pair_finish(&p);
}

/* Each minute the NAT takes another port, whatever goes on: nobody waits for long. */
static void a_nat_drops_each_mapping(void **state)
{
	pair_begin(&p, 1);
	for (int minute = 0; minute < 5; minute++) {
		p.path[0].port++;
		unsigned before = gateway->received;
		for (int i = 0; i < 3000; i++) {
			pair_send(&p, PAIR_CONCENTRATOR, 1, 200);
			pair_send(&p, PAIR_GATEWAY, 1, 60);
			pair_run(&p, 20 * MS);
		}
		assert_true(gateway->received - before >= 3000 - 300 / 20);
	}
	assert_int_equal(pair_stats(&p, PAIR_CONCENTRATOR).path[0].moves, 6);
	pair_finish(&p);
}

/* One that forgets within 20 s does not get to it while nothing goes on. */
static void a_nat_that_forgets_is_reminded(void **state)
{
	pair_begin(&p, 1);
	uint64_t longest_us = 0, last_us = p.now_us;
	unsigned sent = gateway->sent[0];
	for (int i = 0; i < 3600; i++) {
		pair_run(&p, 100 * MS);
		if (gateway->sent[0] != sent)
			last_us = p.now_us;
		sent = gateway->sent[0];
		if (p.now_us - last_us > longest_us)
			longest_us = p.now_us - last_us;
	}
	assert_true(longest_us < 20 * S);
	pair_finish(&p);
}

/* A new port, for one that the NAT in the middle no longer knows. */
static void a_dead_path_asks_for_another_socket(void **state)
{
	pair_begin(&p, 1);
	p.path[0].cut[0] = p.path[0].cut[1] = true;
	pair_load(&p, 100, 6 * S);
	assert_in_range(gateway->deaths, 1, 3);
	assert_int_equal(concentrator->deaths, 0);
	p.path[0].port = 50001;
	p.path[0].cut[0] = p.path[0].cut[1] = false;
	tunnel_renewed(gateway->tunnel, 0, AF_INET);
	pair_run(&p, 200 * MS);
	assert_true(pair_is_usable(&p, PAIR_GATEWAY, 0));
	assert_true(pair_is_usable(&p, PAIR_CONCENTRATOR, 0));
	pair_finish(&p);
}

/* What goes to an address of which nobody answered yet is bounded. */
static uint64_t towards_new, from_new;

static bool watch_new(struct pair *pair, unsigned from, unsigned path, uint8_t *bytes,
                      size_t n)
{
	if (from == PAIR_GATEWAY)
		from_new += n;
	else
		towards_new += n;
	return from == PAIR_GATEWAY; /* nothing arrives there: it is not ours */
}

static void an_unproved_address_gets_little(void **state)
{
	pair_begin(&p, 1);
	p.tap = watch_new;
	towards_new = from_new = 0;
	p.path[0].port = 50000;
	for (int i = 0; i < 5; i++)
		pair_send(&p, PAIR_GATEWAY, 1, 400);
	pair_run(&p, 15 * MS);
	assert_int_equal(concentrator->ends[0].peer.port, 50000);
	towards_new = 0;
	for (int i = 0; i < 100; i++)
		pair_send(&p, PAIR_CONCENTRATOR, 2, 1200);
	pair_run(&p, 5 * MS);
	assert_true(towards_new > 0);
	assert_true(towards_new <= 3 * from_new);
	pair_finish(&p);
}

/* Replay --------------------------------------------------------------------- */

#define KEPT 70000u
static struct { size_t n; unsigned path; uint8_t bytes[128]; } *kept;
static size_t kept_count;

static bool keep(struct pair *pair, unsigned from, unsigned path, uint8_t *bytes, size_t n)
{
	if (from == PAIR_GATEWAY && kept_count < KEPT && n <= sizeof(kept[0].bytes)) {
		kept[kept_count].n = n;
		kept[kept_count].path = path;
		memcpy(kept[kept_count++].bytes, bytes, n);
	}
	return true;
}

static void replay_all(uint16_t port)
{
	for (size_t i = 0; i < kept_count; i++)
		pair_inject(&p, PAIR_CONCENTRATOR, kept[i].path, port, kept[i].bytes,
		            kept[i].n);
	pair_run(&p, 0);
}

/* Each of them from elsewhere: none is taken, and the address stays. */
static void nothing_is_taken_twice(void **state)
{
	kept = test_calloc(KEPT, sizeof(*kept));
	kept_count = 0;
	pair_begin(&p, 2);
	p.tap = keep;
	for (int i = 0; i < 500; i++) {
		pair_send(&p, PAIR_GATEWAY, (uint16_t)i, 60);
		pair_run(&p, MS);
	}
	pair_run(&p, 100 * MS);
	p.tap = NULL;
	unsigned sent = concentrator->sent[0] + concentrator->sent[1];
	replay_all(666);
	assert_int_equal(concentrator->received, 500);
	refused(PAIR_CONCENTRATOR, TUNNEL_REPLAYED, kept_count);
	assert_int_equal(concentrator->ends[0].peer.port, 40000);
	assert_int_equal(concentrator->sent[0] + concentrator->sent[1], sent);
	pair_finish(&p);
	test_free(kept);
}

/* And what never arrived is not taken when it is older than the window, or its key. */
static void what_is_too_old_is_not_taken(void **state)
{
	kept = test_calloc(KEPT, sizeof(*kept));
	kept_count = 0;
	p.renew_packets = 80000;
	p.epoch_kept_us = 2 * S;
	pair_begin(&p, 1);
	p.path[0].cut[PAIR_GATEWAY] = true;
	p.tap = keep;
	pair_send(&p, PAIR_GATEWAY, 1, 60);
	pair_run(&p, 20 * MS);
	p.tap = NULL;
	p.path[0].cut[PAIR_GATEWAY] = false;
	assert_true(kept_count > 0);
	for (int i = 0; i < 65536; i += 64) {
		for (int k = 0; k < 64; k++)
			pair_send(&p, PAIR_GATEWAY, 7, 60);
		gateway->next_seq %= PAIR_SEQ_MAX - 64;
		pair_run(&p, 4 * MS); /* its rate takes them all */
	}
	pair_run(&p, S);
	unsigned received = concentrator->received;
	replay_all(666);
	assert_int_equal(concentrator->received, received);
	refused(PAIR_CONCENTRATOR, TUNNEL_REPLAYED, kept_count);
	for (int i = 0; i < 20000; i++) { /* a new key */
		pair_send(&p, PAIR_GATEWAY, 7, 60);
		gateway->next_seq %= PAIR_SEQ_MAX - 64;
		if (i % 64 == 0)
			pair_run(&p, 4 * MS);
	}
	pair_run(&p, 5 * S);
	assert_int_equal(pair_stats(&p, PAIR_CONCENTRATOR).epoch_in, 2);
	received = concentrator->received;
	replay_all(666);
	assert_int_equal(concentrator->received, received);
	refused(PAIR_CONCENTRATOR, TUNNEL_UNKNOWN, kept_count);
	pair_finish(&p);
	test_free(kept);
}

/* Keys ------------------------------------------------------------------------ */

/* Again and again, under load, over paths of which one is slow: nothing is lost. */
static void keys_are_renewed_under_load(void **state)
{
	p.renew_packets = 1000;
	p.epoch_kept_us = 400 * MS;
	pair_begin(&p, 2);
	p.path[0].jitter_us = 15 * MS;
	pair_load(&p, 2000, 5 * S);
	pair_run(&p, S);
	for (unsigned side = 0; side < PAIR_SIDES; side++) {
		struct tunnel_stats s = pair_stats(&p, side);
		assert_int_equal(p.side[!side].received, p.side[side].next_seq);
		assert_int_equal(p.side[side].doubles, 0);
		assert_true(s.epoch_in >= 5);
		assert_int_equal(s.refused[TUNNEL_UNKNOWN] + s.refused[TUNNEL_FORGED], 0);
	}
	pair_finish(&p);
}

static void a_key_gets_old(void **state)
{
	pair_begin(&p, 1);
	pair_run(&p, 500 * S);
	assert_int_equal(pair_stats(&p, PAIR_GATEWAY).epoch_in, 1);
	pair_run(&p, 200 * S);
	assert_int_equal(pair_stats(&p, PAIR_GATEWAY).epoch_in, 2);
	assert_int_equal(pair_stats(&p, PAIR_CONCENTRATOR).epoch_out, 2);
	assert_true(pair_is_usable(&p, PAIR_GATEWAY, 0));
	pair_finish(&p);
}

/* One end without AES: both are spared it. */
static void the_slower_end_chooses_the_suite(void **state)
{
	for (int slow = 0; slow < 2; slow++) {
		p.suite[slow] = AEAD_CHACHA20_POLY1305_SHA256;
		pair_begin(&p, 1);
		pair_load(&p, 100, S);
		pair_run(&p, 100 * MS);
		assert_all_came();
		assert_int_equal(pair_stats(&p, (unsigned)slow).epoch_in, 1);
		assert_int_equal(pair_stats(&p, (unsigned)!slow).epoch_in, 2);
		pair_finish(&p);
	}
}

/* Doubles and old ones change nothing; a suite that we have not is said. */
static void a_key_is_taken_once(void **state)
{
	struct wire_frame frame = { .type = WIRE_TUNNEL_KEY, .tunnel_key = { .epoch = 1 } };

	pair_begin(&p, 1);
	assert_int_equal(tunnel_frame(gateway->tunnel, &frame), 0);
	frame.tunnel_key.epoch = 9;
	frame.tunnel_key.suite = 77;
	assert_int_equal(tunnel_frame(gateway->tunnel, &frame), -EOPNOTSUPP);
	frame.type = WIRE_TUNNEL_NET;
	assert_int_equal(tunnel_frame(gateway->tunnel, &frame), 0);
	pair_load(&p, 100, S);
	pair_run(&p, 100 * MS);
	assert_all_came();
	pair_finish(&p);
}

/* What is on its way to the one before is no longer understood, and harmless. */
static void the_concentrator_restarts(void **state)
{
	pair_begin(&p, 1);
	pair_load(&p, 100, S);
	pair_send(&p, PAIR_GATEWAY, 1, 100);
	pair_run(&p, MS);
	pair_restart(&p, PAIR_CONCENTRATOR);
	pair_restart(&p, PAIR_GATEWAY); /* its session is another one, too */
	pair_up(&p, 0);
	pair_run(&p, 200 * MS);
	assert_true(pair_stats(&p, PAIR_CONCENTRATOR).refused[TUNNEL_UNKNOWN] > 0);
	unsigned received = concentrator->received;
	pair_load(&p, 100, S);
	pair_run(&p, 100 * MS);
	assert_int_equal(concentrator->received, received + 100);
	pair_finish(&p);
}

/* Strangers -------------------------------------------------------------------- */

static void random_ones_are_dropped(void **state)
{
	uint8_t bytes[200];

	pair_begin(&p, 1);
	unsigned sent = concentrator->sent[0];
	for (int i = 0; i < 20000; i++) {
		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (uint8_t)(pair_random(&p) >> 20);
		bytes[0] = i % 2 ? 0x10 : bytes[0];
		pair_inject(&p, PAIR_CONCENTRATOR, 0, 666, bytes, pair_random(&p) % 200);
	}
	pair_run(&p, 0);
	refused(PAIR_CONCENTRATOR, TUNNEL_UNKNOWN, 20000);
	assert_int_equal(concentrator->sent[0], sent);
	assert_int_equal(concentrator->ends[0].peer.port, 40000);
	pair_finish(&p);
}

/* A genuine one with a bit turned, that an eavesdropper sends first. */
static bool forge(struct pair *pair, unsigned from, unsigned path, uint8_t *bytes, size_t n)
{
	if (from == PAIR_GATEWAY) {
		size_t at = 2 + pair_random(pair) % (n - 2);
		bytes[at] ^= (uint8_t)(1u << pair_random(pair) % 8);
		pair_inject(pair, PAIR_CONCENTRATOR, path, 666, bytes, n);
		return false;
	}
	return true;
}

static void forged_ones_are_dropped(void **state)
{
	pair_begin(&p, 1);
	pair_load(&p, 100, S);
	unsigned received = concentrator->received;
	p.tap = forge;
	pair_load(&p, 100, 100 * MS);
	p.tap = NULL;
	assert_int_equal(concentrator->received, received);
	assert_true(pair_stats(&p, PAIR_CONCENTRATOR).refused[TUNNEL_FORGED] > 0);
	assert_int_equal(concentrator->ends[0].peer.port, 40000);
	pair_load(&p, 100, S);
	pair_run(&p, 100 * MS);
	assert_in_range(concentrator->received, gateway->next_seq - 15, gateway->next_seq);
	pair_finish(&p);
}

/* Of a genuine index, more than we have time for: the peer's own get through. */
static void a_flood_of_forged_ones_is_cut_off(void **state)
{
	kept = test_calloc(KEPT, sizeof(*kept));
	kept_count = 0;
	pair_begin(&p, 1);
	p.tap = keep;
	pair_send(&p, PAIR_GATEWAY, 1, 60);
	pair_run(&p, 20 * MS);
	p.tap = NULL;
	assert_true(kept_count > 0);
	for (uint32_t i = 0; i < 20000; i++) {
		kept[0].bytes[7] = (uint8_t)(i % 16); /* counters of the future */
		kept[0].bytes[9] = (uint8_t)i;
		pair_inject(&p, PAIR_CONCENTRATOR, 0, 666, kept[0].bytes, kept[0].n);
	}
	pair_send(&p, PAIR_GATEWAY, 1, 60);
	pair_run(&p, 20 * MS);
	assert_int_equal(concentrator->received, 2);
	assert_in_range(pair_stats(&p, PAIR_CONCENTRATOR).refused[TUNNEL_FORGED], 19000, 20000);
	p.path[0].port = 50000; /* and when it is over, the peer may move again */
	pair_run(&p, 100 * MS);
	pair_send(&p, PAIR_GATEWAY, 1, 60);
	pair_run(&p, 20 * MS);
	assert_int_equal(concentrator->ends[0].peer.port, 50000);
	pair_finish(&p);
	test_free(kept);
}

/* The limits of what is put ---------------------------------------------------- */

static void what_is_no_packet_is_dropped(void **state)
{
	pair_begin(&p, 1);
	struct packet *packet = packet_get(gateway->pool);
	packet->len = 100;
	memset(packet_data(packet), 0, 100);
	tunnel_put(gateway->tunnel, packet);
	pair_send(&p, PAIR_GATEWAY, 1, tunnel_mtu(gateway->tunnel));
	pair_send(&p, PAIR_GATEWAY, 1, tunnel_mtu(gateway->tunnel) + 1);
	pair_run(&p, 100 * MS);
	struct tunnel_stats s = pair_stats(&p, PAIR_GATEWAY);
	assert_int_equal(s.dropped[TUNNEL_DROP_MALFORMED], 1);
	assert_int_equal(s.dropped[TUNNEL_DROP_TOO_LONG], 1);
	assert_int_equal(concentrator->received, 1);
	pair_finish(&p);
}

static void a_busy_path_keeps_them_waiting(void **state)
{
	pair_begin(&p, 1);
	p.path[0].busy[PAIR_GATEWAY] = true;
	for (int i = 0; i < 10; i++)
		pair_send(&p, PAIR_GATEWAY, 1, 100);
	pair_run(&p, 50 * MS);
	assert_int_equal(concentrator->received, 0);
	assert_true(pair_stats(&p, PAIR_GATEWAY).path[0].busy);
	p.path[0].busy[PAIR_GATEWAY] = false;
	tunnel_writable(gateway->tunnel, 0);
	pair_run(&p, 50 * MS);
	assert_int_equal(concentrator->received, 10);
	assert_all_came();
	pair_finish(&p);
}

/* All paths are away for half a minute: what comes then is not from before. */
static void nothing_old_arrives(void **state)
{
	pair_begin(&p, 1);
	p.path[0].cut[0] = p.path[0].cut[1] = true;
	for (int i = 0; i < 300; i++) {
		pair_send(&p, PAIR_GATEWAY, 1, 100);
		pair_run(&p, 100 * MS);
	}
	p.path[0].cut[0] = p.path[0].cut[1] = false;
	pair_load(&p, 100, 2 * S);
	pair_run(&p, 100 * MS);
	assert_true(concentrator->received > 100);
	assert_true(concentrator->worst_us <= S + 20 * MS);
	pair_finish(&p);
}

/* Sizes -------------------------------------------------------------------------- */

static unsigned mtu_of(unsigned path)
{
	return pair_stats(&p, PAIR_GATEWAY).path[path].mtu;
}

static void assert_passes_from(unsigned side, size_t n)
{
	unsigned received = p.side[!side].received;

	pair_send(&p, side, 1, n);
	pair_run(&p, 50 * MS);
	assert_int_equal(p.side[!side].received, received + 1);
}

static void assert_passes(size_t n)
{
	assert_passes_from(PAIR_GATEWAY, n);
}

/* Each is found, and what is inside fits the least of them. */
static void paths_have_their_sizes(void **state)
{
	static const uint16_t sizes[] = { 1500, 1492, 1400, 1280 };

	pair_init(&p);
	for (unsigned i = 0; i < 4; i++) {
		p.path[i].mtu = sizes[i];
		pair_up(&p, i);
	}
	pair_run(&p, 4 * S);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(mtu_of(i), sizes[i]);
	assert_int_equal(tunnel_mtu(gateway->tunnel), 1280); /* and no less */
	tunnel_path(gateway->tunnel, 3, TUNNEL_PATH_DOWN, 0);
	pair_run(&p, 50 * S);
	pair_send(&p, PAIR_GATEWAY, 1, 100);
	assert_int_equal(tunnel_mtu(gateway->tunnel), 1280);
	pair_run(&p, 30 * S);
	assert_int_equal(tunnel_mtu(gateway->tunnel), 1400 - 28 - 35);
	pair_finish(&p);
}

/* Before anything is known, and where less than 1280 passes; both ways. */
static void what_does_not_fit_is_split(void **state)
{
	pair_init(&p);
	p.path[0].mtu = 1200;
	pair_up(&p, 0);
	for (unsigned side = 0; side < PAIR_SIDES; side++)
		pair_send(&p, side, 1, TUNNEL_MTU);
	pair_run(&p, 100 * MS);
	assert_int_equal(concentrator->received, 1);
	assert_int_equal(gateway->received, 1);
	pair_run(&p, 4 * S);
	for (unsigned side = 0; side < PAIR_SIDES; side++) {
		assert_int_equal(pair_stats(&p, side).path[0].mtu, 1200);
		assert_int_equal(tunnel_mtu(p.side[side].tunnel), 1280);
	}
	for (size_t n = 1100; n <= 1280; n++)
		for (unsigned side = 0; side < PAIR_SIDES; side++)
			assert_passes_from(side, n);
	for (unsigned side = 0; side < PAIR_SIDES; side++) {
		assert_int_equal(pair_stats(&p, side).dropped[TUNNEL_DROP_TOO_LONG], 0);
		assert_int_equal(p.side[side].disordered, 0);
	}
	pair_finish(&p);
}

/* Its sender is told, and not too often; without DF it is cut. */
static void what_is_too_long_is_answered(void **state)
{
	pair_begin(&p, 1);
	unsigned mtu = tunnel_mtu(gateway->tunnel);
	for (int i = 0; i < 100; i++)
		pair_send(&p, PAIR_GATEWAY, 1, mtu + 1);
	pair_run(&p, 50 * MS);
	assert_int_equal(gateway->answers, 10);
	assert_int_equal(gateway->answered_mtu, mtu);
	assert_int_equal(pair_stats(&p, PAIR_GATEWAY).dropped[TUNNEL_DROP_TOO_LONG], 100);
	assert_int_equal(concentrator->received, 0);
	pair_finish(&p);
}

static void what_may_be_cut_is_cut(void **state)
{
	pair_begin(&p, 1);
	concentrator->pieces_only = true;
	struct packet *packet = packet_get(gateway->pool);
	uint8_t *b = packet_data(packet);
	memset(b, 0, 1500);
	memcpy(b, (uint8_t[]){ 0x45, 0, 5, 0xdc, 0, 7, 0, 0, 64, 17, 0, 0, 192, 168, 1, 2,
	                       203, 0, 113, 5 }, 20);
	packet->len = 1500;
	tunnel_put(gateway->tunnel, packet);
	pair_run(&p, 50 * MS);
	assert_int_equal(gateway->answers, 0);
	assert_int_equal(concentrator->received, 2);
	assert_int_equal(concentrator->bytes, 1500 + 20);
	pair_finish(&p);
}

static void put_fragment(uint16_t id, unsigned offset, bool more, size_t n)
{
	struct packet *packet = packet_get(gateway->pool);
	uint8_t *b = packet_data(packet);
	unsigned flags = (more ? 0x2000 : 0) | offset / 8;

	memset(b, 0xa5, n);
	memcpy(b, (uint8_t[]){ 0x45, 0, (uint8_t)(n >> 8), (uint8_t)n, (uint8_t)(id >> 8),
	                       (uint8_t)id, (uint8_t)(flags >> 8), (uint8_t)flags, 64, 17,
	                       0, 0, 192, 168, 1, 2, 203, 0, 113, 5 }, 20);
	packet->len = (uint16_t)n;
	tunnel_put(gateway->tunnel, packet);
}

/* Whole, without their first, one over another: nobody here puts them together. */
static void fragments_pass_as_they_are(void **state)
{
	pair_begin(&p, 2);
	concentrator->pieces_only = true;
	put_fragment(9, 0, true, 1420);
	put_fragment(9, 1400, true, 1420);
	put_fragment(9, 2800, false, 100);
	assert_int_equal(pair_stats(&p, PAIR_GATEWAY).flows, 1);
	pair_run(&p, 50 * MS);
	assert_int_equal(concentrator->received, 3);
	assert_int_equal(concentrator->bytes, 2 * 1420 + 100);
	put_fragment(10, 1400, true, 1420);
	put_fragment(10, 1000, true, 1220);
	put_fragment(10, 1400, true, 28);
	put_fragment(10, 65528, false, 28); /* beyond what an IP packet may be */
	pair_run(&p, 50 * MS);
	assert_int_equal(concentrator->received, 7);
	assert_int_equal(concentrator->bytes, 3 * 1420 + 100 + 1220 + 2 * 28);
	pair_finish(&p);
}

static bool swap_halves(struct pair *pair, unsigned from, unsigned path, uint8_t *bytes,
                        size_t n)
{
	static uint8_t held[DATAGRAM_BYTES_MAX];
	static size_t held_n;

	if (from != PAIR_GATEWAY || n < 500)
		return true;
	if (!held_n) {
		memcpy(held, bytes, n);
		held_n = n;
		return false;
	}
	pair_inject(pair, PAIR_CONCENTRATOR, path, pair->path[path].port, bytes, n);
	pair_inject(pair, PAIR_CONCENTRATOR, path, pair->path[path].port, held, held_n);
	held_n = 0;
	return false;
}

static unsigned nth;
static bool lose_one_half(struct pair *pair, unsigned from, unsigned path, uint8_t *bytes,
                          size_t n)
{
	return from != PAIR_GATEWAY || n < 500 || nth++ % 3;
}

static void halves_may_come_in_any_order_or_not(void **state)
{
	pair_init(&p);
	p.path[0].mtu = 1200;
	pair_up(&p, 0);
	pair_run(&p, 4 * S);
	p.tap = swap_halves;
	for (int i = 0; i < 20; i++)
		assert_passes(1200);
	p.tap = lose_one_half;
	unsigned received = concentrator->received;
	for (int i = 0; i < 30; i++)
		pair_send(&p, PAIR_GATEWAY, 1, 1200);
	pair_run(&p, 500 * MS);
	assert_in_range(concentrator->received, received + 5, received + 15);
	p.tap = NULL;
	assert_passes(1200);
	assert_int_equal(pair_stats(&p, PAIR_CONCENTRATOR).refused[TUNNEL_MALFORMED], 0);
	pair_finish(&p);
}

/* Nobody says so: what is long just vanishes. */
static void shrink_under_load_of(unsigned from)
{
	struct pair_side *side = &p.side[from], *to = &p.side[!from];

	pair_begin(&p, 1);
	pair_run(&p, S);
	assert_int_equal(pair_stats(&p, from).path[0].mtu, 1500);
	p.path[0].mtu = 1420;
	for (int i = 0; i < 100; i++) {
		pair_send(&p, from, 1, 1400);
		pair_send(&p, from, 2, 100);
		pair_run(&p, 10 * MS);
	}
	assert_true(pair_stats(&p, from).path[0].mtu <= 1420); /* within a second */
	unsigned received = to->received, sent = side->next_seq;
	for (int i = 0; i < 100; i++) {
		pair_send(&p, from, 1, 1280);
		pair_run(&p, 10 * MS);
	}
	pair_run(&p, 100 * MS);
	assert_int_equal(to->received - received, side->next_seq - sent);
	pair_run(&p, 3 * S);
	assert_int_equal(pair_stats(&p, from).path[0].mtu, 1420);
	pair_finish(&p);
}

static void a_path_shrinks_under_load(void **state)
{
	shrink_under_load_of(PAIR_GATEWAY);
	shrink_under_load_of(PAIR_CONCENTRATOR);
}

/* UDP is blocked --------------------------------------------------------------- */

static void block(bool on)
{
	for (unsigned path = 0; path < TUNNEL_PATHS_MAX; path++)
		p.path[path].cut[0] = p.path[path].cut[1] = on;
}

/* The session carries, all and in order, as much as it may; then UDP does again. */
static void without_udp_the_session_carries(void **state)
{
	pair_init(&p);
	gateway->carries = concentrator->carries = true;
	block(true);
	pair_up(&p, 0);
	pair_up(&p, 1);
	pair_run(&p, 900 * MS);
	assert_false(tunnel_is_up(gateway->tunnel));
	pair_run(&p, 600 * MS);
	assert_true(tunnel_is_up(gateway->tunnel));
	assert_false(pair_is_usable(&p, PAIR_GATEWAY, 0));
	pair_load(&p, 500, 2 * S);
	pair_run(&p, 100 * MS);
	assert_all_came();
	uint64_t carried = pair_stats(&p, PAIR_GATEWAY).carried;
	assert_int_equal(carried, gateway->next_seq);
	block(false);
	pair_run(&p, 10 * S);
	assert_true(pair_is_usable(&p, PAIR_GATEWAY, 0));
	pair_load(&p, 500, S);
	pair_run(&p, 100 * MS);
	assert_all_came();
	assert_int_equal(pair_stats(&p, PAIR_GATEWAY).carried, carried);
	pair_finish(&p);
}

/* Hours later it is found again within a minute, and little was sent for it. */
static void blocked_udp_is_tried_again(void **state)
{
	pair_begin(&p, 1);
	block(true);
	pair_load(&p, 10, 5 * S);
	pair_run(&p, 2 * 3600 * S);
	unsigned sent = gateway->sent[0];
	pair_run(&p, 3600 * S);
	assert_in_range(gateway->sent[0] - sent, 50, 150);
	block(false);
	pair_run(&p, 61 * S);
	assert_true(tunnel_is_up(gateway->tunnel));
	pair_finish(&p);
}

/* More than the session takes waits, and is not old when it goes. */
static void what_is_carried_is_not_old(void **state)
{
	pair_init(&p);
	gateway->carries = true;
	block(true);
	pair_up(&p, 0);
	pair_run(&p, 1500 * MS);
	for (int i = 0; i < 3000; i++) {
		pair_send(&p, PAIR_GATEWAY, 1, 1400);
		pair_run(&p, MS); /* 1.4 MB/s, where 1 MB/s goes */
	}
	pair_run(&p, 2 * S);
	assert_true(concentrator->received > 1500);
	assert_true(concentrator->worst_us <= S + 50 * MS);
	assert_int_equal(concentrator->disordered, 0);
	pair_finish(&p);
}

/* A short silence is none: what is in TCP would come late. */
static void a_short_outage_is_not_carried(void **state)
{
	pair_begin(&p, 1);
	gateway->carries = concentrator->carries = true;
	block(true);
	pair_load(&p, 100, 900 * MS);
	block(false);
	pair_load(&p, 100, 2 * S);
	assert_int_equal(pair_stats(&p, PAIR_GATEWAY).carried, 0);
	pair_finish(&p);
}

static void what_is_carried_must_be_a_packet(void **state)
{
	const char *const texts[] = { "", "\1", "\1\0\0", "\1\0\0xxxxxxxxxxxxxxxxxxxxxxx",
	                              "\5\0\0" "12345678", "\2\0\0" "123456" };
	const size_t sizes[] = { 0, 1, 3, 26, 11, 9 };

	pair_begin(&p, 1);
	for (unsigned i = 0; i < 6; i++) {
		struct wire_frame frame = { .type = WIRE_DATAGRAM, .datagram = {
			(const uint8_t *)texts[i], (uint32_t)sizes[i] } };
		assert_int_equal(tunnel_frame(concentrator->tunnel, &frame), 0);
	}
	refused(PAIR_CONCENTRATOR, TUNNEL_MALFORMED, 6);
	assert_int_equal(concentrator->received, 0);
	pair_finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_carries_both_ways),
		cmocka_unit_test(without_a_path_or_a_key_it_waits),
		cmocka_unit_test(what_waits_goes_when_a_path_comes),
		cmocka_unit_test(the_first_path_is_dead_at_start),
		cmocka_unit_test(a_silent_cut_moves_to_another_path),
		cmocka_unit_test(a_cut_of_one_way_is_seen),
		cmocka_unit_test(a_path_may_flap),
		cmocka_unit_test(a_path_whose_last_was_lost_is_used_again),
		cmocka_unit_test(an_idle_path_is_kept),
		cmocka_unit_test(the_peer_moves),
		cmocka_unit_test(a_nat_drops_each_mapping),
		cmocka_unit_test(a_nat_that_forgets_is_reminded),
		cmocka_unit_test(a_dead_path_asks_for_another_socket),
		cmocka_unit_test(an_unproved_address_gets_little),
		cmocka_unit_test(nothing_is_taken_twice),
		cmocka_unit_test(what_is_too_old_is_not_taken),
		cmocka_unit_test(keys_are_renewed_under_load),
		cmocka_unit_test(a_key_gets_old),
		cmocka_unit_test(the_slower_end_chooses_the_suite),
		cmocka_unit_test(a_key_is_taken_once),
		cmocka_unit_test(the_concentrator_restarts),
		cmocka_unit_test(random_ones_are_dropped),
		cmocka_unit_test(forged_ones_are_dropped),
		cmocka_unit_test(a_flood_of_forged_ones_is_cut_off),
		cmocka_unit_test(what_is_no_packet_is_dropped),
		cmocka_unit_test(a_busy_path_keeps_them_waiting),
		cmocka_unit_test(nothing_old_arrives),
		cmocka_unit_test(paths_have_their_sizes),
		cmocka_unit_test(what_does_not_fit_is_split),
		cmocka_unit_test(what_is_too_long_is_answered),
		cmocka_unit_test(what_may_be_cut_is_cut),
		cmocka_unit_test(fragments_pass_as_they_are),
		cmocka_unit_test(halves_may_come_in_any_order_or_not),
		cmocka_unit_test(a_path_shrinks_under_load),
		cmocka_unit_test(without_udp_the_session_carries),
		cmocka_unit_test(blocked_udp_is_tried_again),
		cmocka_unit_test(what_is_carried_is_not_old),
		cmocka_unit_test(a_short_outage_is_not_carried),
		cmocka_unit_test(what_is_carried_must_be_a_packet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
