/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see words.h. How near: the Damerau-Levenshtein distance in its
 * restricted form.
 */
#include "agg/base/words.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NEAR_WORD_MAX 31 /* longer words are near nothing */
#define NEAR_MAX 2       /* slips that are still a slip */
#define OPTIONS_MAX 32

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* How many letters are wrong, missing, too many, or swapped. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned d[NEAR_WORD_MAX + 1][NEAR_WORD_MAX + 1];

	for (size_t i = 0; i <= a_len; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= b_len; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		for (size_t j = 1; j <= b_len; j++) {
			unsigned wrong = !same(a[i - 1], b[j - 1]);
			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
			               d[i - 1][j - 1] + wrong);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]) && d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[a_len][b_len];
}

const char *words_near(const char *const *words, const char *word)
{
	size_t len = strlen(word);
	unsigned least = NEAR_MAX + 1;
	const char *near = NULL;

	if (len < 2 || len > NEAR_WORD_MAX)
		return NULL;
	for (; *words; words++) {
		size_t other_len = strlen(*words);
		if (other_len > NEAR_WORD_MAX)
			continue;
		unsigned d = distance(word, len, *words, other_len);
		/* Of a word of four letters, two wrong ones are another word. */
		if (d < least && d * 3 <= other_len) {
			least = d;
			near = *words;
		}
	}
	return near;
}

const char *words_near_option(const struct option *options, const char *word)
{
	const char *names[OPTIONS_MAX + 1];
	size_t n = 0;

	if (strncmp(word, "--", 2))
		return NULL;
	for (; options[n].name && n < OPTIONS_MAX; n++)
		names[n] = options[n].name;
	names[n] = NULL;
	return words_near(names, word + 2);
}

const char *words_stopped_at(int argc, char *const *argv, int next)
{
	return argv[(next < argc ? next : argc) - 1];
}

const char *words_list(const char *const *words, char *text, size_t size)
{
	size_t used = 0;

	*text = 0;
	for (size_t i = 0; words[i] && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s",
		                         i ? ", " : "", words[i]);
	return text;
}
