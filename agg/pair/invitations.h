/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the invitations that a concentrator gave: what they are for, until when,
 * and what became of them; of the secret only its hash. A list in memory, its
 * text (pure), and the file DIR/invitations (0600) that holds the text.
 *
 * An invitation is open until it is used, is revoked or runs out; then it is kept
 * for INVITATION_KEEP_S, so that who comes with it is told what it was. A site has
 * one that is open at most. Seconds are since 1970.
 */
#ifndef AGG_PAIR_INVITATIONS_H
#define AGG_PAIR_INVITATIONS_H

#include "agg/base/buf.h"
#include "agg/conf/conf.h"
#include "agg/transport/tls.h"
#include "agg/transport/wire.h"

#define INVITATIONS_MAX 256
#define INVITATIONS_BYTES_MAX (INVITATIONS_MAX * 256)
#define INVITATION_KEEP_S (7 * 86400)
#define INVITATION_HASH_BYTES 32

enum invitation_state { INVITATION_OPEN, INVITATION_USED, INVITATION_REVOKED };

struct invitation {
	uint8_t hash[INVITATION_HASH_BYTES]; /* of the secret */
	enum invitation_state state;
	uint64_t until_s;
	char site[CONF_NAME_MAX + 1];
	struct tls_pin by;  /* whose key used it */
};

struct invitations {
	struct invitation list[INVITATIONS_MAX];
	unsigned count;
};

/* What is kept of a secret. 0 or -EIO. */
int invitation_hash(const uint8_t secret[WIRE_SECRET_BYTES],
                    uint8_t hash[INVITATION_HASH_BYTES]);

/* One more, open; those of the site that were open are revoked. 0; -ENOSPC: so
 * many others are open. */
int invitations_add(struct invitations *all,
                    const uint8_t hash[INVITATION_HASH_BYTES],
                    const char *site, uint64_t until_s, uint64_t now_s);
/* The one of that hash, in a time that does not hang on which it is; NULL. */
struct invitation *invitations_find(struct invitations *all,
                                    const uint8_t hash[INVITATION_HASH_BYTES]);
/* May that key have the site by it (or NULL)? Who has used it himself may again:
 * the answer may have been lost. */
enum wire_redeem invitation_judge(const struct invitation *one,
                                  const struct tls_pin *pin, uint64_t now_s);
/* In words, for a log; "joined". */
const char *invitation_result_text(enum wire_redeem result);
bool invitation_is_open(const struct invitation *one, uint64_t now_s);
/* Those of the site that are open; how many. */
unsigned invitations_revoke(struct invitations *all, const char *site,
                            uint64_t now_s);
/* The site has another name. */
void invitations_rename(struct invitations *all, const char *site,
                        const char *name);

int invitations_print(const struct invitations *all, struct buf *out);
/* 0, or -EBADMSG: it is no such text, and *all is empty. */
int invitations_parse(struct invitations *all, const char *text, size_t n);

/* Of the state directory; where there is no file there are none. 0 or -errno. */
int invitations_load(struct invitations *all, const char *dir);
int invitations_store(const struct invitations *all, const char *dir);

#endif
