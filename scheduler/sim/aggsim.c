/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aggsim, the program: the shipped schedulers and the shipped session on
 * simulated paths, under virtual time. The same scenario and seed give the same
 * output to the byte.
 *
 * Exit status: 0 done, 1 a run failed or nothing could be written, 2 wrong
 * usage or a wrong scenario.
 */
#include "agg/base/columns.h"
#include "agg/base/words.h"
#include "scheduler/sim/page.h"
#include "scheduler/sim/published.h"
#include "scheduler/sim/result.h"
#include "scheduler/sim/shipped.h"
#include "scheduler/sim/simsched.h"
#include "scheduler/sim/trace.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SHIPPED_NAMES_MAX 128 /* among which a near one is looked for */
#define SCENARIOS_MAX 64
#define FILE_NAME_MAX 1023
#define SUFFIX ".scn"

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

struct options {
	const char *names[SCENARIOS_MAX];
	unsigned name_count;
	const struct sched_ops *schedulers[SCENARIO_SCHEDULERS_MAX];
	unsigned scheduler_count;
	struct result_choice choice;
	const char *seed, *html;
	bool json, list, published, manual, verbose, no_deep_pull;
};

/* What is kept of a scenario until all have run. */
struct job {
	struct scenario *scenario;
	struct result_set *set;
	struct trace_run *traces[SCENARIO_SCHEDULERS_MAX];
};

/* Scenarios ------------------------------------------------------------- */

static int read_stream(FILE *f, struct buf *out)
{
	size_t got = 1;

	while (got) {
		uint8_t *to = buf_reserve(out, BUFSIZ);
		if (!to)
			return -EFBIG;
		got = fread(to, 1, BUFSIZ, f);
		buf_added(out, got);
	}
	return ferror(f) ? -EIO : 0;
}

static int read_path(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	int err = read_stream(f, out);
	fclose(f);
	return err;
}

