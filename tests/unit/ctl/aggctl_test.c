/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the program aggctl as a person calls it, against a server in this
 * process. What it writes, to both outputs, is read through one pipe, whose
 * end says that the program is done.
 */
#include "agg/ctl/ctl.h"

#include "agg/transport/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_US (300 * 1000000ull) /* advice is much work */
#define OUTPUT_MAX 65536
#define ARGS_MAX 12

struct fixture {
	char dir[64];
	char path[96];
	struct loop *loop;
	struct ctl *ctl;
	unsigned answers;      /* of "status" */
	unsigned answers_most; /* then it fails */
	const char *status;    /* what is answered instead; NULL: a report */
	int number;            /* behind "ok" */
	bool impatient;
	unsigned short columns; /* of the program's terminal; 0: a pipe */
	int fd;             /* of the program's output */
	struct buf output;
};

static int verb_status(void *ctx, int argc, const char *const *argv,
                       struct buf *out)
{
	struct fixture *f = ctx;
	struct report report;

	if (f->answers++ == f->answers_most)
		return -ECANCELED;
	if (f->status)
		return buf_printf(out, "%s\n", f->status) ? -EIO : f->number;
	report_init(&report);
	strcpy(report.head.role, "gateway");
	strcpy(report.head.version, "1.2.3");
	int err = ctl_render(&report, 0, argc, argv, out);
	report_finish(&report);
	return err;
}

static int verb_reload(void *ctx, int argc, const char *const *argv,
                       struct buf *out)
{
	buf_printf(out, "aggd.conf:7: that is wrong\n");
	return -EINVAL;
}

/* Says what it was asked. */
static int verb_scheduler(void *ctx, int argc, const char *const *argv,
                          struct buf *out)
{
	for (int i = 1; i < argc; i++)
		buf_printf(out, "[%s]", argv[i]);
	buf_printf(out, "\n");
	return 0;
}

static const struct ctl_verb verbs[] = {
	{ "scheduler", "[NAME]", "how to send", verb_scheduler },
	{ "status", "[--json]", "how it is", verb_status },
	{ "reload", NULL, "reads the configuration", verb_reload },
	{ NULL },
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	unsetenv("COLUMNS"); /* whoever runs the test */
	strcpy(f->dir, "/tmp/aggctl_test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/aggd.sock", f->dir);
	f->answers_most = 100;
	f->loop = loop_create();
	f->ctl = ctl_create(f->loop, f->path, verbs, f);
	assert_non_null(f->ctl);
	buf_init(&f->output, OUTPUT_MAX);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ctl_destroy(f->ctl);
	loop_destroy(f->loop);
	buf_finish(&f->output);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void on_output(void *ctx, unsigned events)
{
	struct fixture *f = ctx;
	uint8_t piece[4096];
	ssize_t n = read(f->fd, piece, sizeof(piece));

	if (n > 0)
		assert_int_equal(buf_put(&f->output, piece, (size_t)n), 0);
	else
		loop_stop(f->loop);
}

static void on_impatient(void *ctx)
{
	struct fixture *f = ctx;

	f->impatient = true;
	loop_stop(f->loop);
}

static void become_aggctl(int out, va_list args)
{
	char *argv[ARGS_MAX] = { (char[]){ "aggctl" } };

	for (int i = 1; i < ARGS_MAX - 1; i++)
		if (!(argv[i] = va_arg(args, char *)))
			break;
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execv(AGGCTL, argv);
	_exit(127);
}

/* Its two ends, as those of a pipe. */
static void open_terminal(int fds[2], unsigned short columns)
{
	struct winsize size = { .ws_row = 24, .ws_col = columns };

	fds[0] = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(fds[0] >= 0);
	assert_int_equal(grantpt(fds[0]), 0);
	assert_int_equal(unlockpt(fds[0]), 0);
	fds[1] = open(ptsname(fds[0]), O_RDWR | O_NOCTTY);
	assert_true(fds[1] >= 0);
	assert_int_equal(ioctl(fds[1], TIOCSWINSZ, &size), 0);
}

/* The program's exit status; its output is in f->output, ended by a NUL. */
static int aggctl(struct fixture *f, ...)
{
	int fds[2], status;
	va_list args;

	if (f->columns)
		open_terminal(fds, f->columns);
	else
		assert_int_equal(pipe(fds), 0);
	va_start(args, f);
	pid_t pid = fork();
	if (!pid)
		become_aggctl(fds[1], args);
	va_end(args);
	close(fds[1]);
	buf_take(&f->output, f->output.len);
	f->fd = fds[0];
	struct loop_io *io = loop_io_create(f->loop, f->fd, LOOP_READ,
	                                    on_output, f);
	struct loop_timer *patience =
		loop_timer_create(f->loop, on_impatient, f);
	loop_timer_arm(patience, loop_now_us(f->loop) + PATIENCE_US);
	loop_run(f->loop);
	loop_timer_destroy(patience);
	loop_io_destroy(io);
	close(f->fd);
	assert_false(f->impatient);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(buf_put(&f->output, "", 1), 0);
	return WEXITSTATUS(status);
}

static const char *output(const struct fixture *f)
{
	return (const char *)buf_head(&f->output);
}

static void assert_says(const struct fixture *f, const char *part)
{
	if (!strstr(output(f), part))
		fail_msg("'%s' is not in:\n%s", part, output(f));
}

static void answers_are_printed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(aggctl(f, "-s", f->path, "status", NULL), 0);
	assert_string_equal(output(f), "aggd 1.2.3, gateway, running for 0 s\n");
	assert_int_equal(aggctl(f, "status", "--json", "-s", f->path, NULL), 0);
	assert_string_equal(output(f), "{\"schema_version\":1,\"role\":\"gateway\",\"version\":"
	                    "\"1.2.3\",\"uptime_us\":0,"
	                    "\"descriptors_used\":null,\"descriptors_max\":null,"
	                    "\"own_pin\":null,\"left_out\":0}\n");
}

