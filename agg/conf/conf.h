/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the configuration of aggd, both roles, checked: who holds a struct
 * conf may trust every value in it. The keys, their limits and defaults are
 * rows in keys.c; docs/aggd.conf.md is written from them.
 *
 * A struct conf is made by conf_load, never changed after, and freed by
 * conf_free with what it points to; a reload makes a second one and compares.
 */
#ifndef AGG_CONF_CONF_H
#define AGG_CONF_CONF_H

#include "agg/base/addr.h"
#include "agg/base/buf.h"
#include "agg/base/log.h"
#include "agg/conf/error.h"
#include "agg/conf/table.h"

#include <stdbool.h>
#include <stdint.h>

#define CONF_UPLINKS_MAX 8
#define CONF_ENDPOINTS_MAX 8
#define CONF_LISTENS_MAX 8
#define CONF_WEBS_MAX 4
#define CONF_LAN_DEVICES_MAX 16 /* and interfaces */
#define CONF_INTERFACE_MAX 31   /* bytes of the name of one of netifd's */
#define CONF_BYPASSES_MAX 32
#define CONF_BYPASS_DESTS_MAX 1024 /* of a section, as the next ones */
#define CONF_REACH_MAX 4u
#define CONF_BYPASS_MARK_BITS 4
#define CONF_BYPASS_HOSTS_MAX 64
#define CONF_CLASS_HOSTS_MAX 12 /* 'aggctl set' has words for so many */
#define CONF_BYPASS_PORTS_MAX 64
#define CONF_BYPASS_NAMES_MAX 64
#define CONF_SITES_MAX 4096
#define CONF_SITE_FILES_MAX CONF_SITES_MAX
#define CONF_ALLOW_MAX 256
#define CONF_FORWARDS_MAX 64
#define CONF_ADDRESSES_MAX 64
#define CONF_BUNDLES_MAX 8
#define CONF_WORKERS_MAX 8
#define CONF_CLASSES_MAX 2
#define CONF_PORTS_MAX 64
#define CONF_DSCPS_MAX 64       /* there are no more */
#define CONF_PACKETS_MAX 2      /* sections */
#define CONF_PACKETS_PORTS_MAX 12
#define CONF_NUMBERS_MAX 4095    /* of sites */
#define CONF_POOL_LENGTH_MAX 19  /* so that every site has an address */

#define CONF_SITES_DIR "/etc/aggd/sites.d" /* where there is one */

#define CONF_CONTROL_MAX 107    /* sockaddr_un.sun_path and its NUL: 108 */
#define CONF_PATH_MAX 255
#define CONF_WORD_MAX 31
#define CONF_CONGESTION_MAX 15  /* the kernel's TCP_CA_NAME_MAX and its NUL: 16 */
#define CONF_CREDENTIAL_MAX 255 /* RFC 1929: one length byte */
#define CONF_PRINT_MAX (2 * 1024 * 1024) /* bytes of a printed configuration */

enum conf_role { CONF_ROLE_GATEWAY, CONF_ROLE_CONCENTRATOR };
enum conf_carrier { CONF_CARRIER_AUTO, CONF_CARRIER_SUBFLOWS,
                    CONF_CARRIER_MPTCP };
enum conf_outage { CONF_OUTAGE_DIRECT, CONF_OUTAGE_BLOCK };
enum conf_offload { CONF_OFFLOAD_AUTO, CONF_OFFLOAD_OFF };
enum conf_protocol { CONF_PROTOCOL_BOTH, CONF_PROTOCOL_TCP, CONF_PROTOCOL_UDP };
enum conf_cost { CONF_COST_NORMAL, CONF_COST_METERED, CONF_COST_BACKUP };

/* Each section has its name ("" if it may go without) and its line in the
 * file, for messages. */
struct conf_main {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	enum conf_role role;
	char scheduler[CONF_WORD_MAX + 1];
	char scheduler_up[CONF_WORD_MAX + 1]; /* "": the same */
	char order[CONF_WORD_MAX + 1];       /* "auto": the scheduler's */
	char reinjection[CONF_WORD_MAX + 1];
	enum conf_carrier carrier;
	enum conf_outage on_outage;  /* gateway */
	char control[CONF_CONTROL_MAX + 1];
	char state[CONF_PATH_MAX + 1];
	struct addr listen[CONF_LISTENS_MAX]; /* concentrator */
	unsigned listen_count;
	struct addr web[CONF_WEBS_MAX]; /* the page's */
	unsigned web_count;
	bool web_tls;
	char web_cert[CONF_PATH_MAX + 1]; /* "": it makes its own; so the next */
	char web_key[CONF_PATH_MAX + 1];
	char sites[CONF_PATH_MAX + 1]; /* directory; "": CONF_SITES_DIR */
	unsigned workers;            /* concentrator; 0: as the cores */
	enum log_level log_level;
	uint64_t linger_us;
	uint64_t memory_bytes;       /* of one session; 0: not set */
	char congestion[CONF_CONGESTION_MAX + 1]; /* "auto", or the kernel's */
	unsigned bundles;            /* gateway, as the next two */
	unsigned mark;               /* one bit */
	unsigned tunnel_mark;        /* another one */
	unsigned bypass_mark;        /* the lowest of four bits */
	unsigned rule_pref;
	enum conf_offload offload;   /* of the packet tunnel */
	bool tunnel;                 /* concentrator, as the next */
	struct prefix pool;          /* IPv4; of the gateways' own addresses */
};