/* scenario_files: beside the scenario, whose path is ctx. */
static int read_beside(void *ctx, const char *name, struct buf *out)
{
	const char *scenario = ctx, *slash = strrchr(scenario, '/');
	char path[FILE_NAME_MAX + 1];
	int folder = slash && *name != '/' ? (int)(slash + 1 - scenario) : 0;

	if (snprintf(path, sizeof(path), "%.*s%s", folder, scenario, name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	return read_path(path, out);
}

static const struct shipped *find_shipped(const char *name)
{
	for (size_t i = 0; i < shipped_count; i++)
		if (!strcmp(shipped_all[i].name, name))
			return &shipped_all[i];
	return NULL;
}

/* A scenario without a name has its file's. */
static void set_name(struct scenario *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t n = strlen(base);

	if (*s->main.name)
		return;
	if (n > strlen(SUFFIX) && !strcmp(base + n - strlen(SUFFIX), SUFFIX))
		n -= strlen(SUFFIX);
	snprintf(s->main.name, sizeof(s->main.name), "%.*s", (int)n, base);
}

static int complain(const struct conf_error *error)
{
	fprintf(stderr, "aggsim: %s\n", error->text);
	return EXIT_USAGE;
}

static int load_shipped(const struct shipped *shipped, struct scenario **out)
{
	struct conf_error error;

	if (scenario_parse(shipped->name, shipped->text, shipped->size, NULL, out,
	                   &error))
		return complain(&error);
	set_name(*out, shipped->name);
	return EXIT_DONE;
}

static void on_no_scenario(const char *name)
{
	const char *names[SHIPPED_NAMES_MAX + 1];
	size_t n = 0;

	for (; n < shipped_count && n < SHIPPED_NAMES_MAX; n++)
		names[n] = shipped_all[n].name;
	names[n] = NULL;
	const char *near = words_near(names, name);
	fprintf(stderr, "aggsim: '%s' is neither a file nor a scenario that comes "
	        "with aggsim%s%s%s 'aggsim --list' names those\n", name,
	        near ? ", did you mean '" : ";", near ? near : "",
	        near ? "'?" : "");
}

static int load_file(const char *path, struct scenario **out)
{
	char copy[FILE_NAME_MAX + 1];
	struct scenario_files files = { read_beside, copy };
	struct conf_error error;
	struct buf text;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
		fprintf(stderr, "aggsim: %s: the name is too long\n", path);
		return EXIT_USAGE;
	}
	buf_init(&text, UCI_FILE_MAX + 2 * BUFSIZ);
	int err = read_path(path, &text);
	if (err == -ENOENT && !strchr(path, '/'))
		on_no_scenario(path);
	else if (err)
		fprintf(stderr, "aggsim: %s: cannot be read: %s\n", path,
		        strerror(-err));
	else if (scenario_parse(path, (const char *)buf_head(&text), text.len,
	                        &files, out, &error))
		err = complain(&error);
	else
		set_name(*out, path);
	buf_finish(&text);
	return err ? EXIT_USAGE : EXIT_DONE;
}

static int load_scenario(const struct options *o, const char *name,
                         struct scenario **out)
{
	const struct shipped *shipped = find_shipped(name);
	int status = shipped ? load_shipped(shipped, out) : load_file(name, out);

	if (status == EXIT_DONE && o->seed)
		(*out)->main.seed = (unsigned)strtoul(o->seed, NULL, 10);
	if (status == EXIT_DONE && o->no_deep_pull)
		(*out)->main.deep_pull = false;
	return status;
}

/* Running --------------------------------------------------------------- */

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run_one(const struct options *o, struct job *job,
                   const struct sched_ops *scheduler)
{
	struct trace_run **trace = &job->traces[job->set->count];
	double begin = seconds();

	if (o->html && !(*trace = trace_create()))
		return -ENOMEM;
	int err = result_add(job->set, scheduler, &o->choice, *trace);
	if (err)
		return err;
	const struct result *result = &job->set->runs[job->set->count - 1];
	double took = seconds() - begin;
	if (o->verbose)
		fprintf(stderr, "%s %s: %" PRIu64 " events in %.3f s, %.2f million "
		        "a second\n", job->scenario->main.name, scheduler->name,
		        result->events, took, (double)result->events / took / 1e6);
	return 0;
}

static int run_job(const struct options *o, struct job *job)
{
	const struct sched_ops *schedulers[SCENARIO_SCHEDULERS_MAX];
	unsigned count = result_schedulers(job->scenario, schedulers,
	                                   SCENARIO_SCHEDULERS_MAX);
	int err;

	if (o->scheduler_count) {
		memcpy(schedulers, o->schedulers, sizeof(schedulers));
		count = o->scheduler_count;
	}
	job->set = calloc(1, sizeof(*job->set));
	err = job->set ? result_set_init(job->set, job->scenario) : -ENOMEM;
	for (unsigned i = 0; !err && i < count; i++)
		err = run_one(o, job, schedulers[i]);
	if (err)
		fprintf(stderr, "aggsim: %s: %s\n", job->scenario->main.name,
		        strerror(-err));
	return err ? EXIT_FAILED : EXIT_DONE;
}

static bool all_well(const struct result_set *set)
{
	bool well = true;

	for (unsigned i = 0; i < set->count; i++) {
		if (!*set->runs[i].error)
			continue;
		fprintf(stderr, "aggsim: %s: %s: %s\n", set->scenario->main.name,
		        set->runs[i].scheduler->name, set->runs[i].error);
		well = false;
	}
	return well;
}

static void finish_job(struct job *job)
{
	for (unsigned i = 0; i < SCENARIO_SCHEDULERS_MAX; i++)
		trace_free(job->traces[i]);
	free(job->set);
	scenario_free(job->scenario);
}

/* Output ---------------------------------------------------------------- */

static int put_out(const struct buf *text, FILE *to)
{
	if (text->len && fwrite(buf_head(text), 1, text->len, to) != text->len)
		return -EIO;
	return fflush(to) ? -EIO : 0;
}

static int say_status(int err, const char *what)
{
	if (err)
		fprintf(stderr, "aggsim: %s: %s\n", what, strerror(-err));
	return err ? EXIT_FAILED : EXIT_DONE;
}

static int write_page(const char *path, const struct job *job)
{
	struct trace_shown shown[SCENARIO_SCHEDULERS_MAX];
	struct buf json;

	for (unsigned i = 0; i < job->set->count; i++)
		shown[i] = (struct trace_shown){ job->traces[i],
		                                 &job->set->runs[i] };
	buf_init(&json, TRACE_BYTES_MAX);
	int err = trace_write(job->scenario, job->set->limits, shown,
	                      job->set->count, &json);
	if (!err)
		err = buf_put(&json, "", 1);
	FILE *to = err ? NULL : fopen(path, "we");
	if (to) {
		err = page_write(to, (const char *)buf_head(&json));
		if (fclose(to) && !err)
			err = -errno;
	} else if (!err) {
		err = -errno;
	}
	buf_finish(&json);
	return say_status(err, path);
}

static int write_results(const struct options *o, const struct job *jobs,
                         unsigned count)
{
	const struct result_set *sets[SCENARIOS_MAX];
	struct buf text;
	int err = 0;

	buf_init(&text, RESULT_TEXT_MAX);
	for (unsigned i = 0; i < count; i++)
		sets[i] = jobs[i].set;
	if (o->json)
		err = result_json(sets, count, &text);
	else if (o->published)
		err = published_head(&text);
	for (unsigned i = 0; !err && !o->json && i < count; i++) {
		if (o->published)
			err = published_scenario(jobs[i].scenario, sets[i], &text);
		else
			err = (i ? buf_printf(&text, "\n") : 0) |
			      result_table(sets[i], columns_of_terminal(), &text);
	}
	if (!err)
		err = put_out(&text, stdout);
	buf_finish(&text);
	return say_status(err, "the results");
}

static int run(const struct options *o)
{
	struct job *jobs = calloc(SCENARIOS_MAX, sizeof(*jobs));
	int status = jobs ? EXIT_DONE : EXIT_FAILED;
	bool well = true;

	for (unsigned i = 0; status == EXIT_DONE && i < o->name_count; i++)
		status = load_scenario(o, o->names[i], &jobs[i].scenario);
	for (unsigned i = 0; status == EXIT_DONE && i < o->name_count; i++)
		status = run_job(o, &jobs[i]);
	if (status == EXIT_DONE)
		status = write_results(o, jobs, o->name_count);
	if (status == EXIT_DONE && o->html)
		status = write_page(o->html, &jobs[0]);
	for (unsigned i = 0; status == EXIT_DONE && i < o->name_count; i++)
		well &= all_well(jobs[i].set);
	for (unsigned i = 0; jobs && i < o->name_count; i++)
		finish_job(&jobs[i]);
	free(jobs);
	return well ? status : EXIT_FAILED;
}

static int print_manual(void)
{
	struct buf text;

	buf_init(&text, RESULT_TEXT_MAX);
	int err = scenario_help(&text);
	if (!err)
		err = put_out(&text, stdout);
	buf_finish(&text);
	return say_status(err, "the manual");
}

static int list_scenarios(bool published)
{
	int status = EXIT_DONE;

	for (size_t i = 0; status == EXIT_DONE && i < shipped_count; i++) {
		struct scenario *s;
		if (shipped_all[i].published != published)
			continue;
		status = load_shipped(&shipped_all[i], &s);
		if (status == EXIT_DONE) {
			printf("  %-20s %s\n", shipped_all[i].name, s->main.title);
			scenario_free(s);
		}
	}
	return status;
}

static int list(void)
{
	printf("Scenarios:\n");
	int status = list_scenarios(false);
	printf("\nScenarios with published values:\n");
	status |= list_scenarios(true);
	printf("\nSchedulers:\n");
	for (size_t i = 0; i < simsched_count(); i++)
		printf("  %-20s %s\n", simsched_at(i)->name,
		       simsched_at(i)->summary);
	printf("\nOrders of streams (auto: the scheduler's own):\n");
	for (size_t i = 0; i < order_count; i++)
		printf("  %-20s %s\n", order_all[i]->name, order_all[i]->summary);
	printf("\nReinjection:\n");
	for (int i = 0; i < REINJECT_COUNT; i++)
		printf("  %-20s %s\n", reinject_name((enum reinject_policy)i),
		       reinject_summary((enum reinject_policy)i));
	return status;
}

/* Arguments ------------------------------------------------------------- */

static const char usage[] =
	"usage: aggsim [OPTIONS] SCENARIO...\n"
	"\n"
	"Runs the schedulers on simulated links and says how each did. SCENARIO\n"
	"is a file, or the name of one that comes with aggsim.\n"
	"\n"
	"  --scheduler NAME    only this one; may be repeated\n"
	"  --order NAME        the order of streams, in place of the scheduler's\n"
	"  --reinjection NAME  when a piece is sent again on another path\n"
	"  --no-deep-pull      each path takes what is next, as schedulers were\n"
	"                      published\n"
	"  --seed N            in place of the scenario's\n"
	"  --json              for programs: one JSON object on one line\n"
	"  --html FILE         writes a page that plays the runs of one scenario\n"
	"  --published         published values beside ours, as Markdown; without\n"
	"                      a SCENARIO all that have such values\n"
	"  --list              what comes with aggsim, and all names\n"
	"  --manual            what can be in a scenario file\n"
	"  --verbose           how fast it is, on stderr\n"
	"  --help, --version\n";

static int usage_error(void)
{
	fprintf(stderr, "'aggsim --help' lists the options.\n");
	return EXIT_USAGE;
}

static int bad_name(const char *what, const char *name, const char *const *words)
{
	const char *near = words_near(words, name);
	char allowed[512];

	words_list(words, allowed, sizeof(allowed));
	fprintf(stderr, "aggsim: there is no %s '%s'", what, name);
	if (near)
		fprintf(stderr, ", did you mean '%s'?", near);
	fprintf(stderr, "%s allowed: %s\n", near ? "" : ";", allowed);
	return EXIT_USAGE;
}

static int take_scheduler(struct options *o, const char *name)
{
	const char *words[64] = { NULL };
	const struct sched_ops *sched = simsched_find(name);

	for (size_t i = 0; i < simsched_count() && i < 63; i++)
		words[i] = simsched_at(i)->name;
	if (!sched)
		return bad_name("scheduler", name, words);
	if (o->scheduler_count == SCENARIO_SCHEDULERS_MAX) {
		fprintf(stderr, "aggsim: more than %d schedulers\n",
		        SCENARIO_SCHEDULERS_MAX);
		return EXIT_USAGE;
	}
	o->schedulers[o->scheduler_count++] = sched;
	return EXIT_DONE;
}

static int take_order(struct options *o, const char *name)
{
	const char *words[64] = { NULL };

	for (size_t i = 0; i < order_count && i < 63; i++)
		words[i] = order_all[i]->name;
	o->choice.order = order_find(name);
	return o->choice.order ? EXIT_DONE : bad_name("order", name, words);
}

static int take_reinjection(struct options *o, const char *name)
{
	const char *words[REINJECT_COUNT + 1] = { NULL };

	for (int i = 0; i < REINJECT_COUNT; i++)
		words[i] = reinject_name((enum reinject_policy)i);
	o->choice.reinjection = reinject_find(name);
	return o->choice.reinjection >= 0 ? EXIT_DONE
	                                  : bad_name("reinjection", name, words);
}

static int take_seed(struct options *o, const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 9 || text[digits]) {
		fprintf(stderr, "aggsim: seed '%s' is not allowed; allowed: a "
		        "number from 0 to 999999999\n", text);
		return EXIT_USAGE;
	}
	o->seed = text;
	return EXIT_DONE;
}