static void environment_names_the_socket(void **state)
{
	struct fixture *f = *state;

	setenv("AGGD_CONTROL", f->path, 1);
	assert_int_equal(aggctl(f, "status", NULL), 0);
	assert_int_equal(aggctl(f, "-s", "/nowhere/s", "status", NULL), 3);
	unsetenv("AGGD_CONTROL");
}

static void watch_goes_on_until_refused(void **state)
{
	struct fixture *f = *state;

	f->answers_most = 2;
	assert_int_equal(aggctl(f, "-s", f->path, "status", "--watch", NULL), 1);
	assert_int_equal(f->answers, 3);
	assert_string_equal(output(f), "aggd 1.2.3, gateway, running for 0 s\n"
	                    "aggd 1.2.3, gateway, running for 0 s\n"
	                    "aggctl: Operation canceled\n");
}

static void exit_status_says_how_it_is(void **state)
{
	struct fixture *f = *state;

	f->status = "up: fine";
	assert_int_equal(aggctl(f, "-s", f->path, "status", NULL), 0);
	f->number = 1;
	assert_int_equal(aggctl(f, "-s", f->path, "status", NULL), 4);
	assert_string_equal(output(f), "up: fine\n");
	f->number = 2;
	assert_int_equal(aggctl(f, "-s", f->path, "status", NULL), 5);
	/* A program reads it, and fails where it cannot. */
	assert_int_equal(aggctl(f, "-s", f->path, "status", "--json", NULL), 0);
	assert_int_equal(aggctl(f, "-s", f->path, "status", "--metrics", NULL), 0);
}

/* Only on a terminal, and not where somebody wants none. */
static void colours_are_for_terminals(void **state)
{
	struct fixture *f = *state;

	f->status = "degraded: up\nuplink state\ndsl  up\nlte  down  why";
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	f->columns = 80;
	assert_int_equal(aggctl(f, "-s", f->path, "status", NULL), 0);
	assert_string_equal(output(f), "\033[33mdegraded\033[0m: up\r\n"
	                    "uplink state\r\ndsl  \033[32mup\033[0m\r\n"
	                    "lte  \033[31mdown\033[0m  why\r\n");
	setenv("NO_COLOR", "1", 1);
	assert_int_equal(aggctl(f, "-s", f->path, "status", NULL), 0);
	assert_null(strchr(output(f), '\033'));
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	assert_int_equal(aggctl(f, "-s", f->path, "status", NULL), 0);
	assert_null(strchr(output(f), '\033'));
	setenv("TERM", "xterm", 1);
	f->columns = 0;
	assert_int_equal(aggctl(f, "-s", f->path, "status", NULL), 0);
	assert_null(strchr(output(f), '\033'));
}

