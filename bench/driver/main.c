/* SPDX-License-Identifier: Apache-2.0
 * bench-driver: options in, one JSON object out (bench/README.md). */
#include <getopt.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/driver/load.h"

static const struct {
	struct workload workload;
	const char *help;
} workloads[] = {
#define WORKLOAD(name, tasks, help) {{#name, tasks}, help},
#include "bench/workloads.def"
#undef WORKLOAD
};
enum { WORKLOADS = sizeof workloads / sizeof workloads[0], MANY_STARTERS = 64, MOST_SECONDS = 86400 };

static const struct option options_known[] = {
	{"address", required_argument, NULL, 'a'}, {"base", required_argument, NULL, 'b'},
	{"workload", required_argument, NULL, 'w'}, {"topic", required_argument, NULL, 't'},
	{"workers", required_argument, NULL, 'n'}, {"fetch", required_argument, NULL, 'f'},
	{"seconds", required_argument, NULL, 's'}, {"warm-up", required_argument, NULL, 'u'},
	{"payload", required_argument, NULL, 'p'}, {"in-flight", required_argument, NULL, 'i'},
	{"rate", required_argument, NULL, 'r'}, {"ledger", required_argument, NULL, 'l'},
	{"only", required_argument, NULL, 'o'}, {"count", required_argument, NULL, 'c'},
	{"await-polls", no_argument, NULL, 'p' + 256},
	{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0},
};

static void
usage(FILE *out)
{
	fputs("usage: bench-driver --address HOST:PORT --workload NAME [OPTION]...\n"
		"  --base PATH      before the resources (/engine-rest)\n"
		"  --workers N      connections that fetch and complete (64)\n"
		"  --fetch N        tasks of one fetch (10)\n"
		"  --seconds S      the window in which is counted (10)\n"
		"  --warm-up S      before it (2)\n"
		"  --payload BYTES  one more String variable, set by starts and completions and fetched (none)\n"
		"  --in-flight N    closed loop: instances kept open (50 x workers, at most 5,000, fewer if large)\n"
		"  --rate R         open loop: instances due per second, latencies from that time on\n"
		"  --ledger FILE    gets the id of each task whose completion was acknowledged\n"
		"  --topic NAME     other than the workload's\n"
		"  --await-polls    ends when the last long poll is answered, for engines that do not see a client go\n"
		"  --only start     no workers; with --count N so many instances, however long that takes\n"
		"  --only work      no starts; with --count N until so many are acknowledged (those on their way\n"
		"                   are awaited, and counted too) or the seconds are over\n"
		"prints one JSON object (bench/README.md); workloads:\n", out);
	for (int i = 0; i < WORKLOADS; i++)
		fprintf(out, "  %-8s %s\n", workloads[i].workload.name, workloads[i].help);
}

static void
refuse(const char *option, const char *value, const char *wants)
{
	fprintf(stderr, "bench-driver: --%s wants %s, not '%s'\n", option, wants, value);
	exit(2);
}

static void
refuse_all(const char *why)
{
	fprintf(stderr, "bench-driver: %s; bench-driver --help says more\n", why);
	exit(2);
}

static double
number(const char *option, const char *value, double least, double most)
{
	char *end, wants[80];
	double parsed = strtod(value, &end);

	snprintf(wants, sizeof wants, "a number from %g to %g", least, most);
	if (end == value || *end != '\0' || !(parsed >= least && parsed <= most))
		refuse(option, value, wants);
	return parsed;
}

static int64_t
whole_number(const char *option, const char *value, double least, double most)
{
	double parsed = number(option, value, least, most);

	if (parsed != (double)(int64_t)parsed)
		refuse(option, value, "a whole number");
	return (int64_t)parsed;
}

static void
take_address(struct options *options, char *value)
{
	const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char *colon = strrchr(value, ':');
	char host[256];
	int why;

	options->host = value;
	if (colon == NULL || colon == value || (size_t)(colon - value) >= sizeof host)
		refuse("address", value, "HOST:PORT");
	snprintf(host, sizeof host, "%.*s", (int)(colon - value), value);
	whole_number("address (the port of HOST:PORT)", colon + 1, 1, 65535);
	why = getaddrinfo(host, colon + 1, &hints, &found);
	if (why != 0) {
		fprintf(stderr, "bench-driver: --address %s: %s\n", value, gai_strerror(why));
		exit(2);
	}
	memcpy(&options->address, found->ai_addr, sizeof options->address);
	freeaddrinfo(found);
}

static void
take_workload(struct options *options, const char *value)
{
	for (int i = 0; i < WORKLOADS; i++)
		if (strcmp(workloads[i].workload.name, value) == 0)
			options->workload = workloads[i].workload;
	if (options->workload.name == NULL)
		refuse("workload", value, "one of those that --help lists");
}

static void
take_only(struct options *options, const char *value)
{
	if (strcmp(value, "start") == 0)
		options->only = ONLY_start;
	else if (strcmp(value, "work") == 0)
		options->only = ONLY_work;
	else
		refuse("only", value, "start or work");
}

