/* SPDX-License-Identifier: Apache-2.0
 * The command line of bpmnd. */
#include "daemon/daemon.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "base/file.h"
#include "base/log.h"
#include "bpmn/bpmn.h"

static const char usage[] =
	"bpmnd runs BPMN 2.0 processes and speaks the REST API of Camunda 7.\n"
	"\n"
	"  bpmnd dev [--data DIR]             with a PostgreSQL of its own in DIR (.bpmnd)\n"
	"  bpmnd serve --database URL         on any PostgreSQL 15 or later\n"
	"  bpmnd migrate --database URL       bring the database to this version's schema\n"
	"  bpmnd audit --database URL         check what it holds, while daemons work: 0 sound, 1 not, 2 unknown\n"
	"  bpmnd compile FILE                 check a diagram and print the program it becomes\n"
	"  bpmnd print WHAT                   settings, routes, elements, statuses, sql, audit or metrics\n"
	"\n"
	"  --listen ADDRESS:PORT              default 127.0.0.1:8080\n"
	"  --insecure                         listen on any address: there is no authentication yet\n"
	"  --config FILE                      settings as name = value lines\n"
	"  --set NAME=VALUE                   one setting; BPMND_NAME in the environment does the same\n"
	"  --sample N, --seed N               audit: how many instances are replayed (100), which ones\n"
	"  --help, --version\n";

enum { AUDIT_SAMPLE = 100, AUDIT_SAMPLE_MOST = 1000000 };

struct options {
	struct arena *arena;
	struct settings settings;
	const char *argument;		/* FILE or WHAT */
	const char *sample, *seed;	/* audit; NULL: not given */
};

/* ---- commands ------------------------------------------------------------------------------------------ */

static enum status
run_serve(struct options *options, struct error *err)
{
	if (options->settings.database[0] == '\0')
		return FAIL(err, invalid_request, "serve needs --database URL (or the setting database)");
	return serve(&options->settings, options->settings.database, err);
}

static enum status
run_dev(struct options *options, struct error *err)
{
	struct private_postgres *postgres = NULL;
	const char *database;
	enum status status;

	TRY(private_start(options->settings.data, &postgres, &database, options->arena, err));
	status = serve(&options->settings, database, err);
	private_stop(postgres);
	return status;
}

static enum status
run_migrate(struct options *options, struct error *err)
{
	int from, to;

	if (options->settings.database[0] == '\0')
		return FAIL(err, invalid_request, "migrate needs --database URL (or the setting database)");
	TRY(store_migrate(options->settings.database, &from, &to, err));
	printf("schema version %d (was %d)\n", to, from);
	return OK;
}

static enum status
read_count(const char *name, const char *text, int64_t *count, struct error *err)
{
	if (text == NULL)
		return OK;
	if (!text_to_int(text, count) || *count < 0)
		return FAIL(err, invalid_request, "--%s wants a number, not '%s'", name, text);
	return OK;
}

static enum status
audit_as_told(struct options *options, int64_t *findings, struct error *err)
{
	int64_t sample = AUDIT_SAMPLE, seed = monotonic_now();

	TRY(read_count("sample", options->sample, &sample, err));
	TRY(read_count("seed", options->seed, &seed, err));
	if (sample > AUDIT_SAMPLE_MOST)
		return FAIL(err, invalid_request, "--sample is at most %d", AUDIT_SAMPLE_MOST);
	return audit(&options->settings, (size_t)sample, (uint64_t)seed, findings, err);
}

/* Ends with 1 when something is wrong, and with 2 when that is not known. */
static enum status
run_audit(struct options *options, struct error *err)
{
	int64_t findings;

	if (audit_as_told(options, &findings, err) != OK) {
		fprintf(stderr, "bpmnd: %s\n", err->message);
		exit(2);
	}
	if (findings > 0)
		exit(1);
	return OK;
}

static void
print_problems(const char *path, const struct problems *problems)
{
	const struct problem *problem;
	size_t i;

	for (i = 0; i < problems->count; i++) {
		problem = &problems->list[i];
		fprintf(stderr, "%s:%d:%d: %s: %s%s%s%s\n", path, problem->line, problem->column,
			problem->warning ? "warning" : "error", problem->message,
			problem->element != NULL ? " [" : "", problem->element != NULL ? problem->element : "",
			problem->element != NULL ? "]" : "");
	}
}

static enum status
run_compile(struct options *options, struct error *err)
{
	const char *path = options->argument, *bytes, *slash;
	struct diagram diagram = {0};
	enum status status;
	struct text text;
	size_t length, i;

	if (path == NULL)
		return FAIL(err, invalid_request, "compile needs a file");
	slash = strrchr(path, '/');
	TRY(file_read(options->arena, path, &bytes, &length, err));
	TRY(bpmn_init(err));
	status = bpmn_compile(options->arena, slash != NULL ? slash + 1 : path, bytes, length, &diagram, err);
	print_problems(path, &diagram.problems);
	if (status == E_parse && diagram.problems.count > 0)
		exit(1);
	if (status != OK)
		return status;
	text_init(&text, options->arena);
	for (i = 0; i < diagram.program_count; i++)
		program_dump(diagram.programs[i], &text);
	fputs(text_string(&text), stdout);
	bpmn_done();
	return OK;
}