struct conf_concentrator {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	struct conf_endpoint endpoint[CONF_ENDPOINTS_MAX];
	unsigned endpoint_count; /* >= 1 */
	struct conf_pin pin;
};

/* An uplink has either own, or an interface of netifd's. */
struct conf_uplink {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	struct conf_device own; /* of the file; "": none */
	char interface[CONF_INTERFACE_MAX + 1]; /* "": none */
	struct conf_device device; /* by conf_set_devices; "": it has none now */
	enum conf_cost cost;
	uint64_t cap_bytes; /* of a month; 0: none */
	unsigned cap_day;   /* that begins then, 1 to 31 */
	bool enabled;
};

struct conf_lan {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	struct conf_device own[CONF_LAN_DEVICES_MAX];
	unsigned own_count;
	char interface[CONF_LAN_DEVICES_MAX][CONF_INTERFACE_MAX + 1];
	unsigned interface_count;
	struct conf_device device[CONF_LAN_DEVICES_MAX]; /* own, and those that the
	                                                  * interfaces have now */
	unsigned device_count;
	bool tproxy; /* then there is a device or an interface */
	bool tunnel; /* what is not taken by tproxy */
	struct addr socks5; /* family AF_UNSPEC: none */
	char socks5_user[CONF_CREDENTIAL_MAX + 1];     /* both, or both "" */
	char socks5_password[CONF_CREDENTIAL_MAX + 1];
};

#define CONF_TO_DIRECT "direct"
#define CONF_TO_TUNNEL "tunnel"

/* Traffic that has one of hosts, one of ports, and one of dest or names; of an
 * empty list every one. They are not all empty. */
struct conf_bypass {
	char name[CONF_NAME_MAX + 1]; /* not "" with names */
	unsigned line;
	struct prefix dest[CONF_BYPASS_DESTS_MAX];
	unsigned dest_count;
	char names[CONF_BYPASS_NAMES_MAX][CONF_HOST_MAX + 1];
	unsigned names_count;
	struct selector_host host[CONF_BYPASS_HOSTS_MAX];
	unsigned host_count;
	struct selector_ports port[CONF_BYPASS_PORTS_MAX];
	unsigned port_count;
	char to[CONF_NAME_MAX + 1]; /* CONF_TO_..., or an uplink's name */
};

struct conf_site {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	unsigned file; /* 0: the configuration; n: site_files[n - 1] */
	struct conf_pin pin;
	unsigned number; /* 1 to CONF_NUMBERS_MAX, no other's; 0: none was left.
	                  * By its pin: mostly the same in another file. */
	uint64_t quota_bytes; /* of a month, both ways; 0: none */
	unsigned rate_mbps;   /* each way; 0: no limit */
	struct prefix prefix; /* of IPv6, the site's own; AF_UNSPEC: none */
	/* Its networks that other sites which have some reach, and no other's. */
	struct prefix reach[CONF_REACH_MAX];
	unsigned reach_count;
	/* "": the gateway's wish, or main's. */
	char scheduler[CONF_WORD_MAX + 1];
	char order[CONF_WORD_MAX + 1];
	char reinjection[CONF_WORD_MAX + 1];
};

#define CONF_CLASS_BULK "bulk"

/* A class of streams: "interactive" or that. */
struct conf_class {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	unsigned port[CONF_PORTS_MAX]; /* gateway: of destinations */
	unsigned port_count;
	unsigned dscp[CONF_DSCPS_MAX]; /* gateway: of the clients' packets */
	unsigned dscp_count;
	struct selector_host host[CONF_CLASS_HOSTS_MAX]; /* gateway: of the clients */
	unsigned host_count;
	char scheduler[CONF_WORD_MAX + 1]; /* "": that of all streams */
	uint64_t after_bytes;              /* bulk; 0: not set */
};

#define CONF_PACKETS_REALTIME "realtime"
#define CONF_PACKETS_BACKGROUND "background"

/* A class of the packet tunnel's packets, by its name. */
struct conf_packets {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	struct selector_ports port[CONF_PACKETS_PORTS_MAX]; /* at either end */
	unsigned port_count;
	unsigned dscp[CONF_DSCPS_MAX];
	unsigned dscp_count;
	bool redundant; /* realtime: on two paths */
};

struct conf_egress {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	struct prefix allow[CONF_ALLOW_MAX];
	unsigned allow_count;
};