static int take_name(struct options *o, const char *name)
{
	if (o->name_count == SCENARIOS_MAX) {
		fprintf(stderr, "aggsim: more than %d scenarios\n", SCENARIOS_MAX);
		return EXIT_USAGE;
	}
	o->names[o->name_count++] = name;
	return EXIT_DONE;
}

static int take_names(struct options *o, int count, char **names)
{
	int status = EXIT_DONE;

	for (int i = 0; !status && i < count; i++)
		status = take_name(o, names[i]);
	for (size_t i = 0; !status && o->published && !count &&
	     i < shipped_count; i++)
		if (shipped_all[i].published)
			status = take_name(o, shipped_all[i].name);
	if (!status && !o->name_count) {
		fprintf(stderr, "aggsim: no scenario is named\n");
		status = usage_error();
	}
	if (!status && o->html && o->name_count != 1) {
		fprintf(stderr, "aggsim: --html shows one scenario, not %u\n",
		        o->name_count);
		status = EXIT_USAGE;
	}
	if (!status && o->published && (o->json || o->scheduler_count)) {
		fprintf(stderr, "aggsim: --published goes neither with --json nor "
		        "with --scheduler\n");
		status = EXIT_USAGE;
	}
	return status;
}

static int take_option(struct options *o, int c)
{
	switch (c) {
	case 's': return take_scheduler(o, optarg);
	case 'o': return take_order(o, optarg);
	case 'r': return take_reinjection(o, optarg);
	case 'n': return take_seed(o, optarg);
	case 'd': o->no_deep_pull = true; return EXIT_DONE;
	case 'j': o->json = true; return EXIT_DONE;
	case 'm': o->html = optarg; return EXIT_DONE;
	case 'p': o->published = true; return EXIT_DONE;
	case 'l': o->list = true; return EXIT_DONE;
	case 'M': o->manual = true; return EXIT_DONE;
	case 'v': o->verbose = true; return EXIT_DONE;
	}
	return EXIT_USAGE; /* on_bad_option() says why */
}

