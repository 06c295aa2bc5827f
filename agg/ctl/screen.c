/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see screen.h. Control sequences are those of ECMA-48, but for the cursor's,
 * which are the VT220's. A line is erased as it is written again, not the screen
 * before, so that nothing flickers.
 */
#include "agg/ctl/screen.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define ROWS_DEFAULT 24
#define HOME "\033[H"
#define CLEAR "\033[J"         /* to the end of the screen, */
#define CLEAR_LINE "\033[K"    /* of the line */
#define CURSOR_OFF "\033[?25l"
#define CURSOR_ON "\033[?25h"
#define PLAIN "\033[0m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RED "\033[31m"

/* A signal handler has nothing else to write to. */
static volatile sig_atomic_t is_over;

static void on_signal(int signum)
{
	is_over = 1;
}

bool screen_has_colours(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) &&
	       term && *term && strcmp(term, "dumb");
}

static const struct { const char *word, *colour; } states[] = {
	{ "up", GREEN }, { "connected", GREEN }, { "degraded", YELLOW },
	{ "suspect", YELLOW }, { "connecting", YELLOW }, { "outage", RED },
	{ "down", RED }, { NULL, NULL },
};

/* Of a word that says how something is; NULL: of another. */
static const char *colour_of(const char *word, size_t len)
{
	for (size_t i = 0; states[i].word; i++)
		if (strlen(states[i].word) == len &&
		    !memcmp(states[i].word, word, len))
			return states[i].colour;
	return NULL;
}

/* Where a line may have such a word: at its start, before a colon, or second. A
 * heading and a sentence have none there. */
static size_t find_state(const char *line, size_t len, size_t *at)
{
	size_t first = strcspn(line, " :\n"), blanks;

	*at = 0;
	if (first < len && !strncmp(line, "reinjection ", first + 1))
		return 0; /* whose names are no states */
	if (first < len && line[first] == ':')
		return first;
	blanks = first < len ? strspn(line + first, " ") : 0;
	*at = first + blanks;
	return first && blanks && *at < len ? strcspn(line + *at, " \n") : 0;
}

static void paint_line(FILE *to, const char *line, size_t len)
{
	size_t at, n = find_state(line, len, &at);
	const char *colour = n && at + n <= len ? colour_of(line + at, n) : NULL;

	if (!colour) {
		fwrite(line, 1, len, to);
		return;
	}
	fwrite(line, 1, at, to);
	fputs(colour, to);
	fwrite(line + at, 1, n, to);
	fputs(PLAIN, to);
	fwrite(line + at + n, 1, len - at - n, to);
}

void screen_paint(FILE *to, const char *text, size_t len)
{
	for (const char *end = text + len; text < end;) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t n = stop ? (size_t)(stop - text) + 1 : (size_t)(end - text);
		paint_line(to, text, n);
		text += n;
	}
}

void screen_begin(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	is_over = 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (isatty(STDOUT_FILENO))
		fputs(CURSOR_OFF HOME CLEAR, stdout);
}

static unsigned rows(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row ?
		ROWS_DEFAULT : size.ws_row;
}

void screen_draw(const char *text, size_t len, bool colours)
{
	const char *end = text + len;

	fputs(HOME, stdout);
	for (unsigned left = rows() - 1; text < end && left; left--) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t n = stop ? (size_t)(stop - text) : (size_t)(end - text);
		if (colours)
			paint_line(stdout, text, n);
		else
			fwrite(text, 1, n, stdout);
		fputs(CLEAR_LINE "\n", stdout);
		text += n + (stop != NULL);
	}
	fputs(CLEAR, stdout);
}

bool screen_wait(unsigned seconds)
{
	struct timespec left = { .tv_sec = seconds };

	while (!is_over && nanosleep(&left, &left) < 0 && errno == EINTR)
		;
	return !is_over;
}

void screen_end(void)
{
	if (isatty(STDOUT_FILENO))
		fputs(CURSOR_ON, stdout);
	fflush(stdout);
}