struct conf_forward {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	char site[CONF_NAME_MAX + 1]; /* one of sites */
	enum conf_protocol protocol;
	struct addr listen; /* any address, or one of to's family */
	struct addr to;
};

struct conf_address {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	char site[CONF_NAME_MAX + 1]; /* one of sites */
	struct prefix address, to;    /* one each, of one family */
};

/* A section that is not in the file is all 0. */
struct conf {
	struct conf_main main;
	unsigned main_count; /* 1 */
	struct conf_class classes[CONF_CLASSES_MAX];
	unsigned class_count;

	/* gateway */
	struct conf_concentrator concentrator;
	unsigned concentrator_count; /* 1 */
	struct conf_uplink uplinks[CONF_UPLINKS_MAX];
	unsigned uplink_count; /* >= 1 */
	struct conf_lan lan;
	unsigned lan_count; /* 0, 1 */
	struct conf_bypass bypasses[CONF_BYPASSES_MAX]; /* the first that fits holds */
	unsigned bypass_count;
	struct conf_packets packets[CONF_PACKETS_MAX];
	unsigned packets_count;

	/* concentrator */
	struct conf_site *sites; /* as they were read */
	unsigned site_count;
	const struct conf_site **site_by_name; /* the same by strcmp(3) */
	char **site_files;       /* paths, of the directory of sites */
	unsigned site_file_count;
	struct conf_egress egress;
	unsigned egress_count; /* 0, 1 */
	struct conf_forward forwards[CONF_FORWARDS_MAX];
	unsigned forward_count;
	struct conf_address addresses[CONF_ADDRESSES_MAX];
	unsigned address_count;
};

/* Reads and checks the file, and on a concentrator those of its directory of
 * sites. names are those that exist; NULL: any is good.
 * 0, and *out is the caller's; -EINVAL for what the person can mend, else
 * another -errno: error says what is wrong, and *out is NULL. */
int conf_load(const char *path, const struct conf_names *names,
              struct conf **out, struct conf_error *error);
/* The same from memory, without that directory; file is only quoted. */
int conf_parse(const char *file, const char *data, size_t n,
               const struct conf_names *names, struct conf **out,
               struct conf_error *error);
void conf_free(struct conf *conf);
/* Where the identity is, by the file's section aggd alone: the others may be
 * wrong, or not written yet. As conf_load. */
int conf_load_state(const char *path, char state[CONF_PATH_MAX + 1],
                    struct conf_error *error);
/* That section whole, in the same way. */
int conf_load_main(const char *path, struct conf_main *out,
                   struct conf_error *error);

/* Appends conf with every default filled in; with secrets, what is printed
 * reads as an equal configuration. 0 or -ENOBUFS. */
int conf_print(const struct conf *conf, bool secrets, struct buf *out);
/* Appends the manual of the file, in Markdown. 0 or -ENOBUFS. */
int conf_help(struct buf *out);

/* Which device an interface of netifd's has now. NULL, or "": none. */
typedef const char *conf_device_fn(void *ctx, const char *interface);
/* Before anybody else has conf: fills in which devices uplinks and LAN have, as find
 * says. A device that another has already, in the order of the file and the uplinks
 * first, is none. find NULL: no interface has one, as it is after conf_load(). */
void conf_set_devices(struct conf *conf, conf_device_fn *find, void *ctx);
/* Is there anything to find? */
bool conf_has_interfaces(const struct conf *conf);
/* The same, with other devices; the caller's. 0 or -errno. */
int conf_copy(const struct conf *conf, const struct conf_names *names, struct conf **out);

/* For a reload: does the section say the same as before? */
bool conf_main_equal(const struct conf_main *a, const struct conf_main *b);
bool conf_concentrator_equal(const struct conf_concentrator *a,
                             const struct conf_concentrator *b);
extern const char *const conf_carrier_words[]; /* by enum conf_carrier */

bool conf_uplink_equal(const struct conf_uplink *a, const struct conf_uplink *b);
bool conf_classes_equal(const struct conf *a, const struct conf *b);
bool conf_equal(const struct conf *a, const struct conf *b);
/* The key of main that differs and only takes effect at a start: "role",
 * "control", "workers" or "state". NULL: a reload does. */
const char *conf_needs_restart(const struct conf *old, const struct conf *now);

/* A gateway that has not joined yet, and has a page for that. */
static inline bool conf_is_unpaired(const struct conf *conf)
{
	return conf->main.role == CONF_ROLE_GATEWAY && !conf->concentrator_count;
}

/* By name; NULL: there is none. */
const struct conf_uplink *conf_find_uplink(const struct conf *conf,
                                           const char *name);
const struct conf_site *conf_find_site(const struct conf *conf,
                                       const char *name);
/* The file in which the site is; file: the configuration's own. */
const char *conf_site_file(const struct conf *conf,
                           const struct conf_site *site, const char *file);
const struct conf_class *conf_find_class(const struct conf *conf,
                                         const char *name);

#endif