static void
take_option(struct options *options, int letter, char *value)
{
	switch (letter) {
	case 'a':
		take_address(options, value);
		break;
	case 'b':
		options->base = value;
		break;
	case 'w':
		take_workload(options, value);
		break;
	case 't':
		options->topic = value;
		break;
	case 'n':
		options->workers = (int)whole_number("workers", value, 1, 100000);
		break;
	case 'f':
		options->fetch = (int)whole_number("fetch", value, 1, 1000);
		break;
	case 's':
		options->seconds = number("seconds", value, 0.1, MOST_SECONDS);
		break;
	case 'u':
		options->warm_up = number("warm-up", value, 0, MOST_SECONDS);
		break;
	case 'p':
		options->payload = whole_number("payload", value, 1, 1e6);
		break;
	case 'i':
		options->in_flight = whole_number("in-flight", value, 1, 1e9);
		break;
	case 'r':
		options->rate = number("rate", value, 0.01, 1e6);
		break;
	case 'l':
		options->ledger = value;
		break;
	case 'o':
		take_only(options, value);
		break;
	case 'p' + 256:
		options->await_polls = true;
		break;
	case 'c':
		options->count = whole_number("count", value, 1, 1e9);
		break;
	case 'h':
		usage(stdout);
		exit(0);
	default:	/* getopt has said what is wrong */
		refuse_all("these options are not understood");
	}
}

/* Enough that no worker waits for a task, in tasks about as many for each workload. */
static int64_t
default_in_flight(const struct options *options)
{
	int64_t instances = options->workers > 100 ? 5000 : 50 * (int64_t)options->workers;

	return options->workload.tasks > 10 ? instances * 10 / options->workload.tasks + 1 : instances;
}

/* As many as it takes to keep up with the workers where each instance has few tasks.  The open loop must not wait for a
 * free one as long as the engine keeps up at all. */
static int
starters(const struct options *options)
{
	int some = options->workers < 8 ? 8 : options->workers < MANY_STARTERS ? options->workers : MANY_STARTERS;
	int enough = options->workers / options->workload.tasks;

	if (options->only == ONLY_work)
		return 0;
	if (options->only == ONLY_start || options->rate > 0)
		some = MANY_STARTERS;
	return enough > some ? enough : some;
}

static void
check(const struct options *options)
{
	if (options->host == NULL)
		refuse_all("--address HOST:PORT is missing");
	if (options->workload.name == NULL)
		refuse_all("--workload NAME is missing");
	if (options->count > 0 && options->only == ONLY_both)
		refuse_all("--count needs --only start or --only work");
	if (options->rate > 0 && options->only != ONLY_both)
		refuse_all("--rate is of no use with --only");
}

static void
complete_options(struct options *options)
{
	if (options->topic == NULL)
		options->topic = options->workload.name;
	if (options->in_flight == 0)
		options->in_flight = default_in_flight(options);
	options->starters = starters(options);
	if (options->only == ONLY_start)
		options->workers = 0;
	if (options->only != ONLY_both)
		options->warm_up = 0;
	if (options->only == ONLY_start && options->count > 0)
		options->seconds = MOST_SECONDS;
}

static void
take_options(struct options *options, int count, char **values)
{
	int letter;

	while ((letter = getopt_long(count, values, "h", options_known, NULL)) != -1)
		take_option(options, letter, optarg);
	if (optind < count) {
		fprintf(stderr, "bench-driver: '%s' is no option\n", values[optind]);
		exit(2);
	}
	check(options);
	complete_options(options);
}

/* Each connection is a file. */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int64_t
cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) + usage.ru_utime.tv_usec +
		usage.ru_stime.tv_usec;
}

static void
print_latency(const char *name, const struct stats *stats, const char *behind)
{
	printf("\"%s\": ", name);
	stats_print(stats, stdout);
	fputs(behind, stdout);
}

static void
print(const struct options *options, const struct result *result)
{
	printf("{\"workload\": \"%s\", \"workers\": %d, \"fetch\": %d, \"payload\": %" PRId64 ", \"rate\": %g, "
		"\"seconds\": %.3f, \"completions\": %" PRId64 ", \"instances\": %" PRId64 ", \"starts\": %" PRId64
		", \"fetches\": %" PRId64 ", \"tasks_fetched\": %" PRId64 ", \"answers\": {", options->workload.name,
		options->workers, options->fetch, options->payload, options->rate, result->seconds,
		result->completions, result->instances, result->starts, result->fetches, result->tasks_fetched);
	for (int i = 0; i < ANSWERS; i++)
		printf("%s\"%s\": %" PRId64, i > 0 ? ", " : "", answer_names[i], result->answers[i]);
	printf("}, \"latency_us\": {");
	print_latency("complete", &result->complete, ", ");
	print_latency("fetch", &result->fetch, ", ");
	print_latency("start", &result->start, ", ");
	print_latency("instance", &result->instance, "}, ");
	printf("\"started_total\": %" PRId64 ", \"completed_total\": %" PRId64 ", \"drained\": %s, \"cpu_us\": %" PRId64
		"}\n", result->started_total, result->completed_total, result->drained ? "true" : "false", cpu_us());
}

int
main(int argc, char **argv)
{
	static struct result result;	/* its histograms are too large for a stack */
	struct options options = {
		.base = "/engine-rest", .workers = 64, .fetch = 10, .seconds = 10, .warm_up = 2,
	};

	take_options(&options, argc, argv);
	raise_file_limit();
	if (!load_run(&options, &result))
		return 1;
	print(&options, &result);
	return 0;
}
