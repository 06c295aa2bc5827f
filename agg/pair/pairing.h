/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the concentrator's side of pairing: who may come to be a site, and who is
 * one no more. It works on files alone, the invitations of the state directory
 * and those of the sites; a daemon that runs is told by reload, once they are
 * written. So the daemon's verbs do the same as aggctl where no daemon runs.
 */
#ifndef AGG_PAIR_PAIRING_H
#define AGG_PAIR_PAIRING_H

#include "agg/base/buf.h"
#include "agg/conf/conf.h"
#include "agg/transport/tls.h"
#include "agg/transport/wire.h"

#define PAIRING_FOR_S 3600           /* an invitation is good for so long, */
#define PAIRING_FOR_S_MIN 60         /* or what a person says */
#define PAIRING_FOR_S_MAX (30 * 86400)

struct pairing {
	const char *config;  /* the configuration's path; borrowed, as ctx */
	/* What the files say now is to be in force; NULL: nobody runs. 0; -errno
	 * and error: it is not, and the files are put back. */
	int (*reload)(void *ctx, struct conf_error *error);
	void *ctx;
};

/* The verbs, by the words of a request; conf is what is in force. out has the
 * answer for a person: the first line of an invitation is its token alone. 0, or
 * -errno, and out says what is wrong and what is allowed. */
/* invite [SITE [--for 1h] [--endpoint HOST[:PORT]]...]: without a site, which
 * invitations there are. */
int pairing_invite(const struct pairing *p, const struct conf *conf,
                   uint64_t now_s, int argc, const char *const *argv,
                   struct buf *out);
/* revoke SITE: its key and its invitation are good no more. */
int pairing_revoke(const struct pairing *p, const struct conf *conf,
                   uint64_t now_s, int argc, const char *const *argv,
                   struct buf *out);
/* rename SITE NEW */
int pairing_rename(const struct pairing *p, const struct conf *conf,
                   int argc, const char *const *argv, struct buf *out);

/* Who has that key and shows an invitation: answer says what came of it, all but
 * where he comes from. conf may be freed by that, as reload makes another. */
void pairing_redeem(const struct pairing *p, const struct conf *conf,
                    uint64_t now_s, const struct tls_pin *pin,
                    const struct wire_invite *invite,
                    struct wire_redeemed *answer);

#endif