/* The option at which getopt stopped. */
static int on_bad_option(const struct option *longs, const char *word, int c)
{
	const char *near = words_near_option(longs, word);

	if (c == ':')
		fprintf(stderr, "aggsim: %s needs a value\n", word);
	else
		fprintf(stderr, "aggsim: unknown option '%s'%s%s%s\n", word,
		        near ? ", did you mean '--" : "", near ? near : "",
		        near ? "'?" : "");
	return usage_error();
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "scheduler", required_argument, NULL, 's' },
		{ "order", required_argument, NULL, 'o' },
		{ "reinjection", required_argument, NULL, 'r' },
		{ "no-deep-pull", no_argument, NULL, 'd' },
		{ "seed", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "html", required_argument, NULL, 'm' },
		{ "published", no_argument, NULL, 'p' },
		{ "list", no_argument, NULL, 'l' },
		{ "manual", no_argument, NULL, 'M' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL },
	};
	struct options options = { .choice.reinjection = -1 };
	int c, status = EXIT_DONE;

	opterr = 0;
	while (!status && (c = getopt_long(argc, argv, ":hvV", longs, NULL)) != -1) {
		if (c == '?' || c == ':')
			return on_bad_option(longs, argv[optind - 1], c);
		if (c == 'h')
			return fputs(usage, stdout) < 0;
		if (c == 'V')
			return puts("aggsim " AGGD_VERSION) < 0;
		status = take_option(&options, c);
	}
	if (status)
		return status;
	if (options.list)
		return list();
	if (options.manual)
		return print_manual();
	status = take_names(&options, argc - optind, argv + optind);
	return status ? status : run(&options);
}