/* In one place: home, each line and what was behind it, what was below. The
 * cursor is there again in the end. */
static void watch_draws_in_one_place(void **state)
{
	struct fixture *f = *state;

	f->status = "up: fine\nsecond";
	f->answers_most = 2;
	f->columns = 80;
	setenv("NO_COLOR", "1", 1);
	setenv("TERM", "xterm", 1);
	assert_int_equal(aggctl(f, "-s", f->path, "status", "--watch", NULL), 1);
	unsetenv("NO_COLOR");
	assert_string_equal(output(f), "\033[?25l\033[H\033[J"
	                    "\033[Hup: fine\033[K\r\nsecond\033[K\r\n\033[J"
	                    "\033[Hup: fine\033[K\r\nsecond\033[K\r\n\033[J"
	                    "aggctl: Operation canceled\r\n\033[?25h");
}

static void refusal_is_1(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(aggctl(f, "-s", f->path, "reload", NULL), 1);
	assert_string_equal(output(f), "aggctl: aggd.conf:7: that is wrong\n");
	/* A verb that this daemon's role has not. */
	assert_int_equal(aggctl(f, "-s", f->path, "sites", NULL), 1);
	assert_says(f, "allowed here: scheduler, status, reload, help");
}

static void wrong_usage_is_2(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(aggctl(f, "stats", NULL), 2);
	assert_says(f, "unknown command 'stats', did you mean 'status'? allowed: "
	            "status, uplinks, streams, ");
	assert_int_equal(aggctl(f, "restart", NULL), 2);
	assert_says(f, "systemctl restart aggd");
	assert_int_equal(aggctl(f, NULL), 2);
	assert_says(f, "usage: aggctl");
	assert_int_equal(aggctl(f, "status", "now", NULL), 2);
	assert_int_equal(aggctl(f, "keygen", NULL), 2);
	assert_says(f, "usage: aggctl keygen DIR");
	assert_int_equal(aggctl(f, "reload", "--json", NULL), 2);
	assert_int_equal(aggctl(f, "--jason", "status", NULL), 2);
	assert_says(f, "'--jason', did you mean '--json'?");
	assert_int_equal(aggctl(f, "-x", "status", NULL), 2);
	assert_says(f, "unknown option '-x'");
	assert_int_equal(aggctl(f, "reload", "--metrics", NULL), 2);
	assert_int_equal(aggctl(f, "advise", "--metrics", NULL), 2);
	assert_says(f, "takes no --metrics; allowed: --json");
	assert_int_equal(aggctl(f, "status", "--json", "--metrics", NULL), 2);
	assert_int_equal(aggctl(f, "scheduler", "ecf", "--json", NULL), 2);
	assert_int_equal(aggctl(f, "scheduler", "--class", "bulk", NULL), 2);
	assert_says(f, "takes no --class; allowed: --json, --watch");
	assert_int_equal(aggctl(f, "status", "--class", "bulk", NULL), 2);
	assert_int_equal(aggctl(f, "reload", "--class", "bulk", NULL), 2);
	assert_int_equal(aggctl(f, "advise", "--watch", NULL), 2);
	assert_int_equal(aggctl(f, "advise", "home", "cabin", NULL), 2);
	assert_int_equal(aggctl(f, "advise", "--class", "bulk", NULL), 2);
	assert_int_equal(aggctl(f, "-s", NULL), 2);
	assert_says(f, "-s needs a value");
}

static void words_of_a_scheduler_are_passed_on(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(aggctl(f, "-s", f->path, "scheduler", NULL), 0);
	assert_string_equal(output(f), "\n");
	assert_int_equal(aggctl(f, "-s", f->path, "scheduler", "--json", NULL), 0);
	assert_string_equal(output(f), "[--json]\n");
	assert_int_equal(aggctl(f, "-s", f->path, "scheduler", "ecf", "order",
	                        "srpt", "home", NULL), 0);
	assert_string_equal(output(f), "[ecf][order][srpt][home]\n");
	assert_int_equal(aggctl(f, "-s", f->path, "scheduler", "--class", "bulk",
	                        "ecf", "home", NULL), 0);
	assert_string_equal(output(f), "[ecf][home][--class][bulk]\n");
}

