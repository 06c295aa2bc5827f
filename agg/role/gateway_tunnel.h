/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the gateway's packet tunnel: its device with rules and routes, its paths, which
 * follow the uplinks, and what both ends tell each other of their networks. A part of
 * the gateway (gateway_impl.h).
 *
 * It works, for the LAN, while the concentrator has one too and a path carries
 * datagrams; whether what the LAN sends is led there is outage.h's to say.
 */
#ifndef AGG_ROLE_GATEWAY_TUNNEL_H
#define AGG_ROLE_GATEWAY_TUNNEL_H

#include "agg/role/outage.h"
#include "agg/role/tunnel_home.h"

struct gateway;

struct gateway_tunnel {
	struct tunnel_kit kit;
	struct dgram *dgram;
	struct tunnel_home home;      /* its tunnel: while there is a session */
	struct loop_timer *look;      /* while it is not up */
	bool wanted;                  /* by the configuration */
	bool ready;                   /* the device has its link, rules and routes */
	bool was_up;                  /* ever */
	bool refused;                 /* the concentrator has none */
	uint64_t set_us;              /* when the device was set again */
	uint64_t met_us;              /* when the LAN's cards were looked at */
	uint32_t key_epoch;           /* of the last key that it gave */
	struct outage outage;         /* its own: no path carries datagrams */
	struct wire_tunnel_net says, peer; /* flags 0: nothing yet */
	struct {
		struct tunnel_way way;
		enum tunnel_path_state state;
		unsigned path_class;
	} path[CONF_UPLINKS_MAX];     /* as the tunnel was told */
	char why[REPORT_WORDS_MAX + 1]; /* the device is not ready; "" */
};

/* 0 or -errno. Before the first session. */
int gateway_tunnel_init(struct gateway *g);
void gateway_tunnel_finish(struct gateway *g); /* all 0 is fine */
/* Another configuration is in force. */
void gateway_tunnel_set_conf(struct gateway *g);
/* The session is another one. */
void gateway_tunnel_restart(struct gateway *g);
/* As session_events.on_tunnel. */
void gateway_tunnel_frame(struct gateway *g, const struct wire_frame *frame);
void gateway_tunnel_on_netdev(struct gateway *g, const struct netdev *dev);
/* Uplinks or their lanes may be other than before; and once a second. */
void gateway_tunnel_look(struct gateway *g);
void gateway_tunnel_report(const struct gateway *g, struct report_tunnel *out);
/* The device that the LAN's packets may be led to; NULL: none. */
const char *gateway_tunnel_device(const struct gateway *g);

#endif
