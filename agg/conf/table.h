/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: key tables: the configuration as data. A struct conf_key says of one
 * key everything there is to say: the checker, the printer, the comparer and
 * the manual all walk the same rows, so that none of them can disagree.
 *
 * A section of a file is read into a plain struct without pointers: each key
 * has its place by offset, a list is an array there and a count beside it.
 * So a section is copied by assignment and freed in one piece.
 */
#ifndef AGG_CONF_TABLE_H
#define AGG_CONF_TABLE_H

#include "agg/base/addr.h"
#include "agg/base/buf.h"
#include "agg/base/selector.h"
#include "agg/conf/error.h"
#include "agg/conf/uci.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONF_PIN_LEN 32
#define CONF_VALUE_TEXT_MAX (UCI_VALUE_MAX + 1)

/* SHA-256 of a peer's public key: "sha256:" + 43 of base64url. */
struct conf_pin {
	uint8_t sha256[CONF_PIN_LEN];
};

struct conf_device {
	char name[IFNAMSIZ];
};

/* A host by its address or by its name, and a port. */
#define CONF_HOST_MAX 253 /* of a name: RFC 1035, 2.3.4 */
struct conf_endpoint {
	char host[CONF_HOST_MAX + 1]; /* the name; "": it is addr */
	struct addr addr;             /* of a name: family AF_UNSPEC, the port */
};

/* What a value is, and what stands at its offset. */
enum conf_type {
	CONF_STRING,    /* char[max + 1]; min..max bytes */
	CONF_SECRET,    /* the same; not printed unless asked for */
	CONF_TOKEN,     /* the same; letters, digits, '_', '-', '.' */
	CONF_SCHEDULER, /* the same; one of conf_names.schedulers */
	CONF_ORDER,     /* the same; one of conf_names.orders */
	CONF_REINJECTION, /* the same; one of conf_names.reinjections */
	CONF_PATH,      /* char[max + 1]; begins with '/' */
	CONF_BOOL,      /* bool */
	CONF_WORD,      /* an enum: the index in words */
	CONF_INT,       /* unsigned; min..max */
	CONF_DURATION,  /* uint64_t microseconds; min..max of them */
	CONF_BYTES,     /* uint64_t; min..max */
	CONF_VOLUME,    /* the same, of traffic: by 1000 */
	CONF_DECIMAL,   /* uint64_t millionths; min..max of them */
	CONF_DSCP,      /* unsigned; 0..63, or a name of it */
	CONF_MARK,      /* unsigned; one bit of 32 */
	CONF_ADDR,      /* struct addr; port: default_port, or it is required */
	CONF_ENDPOINT,  /* struct conf_endpoint; port as CONF_ADDR */
	CONF_PREFIX,    /* struct prefix */
	CONF_PIN,       /* struct conf_pin */
	CONF_DEVICE,    /* struct conf_device */
	CONF_LAN_HOST,  /* struct selector_host */
	CONF_PORTS,     /* struct selector_ports */
	CONF_DOMAIN,    /* char[max + 1]; a host's name */
};

struct conf_key {
	const char *key;
	enum conf_type type : 8;
	unsigned roles : 8;   /* mask: in whose configuration it is allowed */
	bool required : 1;
	int default_port;     /* of an address; -1: the port is required */
	const char *fallback; /* read like a value when the key is absent;
	                       * NULL: then all bits 0, which means not set */
	uint64_t min, max;
	const char *const *words; /* CONF_WORD: ends with NULL */
	/* Small, as there are many of them, and a router is short of flash. */
	uint16_t offset;      /* of the value, or of a list's first */
	uint16_t size;        /* of one value */
	uint16_t list_max;    /* 0: an option; else a list of so many */
	uint16_t count_offset; /* of a list's count, an unsigned */
	const char *help;     /* sentences */
};

/* A type of section. Tables of them and of keys end with a NULL. */
struct conf_table {
	const char *type;
	const struct conf_key *keys;
	unsigned roles;
	bool named;           /* the section must have a name */
	bool grows;           /* see offset */
	uint32_t name_offset; /* char[CONF_NAME_MAX + 1] */
	uint32_t line_offset; /* an unsigned: where the section begins */
	uint32_t offset;      /* of the first such section in the whole, or, where it grows,
	                       * of a pointer to an array of as many as there are */
	uint32_t size;        /* of one such section */
	uint32_t max;         /* how many; 1: the whole has just this one */
	uint32_t count_offset; /* of their count, an unsigned */
	const char *help;
};

#define CONF_NAME_MAX 31

/* The names that exist, which the caller knows and conf does not. Each list
 * ends with NULL; a list that is NULL: any name is good. */
struct conf_names {
	const char *const *schedulers, *const *orders, *const *reinjections;
};

struct conf_rules {
	struct conf_names names;
	const char *const *roles; /* names of the bits of a mask; NULL-ended */
	const char *role_word;    /* what they are called; NULL: "role" */
};

/* --- one value --- */

/* Reads text into value, which has key->size bytes. 0; -EINVAL: allowed has
 * been filled with what would be right, e.g. "a number from 1 to 8". */
int conf_value_read(const struct conf_key *key, const struct conf_rules *rules,
                    const char *text, void *value,
                    char allowed[CONF_VALUE_TEXT_MAX]);
/* The text that reads as value; "" when not set, as is a number of 0 where
 * that is below min. */
const char *conf_value_format(const struct conf_key *key, const void *value,
                              char text[CONF_VALUE_TEXT_MAX]);
/* What is right for key, for a person. */
const char *conf_value_allowed(const struct conf_key *key,
                               const struct conf_rules *rules,
                               char allowed[CONF_VALUE_TEXT_MAX]);

/* The names that are allowed, ended by NULL; NULL: not a matter of names, or
 * any is good. */
const char *const *conf_value_names(const struct conf_key *key,
                                    const struct conf_rules *rules);

/* Differentiated services code points by number or name (RFC 2474, 2597,
 * 3246, 8622): CS0..CS7, AF11..AF43, EF, LE; case does not matter. 0, -EINVAL. */
int conf_dscp_read(const char *text, unsigned *dscp);
/* The name, else the number. */
const char *conf_dscp_format(unsigned dscp, char text[CONF_VALUE_TEXT_MAX]);

/* A host and its port, where default_port < 0 does not forbid, without. 0,
 * -EINVAL. */
int conf_endpoint_read(const char *text, int default_port,
                       struct conf_endpoint *out);
/* A name by the rules of an endpoint's. */
bool conf_domain_is_valid(const char *text);
const char *conf_endpoint_format(const struct conf_endpoint *endpoint,
                                 char text[CONF_VALUE_TEXT_MAX]);

/* --- one section --- */

/* The sections of that table in the whole, and how many there are. */
void *conf_table_sections(const struct conf_table *table, const void *whole,
                          unsigned *count);
/* Fills out (table->size bytes, all 0) from section for a role. */
int conf_table_read(const struct conf_table *table, unsigned role,
                    const struct conf_rules *rules, const char *file,
                    const struct uci_section *section, void *out,
                    struct conf_error *error);
/* Do two sections say the same? Lines do not count. */
bool conf_table_equal(const struct conf_table *table, const void *a,
                      const void *b);
/* Appends the section in UCI syntax; a secret only with secrets, else as a
 * comment. 0 or -ENOBUFS. */
int conf_table_print(const struct conf_table *table, unsigned role,
                     const void *section, bool secrets, struct buf *out);
/* Appends the manual of a section, in Markdown. 0 or -ENOBUFS. */
int conf_table_help(const struct conf_table *table,
                    const struct conf_rules *rules, struct buf *out);

#endif