#define SENDING "{\"interactive\":\"roundrobin\",\"bulk\":\"roundrobin\"," \
	"\"order\":\"roundrobin\",\"reinjection\":\"suspect\"}"
#define MEASURED(name, rtt, rate) \
	"{\"name\":\"" name "\",\"state\":\"up\",\"srtt_us\":" rtt "," \
	"\"min_rtt_us\":" rtt ",\"down_best_bytes_per_s\":" rate "}"

static void advice_comes_from_one_question(void **state)
{
	struct fixture *f = *state;

	f->status = "{\"role\":\"gateway\",\"sessions\":[{\"down\":" SENDING
		"}],\"uplinks\":[" MEASURED("dsl", "10000", "1000000") ","
		MEASURED("sat", "200000", "500000") "]}";
	assert_int_equal(aggctl(f, "-s", f->path, "advise", NULL), 0);
	assert_int_equal(f->answers, 1);
	assert_says(f, "dsl");
	assert_says(f, "\npage: ");
	assert_says(f, "    aggctl scheduler ");
	assert_int_equal(aggctl(f, "-s", f->path, "advise", "--json", NULL), 0);
	assert_says(f, "{\"version\":1,\"role\":\"gateway\",\"site\":null,");
	assert_int_equal(aggctl(f, "-s", f->path, "advise", "home", NULL), 1);
	assert_says(f, "sites are the concentrator's");
	assert_int_equal(aggctl(f, "-s", "/nowhere/s", "advise", NULL), 3);
}

static void no_daemon_is_3(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(aggctl(f, "-s", "/nowhere/aggd.sock", "status", NULL), 3);
	assert_says(f, "/nowhere/aggd.sock");
	assert_says(f, "aggd is not running");
}

/* Each way in which a socket is none says which it is. */
static void what_is_no_socket_is_said(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char path[sizeof(sun.sun_path)], longest[CTL_PATH_MAX + 2];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(aggctl(f, "-s", f->dir, "status", NULL), 3);
	assert_says(f, "is a directory and no socket");
	assert_int_equal(aggctl(f, "-s", "/proc/self/status", "status", NULL), 3);
	assert_says(f, "is a file and no socket");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = 0;
	assert_int_equal(aggctl(f, "-s", longest, "status", NULL), 3);
	assert_says(f, "107 bytes at most");
	/* A daemon that was killed leaves its socket. */
	snprintf(path, sizeof(path), "%s/dead", f->dir);
	strcpy(sun.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	assert_int_equal(aggctl(f, "-s", path, "status", NULL), 3);
	assert_says(f, "nobody listens at");
	unlink(path);
}

static void metrics_are_printed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(aggctl(f, "-s", f->path, "status", "--metrics", NULL), 0);
	assert_says(f, "# EOF\n");
}

/* The terminal's width goes with the question; a pipe has none. */
static void tables_are_as_wide_as_is_wished(void **state)
{
	struct fixture *f = *state;

	f->columns = 72;
	assert_int_equal(aggctl(f, "-s", f->path, "scheduler", NULL), 0);
	assert_string_equal(output(f), "[--width][72]\r\n");
	f->columns = 0;
	setenv("COLUMNS", "80", 1);
	assert_int_equal(aggctl(f, "-s", f->path, "scheduler", NULL), 0);
	assert_string_equal(output(f), "[--width][80]\n");
	assert_int_equal(aggctl(f, "-s", f->path, "scheduler", "--json", NULL), 0);
	assert_string_equal(output(f), "[--json]\n");
	assert_int_equal(aggctl(f, "-s", f->path, "scheduler", "ecf", NULL), 0);
	assert_string_equal(output(f), "[ecf]\n");
	assert_int_equal(aggctl(f, "-s", f->path, "status", NULL), 0);
	assert_string_equal(output(f), "aggd 1.2.3, gateway, running for 0 s\n");
	/* What is no table is broken between words. */
	setenv("COLUMNS", "40", 1);
	assert_int_equal(aggctl(f, "scheduler", "--class", "bulk", NULL), 2);
	assert_string_equal(output(f),
	                    "aggctl: 'scheduler [--json] [--watch]'\n"
	                    "  takes no --class; allowed: --json,\n"
	                    "  --watch\n");
	setenv("COLUMNS", "many", 1);
	assert_int_equal(aggctl(f, "-s", f->path, "scheduler", NULL), 0);
	assert_string_equal(output(f), "\n");
	unsetenv("COLUMNS");
}