static const struct {
	const char *name;
	void (*describe)(struct text *text);
} prints[] = {
	{"settings", settings_describe},
	{"routes", api_describe_routes},
	{"elements", bpmn_describe},
	{"statuses", api_describe_statuses},
	{"sql", store_describe},
	{"audit", store_describe_audit},
	{"metrics", counters_describe},
};

static enum status
run_print(struct options *options, struct error *err)
{
	struct text text;
	size_t i;

	text_init(&text, options->arena);
	for (i = 0; i < sizeof prints / sizeof prints[0]; i++) {
		if (!text_equal(prints[i].name, options->argument))
			continue;
		prints[i].describe(&text);
		fputs(text_string(&text), stdout);
		return OK;
	}
	return FAIL(err, invalid_request, "print what? settings, routes, elements, statuses, sql, audit or metrics");
}

static const struct {
	const char *name;
	enum status (*run)(struct options *options, struct error *err);
} commands[] = {
	{"serve", run_serve},
	{"dev", run_dev},
	{"migrate", run_migrate},
	{"audit", run_audit},
	{"compile", run_compile},
	{"print", run_print},
};

/* ---- options ------------------------------------------------------------------------------------------- */

enum {
	OPTION_set = 256, OPTION_config, OPTION_listen, OPTION_insecure, OPTION_database, OPTION_data, OPTION_sample,
	OPTION_seed, OPTION_help, OPTION_version
};

static const struct option long_options[] = {
	{"set", required_argument, NULL, OPTION_set},
	{"config", required_argument, NULL, OPTION_config},
	{"listen", required_argument, NULL, OPTION_listen},
	{"insecure", no_argument, NULL, OPTION_insecure},
	{"database", required_argument, NULL, OPTION_database},
	{"data", required_argument, NULL, OPTION_data},
	{"sample", required_argument, NULL, OPTION_sample},
	{"seed", required_argument, NULL, OPTION_seed},
	{"help", no_argument, NULL, OPTION_help},
	{"version", no_argument, NULL, OPTION_version},
	{0},
};

static enum status
set_pair(struct options *options, const char *pair, struct error *err)
{
	const char *equals = strchr(pair, '=');

	if (equals == NULL)
		return FAIL(err, invalid_request, "--set wants NAME=VALUE, not '%s'", pair);
	return settings_set(&options->settings, options->arena,
		arena_strndup(options->arena, pair, (size_t)(equals - pair)), equals + 1, err);
}

static enum status
take_option(struct options *options, int option, struct error *err)
{
	switch (option) {
	case OPTION_set:
		return set_pair(options, optarg, err);
	case OPTION_listen:
		return settings_set(&options->settings, options->arena, "listen", optarg, err);
	case OPTION_insecure:
		return settings_set(&options->settings, options->arena, "insecure", "true", err);
	case OPTION_database:
		return settings_set(&options->settings, options->arena, "database", optarg, err);
	case OPTION_data:
		return settings_set(&options->settings, options->arena, "data", optarg, err);
	case OPTION_config:
		return OK;
	case OPTION_sample:
		options->sample = optarg;
		return OK;
	case OPTION_seed:
		options->seed = optarg;
		return OK;
	case OPTION_help:
		fputs(usage, stdout);
		exit(0);
	case OPTION_version:
		puts("bpmnd " PACKAGE_VERSION);
		exit(0);
	default:
		return FAIL(err, invalid_request, "see bpmnd --help");
	}
}

/* File, then environment, then flags: so the flags are read twice, the first time for --config alone. */
static enum status
read_options(struct options *options, int argc, char **argv, struct error *err)
{
	int option;

	settings_init(&options->settings);
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (option == OPTION_config)
			TRY(settings_file(&options->settings, options->arena, optarg, err));
	TRY(settings_environment(&options->settings, options->arena, err));
	optind = 0;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		TRY(take_option(options, option, err));
	return OK;
}

static enum status
set_log_level(const char *name, struct error *err)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!text_equal(names[i], name))
			continue;
		log_set_level((enum log_level)i);
		return OK;
	}
	return FAIL(err, invalid_request, "log_level is debug, info, warn or error, not '%s'", name);
}

static enum status
run_command(struct options *options, int argc, char **argv, struct error *err)
{
	size_t i;

	TRY(read_options(options, argc, argv, err));
	if (optind >= argc) {
		fputs(usage, stderr);
		return FAIL(err, invalid_request, "no command given");
	}
	TRY(set_log_level(options->settings.log_level, err));
	options->argument = optind + 1 < argc ? argv[optind + 1] : NULL;
	for (i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (text_equal(commands[i].name, argv[optind]))
			return commands[i].run(options, err);
	return FAIL(err, invalid_request, "there is no command '%s'; see bpmnd --help", argv[optind]);
}

int
main(int argc, char **argv)
{
	struct options options = {.arena = arena_new()};
	struct error err;

	if (run_command(&options, argc, argv, &err) == OK) {
		arena_free(options.arena);
		return 0;
	}
	fprintf(stderr, "bpmnd: %s\n", err.message);
	return 1;
}
