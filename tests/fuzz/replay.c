/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: runs a fuzz entry without libFuzzer, so that every compiler and every
 * test run has it: all files of a corpus directory first, then a fixed number
 * of mutants of them, the same ones each time.
 *
 *     fuzz_NAME DIR            all
 *     fuzz_NAME DIR NUMBER     this mutant alone; its bytes go to stdout
 *
 * When an input brings the entry down, its number or name is the last line.
 */
#include "agg/base/rand.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 1024
#define INPUT_BYTES_MAX 65536
#define MUTANTS 4000
#define CHANGES_MAX 6 /* of one mutant */
#define RUN_MAX 32    /* bytes that one change touches */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Of the address sanitizer, where it is linked. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*fn)(void));

struct input {
	uint8_t *p;
	size_t n;
};

struct corpus {
	char *names[FILES_MAX];
	struct input files[FILES_MAX];
	unsigned count;
};

/* What runs now, for the one who reads the wreck. */
static char running[256];

static void on_death(void)
{
	ssize_t ignored = write(STDERR_FILENO, running, strlen(running));

	(void)ignored;
}

static void on_abort(int signum)
{
	on_death();
	signal(signum, SIG_DFL);
	raise(signum);
}

static void die(const char *what, const char *about)
{
	fprintf(stderr, "replay: %s %s\n", what, about);
	exit(2);
}

static void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		die("no memory", "");
	return p;
}

/* In memory of its very size, so that a read past it is seen. */
static void run(const uint8_t *p, size_t n)
{
	uint8_t *exact = xmalloc(n);

	if (n)
		memcpy(exact, p, n);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

static bool file_read(struct input *in, const char *dir, const char *name)
{
	char path[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "rb");
	if (!file)
		die("cannot open", path);
	if (fstat(fileno(file), &st) < 0 || !S_ISREG(st.st_mode)) {
		fclose(file);
		return false;
	}
	in->p = xmalloc(INPUT_BYTES_MAX);
	in->n = fread(in->p, 1, INPUT_BYTES_MAX, file);
	fclose(file);
	return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void corpus_read(struct corpus *c, const char *dir)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, by_name);

	if (n < 0)
		die("cannot list", dir);
	for (int i = 0; i < n; i++) {
		if (c->count == FILES_MAX)
			die("too many files in", dir);
		if (entries[i]->d_name[0] != '.' &&
		    file_read(&c->files[c->count], dir, entries[i]->d_name))
			c->names[c->count++] = strdup(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (!c->count)
		die("no file to start from in", dir);
}

static void corpus_finish(struct corpus *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		free(c->names[i]);
		free(c->files[i].p);
	}
}

static size_t room_for(const struct input *in, size_t n)
{
	size_t room = INPUT_BYTES_MAX - in->n;

	return n < room ? n : room;
}

/* n bytes of p go in at `at`, as far as there is room. */
static void insert(struct input *in, size_t at, const uint8_t *p, size_t n)
{
	n = room_for(in, n);
	memmove(in->p + at + n, in->p + at, in->n - at);
	memcpy(in->p + at, p, n);
	in->n += n;
}

static void overwrite(struct input *in, size_t at, const uint8_t *p, size_t n)
{
	if (n > in->n - at)
		n = in->n - at;
	memcpy(in->p + at, p, n);
}

static void cut_out(struct input *in, size_t at, size_t n)
{
	if (n > in->n - at)
		n = in->n - at;
	memmove(in->p + at, in->p + at + n, in->n - at - n);
	in->n -= n;
}

static void change(struct input *in, const struct corpus *c, struct rand *r)
{
	static const uint8_t edges[] = { 0, 1, 0x7f, 0x80, 0xff, '0', '9', ' ' };
	const struct input *other = &c->files[rand_below(r, c->count)];
	uint8_t bytes[RUN_MAX];
	size_t at = rand_below(r, in->n + 1);
	size_t n = 1 + rand_below(r, RUN_MAX);
	size_t from = rand_below(r, other->n + 1);

	for (size_t i = 0; i < n; i++)
		bytes[i] = rand_below(r, 2) ? (uint8_t)rand_u64(r)
		                            : edges[rand_below(r, sizeof(edges))];
	switch (rand_below(r, 7)) {
	case 0: /* a flipped bit */
		if (at < in->n)
			in->p[at] ^= (uint8_t)(1 << rand_below(r, 8));
		break;
	case 1:
		overwrite(in, at, bytes, 1);
		break;
	case 2:
		overwrite(in, at, bytes, n);
		break;
	case 3:
		insert(in, at, bytes, n);
		break;
	case 4:
		cut_out(in, at, n);
		break;
	case 5: /* a piece of another file */
		insert(in, at, other->p + from,
		       n < other->n - from ? n : other->n - from);
		break;
	case 6: /* cut short */
		in->n = at;
		break;
	}
}

/* Mutant `number` depends on the corpus and on its number alone. */
static void mutant_make(struct input *in, const struct corpus *c,
                        unsigned number)
{
	struct rand r = { number };
	const struct input *from = &c->files[rand_below(&r, c->count)];
	uint64_t changes = 1 + rand_below(&r, CHANGES_MAX);

	memcpy(in->p, from->p, from->n);
	in->n = from->n;
	while (changes--)
		change(in, c, &r);
}

static void run_mutant(struct input *in, const struct corpus *c,
                       unsigned number)
{
	snprintf(running, sizeof(running), "replay: mutant %u\n", number);
	mutant_make(in, c, number);
	run(in->p, in->n);
}

static void run_all(struct input *in, const struct corpus *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		snprintf(running, sizeof(running), "replay: file %s\n",
		         c->names[i]);
		run(c->files[i].p, c->files[i].n);
	}
	for (unsigned number = 0; number < MUTANTS; number++)
		run_mutant(in, c, number);
	printf("%u files, %d mutants\n", c->count, MUTANTS);
}

int main(int argc, char **argv)
{
	static struct corpus corpus;

	if (argc != 2 && argc != 3)
		die("usage:", "fuzz_NAME DIR [MUTANT]");
	signal(SIGABRT, on_abort);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(on_death);
	corpus_read(&corpus, argv[1]);
	struct input in = { xmalloc(INPUT_BYTES_MAX), 0 };
	if (argc == 3) {
		mutant_make(&in, &corpus, (unsigned)strtoul(argv[2], NULL, 10));
		fwrite(in.p, 1, in.n, stdout);
		fflush(stdout);
		run(in.p, in.n);
	} else {
		run_all(&in, &corpus);
	}
	free(in.p);
	corpus_finish(&corpus);
	return 0;
}