static void help_lists_every_command(void **state)
{
	static const char *const names[] = { "status", "uplinks", "streams",
		"sites", "scheduler", "advise", "reload", "keygen", "pin", "help",
		CTL_PATH_DEFAULT };
	struct fixture *f = *state;

	assert_int_equal(aggctl(f, "help", NULL), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_says(f, names[i]);
	for (const char *line = output(f); *line; line += strspn(line, "\n")) {
		assert_true(strcspn(line, "\n") <= 80); /* of a terminal */
		line += strcspn(line, "\n");
	}
	assert_int_equal(aggctl(f, "--help", NULL), 0);
	assert_says(f, "usage: aggctl");
	assert_int_equal(aggctl(f, "--version", NULL), 0);
	assert_says(f, "aggctl ");
}

static void keys_need_no_daemon(void **state)
{
	struct fixture *f = *state;
	char dir[96], file[128], pin[TLS_PIN_TEXT_LEN + 2];

	snprintf(dir, sizeof(dir), "%s/state", f->dir);
	snprintf(file, sizeof(file), "%s/identity.pem", dir);
	assert_int_equal(aggctl(f, "pin", dir, NULL), 1);
	assert_says(f, "there is no identity");
	assert_int_equal(aggctl(f, "keygen", dir, NULL), 0);
	assert_int_equal(f->output.len, sizeof(pin));
	memcpy(pin, output(f), sizeof(pin));
	assert_memory_equal(pin, "sha256:", 7);
	assert_int_equal(aggctl(f, "pin", dir, NULL), 0);
	assert_string_equal(output(f), pin);
	assert_int_equal(aggctl(f, "keygen", dir, NULL), 0);
	assert_says(f, "nothing was changed");
	assert_says(f, pin);
	assert_int_equal(chmod(file, 0644), 0);
	assert_int_equal(aggctl(f, "pin", dir, NULL), 1);
	assert_says(f, "others may read");
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* Also of a file that is not ready: the other side's pin is still missing. */
static void pin_is_of_the_configuration(void **state)
{
	struct fixture *f = *state;
	char dir[96], key[128], conf[96];
	struct tls_pin pin;
	char text[TLS_PIN_TEXT_LEN + 1];

	snprintf(dir, sizeof(dir), "%s/state", f->dir);
	snprintf(key, sizeof(key), "%s/identity.pem", dir);
	snprintf(conf, sizeof(conf), "%s/aggd.conf", f->dir);
	assert_int_equal(aggctl(f, "pin", "-c", conf, NULL), 1);
	assert_says(f, "No such file");
	assert_says(f, "aggctl pin DIR");
	FILE *file = fopen(conf, "w");
	assert_non_null(file);
	fprintf(file, "config aggd main\noption role gateway\noption state %s\n"
	        "config concentrator vps\noption pin PASTE-IT-HERE\n", dir);
	fclose(file);
	assert_int_equal(aggctl(f, "pin", "-c", conf, NULL), 1);
	assert_says(f, "there is no identity");
	assert_int_equal(tls_identity_generate(dir), 0);
	assert_int_equal(tls_identity_pin(dir, &pin), 0);
	assert_int_equal(aggctl(f, "-c", conf, "pin", NULL), 0);
	assert_says(f, tls_pin_format(&pin, text));
	assert_int_equal(f->output.len, sizeof(text) + 1);
	assert_int_equal(unlink(key), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(unlink(conf), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_are_printed),
		TEST(environment_names_the_socket),
		TEST(watch_goes_on_until_refused),
		TEST(exit_status_says_how_it_is),
		TEST(colours_are_for_terminals),
		TEST(watch_draws_in_one_place),
		TEST(refusal_is_1),
		TEST(wrong_usage_is_2),
		TEST(words_of_a_scheduler_are_passed_on),
		TEST(advice_comes_from_one_question),
		TEST(no_daemon_is_3),
		TEST(what_is_no_socket_is_said),
		TEST(metrics_are_printed),
		TEST(tables_are_as_wide_as_is_wished),
		TEST(help_lists_every_command),
		TEST(keys_need_no_daemon),
		TEST(pin_is_of_the_configuration),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
