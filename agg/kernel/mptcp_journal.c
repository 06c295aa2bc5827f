/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see mptcp_journal.h. The file may be anybody's garbage: it is read word
 * by word, with limits, and believed only as a whole.
 */
#include "agg/kernel/mptcp_journal.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "aggd-mptcp 1"
#define WORDS_MAX 4
#define DIGITS_MAX 20 /* of a number */

struct printer {
	char *buf;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3)))
print(struct printer *p, const char *fmt, ...)
{
	size_t room = p->len < p->size ? p->size - p->len : 0;
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(room ? p->buf + p->len : NULL, room, fmt, args);
	va_end(args);
	p->len += n > 0 ? (size_t)n : 0;
}

static void print_limit(struct printer *p, const char *name,
                        const struct mptcp_journal_limit *limit)
{
	if (limit->held)
		print(p, "%s %u %u\n", name, limit->before, limit->set);
}

int mptcp_journal_format(const struct mptcp_journal *j, char *buf, size_t size)
{
	struct printer p = { .buf = buf, .size = size };
	char text[ADDR_TEXT_MAX];

	print(&p, HEAD "\nboot %s\nnetns %llu %llu\n", j->boot,
	      (unsigned long long)j->netns_inode,
	      (unsigned long long)j->netns_cookie);
	for (unsigned i = 0; i < j->endpoints_count; i++) {
		struct addr a = j->endpoints[i].addr;
		a.scope_id = 0; /* the ifindex says it */
		print(&p, "endpoint %u %s %d\n", j->endpoints[i].id,
		      addr_format_ip(&a, text), j->endpoints[i].ifindex);
	}
	print_limit(&p, "subflows", &j->subflows);
	print_limit(&p, "accepted", &j->accepted);
	if (j->sched_held)
		print(&p, "scheduler %s %s\n", j->sched_before, j->sched_set);
	print(&p, "end\n");
	return p.len < size ? (int)p.len : -ENOBUFS;
}

static bool get_number(const char *word, uint64_t max, uint64_t *out)
{
	size_t len = strlen(word);
	char *end;

	if (!len || len > DIGITS_MAX || strspn(word, "0123456789") != len)
		return false;
	errno = 0;
	*out = strtoull(word, &end, 10);
	return !errno && *out <= max;
}

static bool get_endpoint(struct mptcp_journal *j, char **words)
{
	struct mptcp_journal_endpoint *e = &j->endpoints[j->endpoints_count];
	uint64_t id, ifindex;

	if (j->endpoints_count == MPTCP_JOURNAL_ENDPOINTS_MAX ||
	    !get_number(words[1], UINT8_MAX, &id) ||
	    addr_parse(&e->addr, words[2], 0) < 0 || e->addr.port ||
	    !get_number(words[3], INT32_MAX, &ifindex))
		return false;
	e->id = (uint8_t)id;
	e->ifindex = (int)ifindex;
	j->endpoints_count++;
	return true;
}

static bool get_limit(struct mptcp_journal_limit *limit, char **words)
{
	uint64_t before, set;

	if (limit->held || !get_number(words[1], UINT32_MAX, &before) ||
	    !get_number(words[2], UINT32_MAX, &set))
		return false;
	*limit = (struct mptcp_journal_limit){ true, (uint32_t)before,
	                                       (uint32_t)set };
	return true;
}

bool mptcp_journal_is_name(const char *name)
{
	size_t len = strnlen(name, MPTCP_SCHED_NAME_MAX);

	if (!len || len == MPTCP_SCHED_NAME_MAX || !isalpha((unsigned char)*name))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("-_", name[i]))
			return false;
	return true;
}

static bool get_scheduler(struct mptcp_journal *j, char **words)
{
	if (j->sched_held || !mptcp_journal_is_name(words[1]) ||
	    !mptcp_journal_is_name(words[2]))
		return false;
	j->sched_held = true;
	strcpy(j->sched_before, words[1]);
	strcpy(j->sched_set, words[2]);
	return true;
}

static bool get_boot(struct mptcp_journal *j, const char *word)
{
	if (*j->boot || strlen(word) >= sizeof(j->boot))
		return false;
	strcpy(j->boot, word);
	return true;
}

static bool get_netns(struct mptcp_journal *j, char **words)
{
	return !j->netns_inode &&
	       get_number(words[1], UINT64_MAX, &j->netns_inode) &&
	       get_number(words[2], UINT64_MAX, &j->netns_cookie);
}

/* A line that is neither the first nor the last. */
static bool get_line(struct mptcp_journal *j, char **words, unsigned count)
{
	const char *key = words[0];

	if (count == 2 && !strcmp(key, "boot"))
		return get_boot(j, words[1]);
	if (count == 3 && !strcmp(key, "netns"))
		return get_netns(j, words);
	if (count == 4 && !strcmp(key, "endpoint"))
		return get_endpoint(j, words);
	if (count == 3 && !strcmp(key, "subflows"))
		return get_limit(&j->subflows, words);
	if (count == 3 && !strcmp(key, "accepted"))
		return get_limit(&j->accepted, words);
	if (count == 3 && !strcmp(key, "scheduler"))
		return get_scheduler(j, words);
	return false;
}

/* The words of a line, separated by one space each; 0: too many. */
static unsigned split(char *line, char *words[WORDS_MAX])
{
	unsigned count = 0;

	for (char *word; (word = strsep(&line, " "));) {
		if (count == WORDS_MAX)
			return 0;
		words[count++] = word;
	}
	return count;
}

static bool parse_text(struct mptcp_journal *j, char *text)
{
	char *line = strsep(&text, "\n"), *words[WORDS_MAX];

	if (strcmp(line, HEAD))
		return false;
	while ((line = strsep(&text, "\n"))) {
		if (!strcmp(line, "end"))
			return text && !*text && *j->boot && j->netns_inode;
		unsigned count = split(line, words);
		if (!count || !get_line(j, words, count))
			return false;
	}
	return false;
}

int mptcp_journal_parse(struct mptcp_journal *out, const char *text, size_t len)
{
	char copy[MPTCP_JOURNAL_BYTES_MAX + 1];

	memset(out, 0, sizeof(*out));
	if (len > MPTCP_JOURNAL_BYTES_MAX || memchr(text, 0, len))
		return -EBADMSG;
	memcpy(copy, text, len);
	copy[len] = 0;
	if (parse_text(out, copy))
		return 0;
	memset(out, 0, sizeof(*out));
	return -EBADMSG;
}

bool mptcp_journal_is_empty(const struct mptcp_journal *j)
{
	return !j->endpoints_count && !j->subflows.held && !j->accepted.held &&
	       !j->sched_held;
}

bool mptcp_journal_same_place(const struct mptcp_journal *a,
                              const struct mptcp_journal *b)
{
	return !strcmp(a->boot, b->boot) && a->netns_inode == b->netns_inode &&
	       a->netns_cookie == b->netns_cookie;
}
