/* SPDX-License-Identifier: Apache-2.0
 * bench-driver: options in, one JSON object out (bench/README.md). */
#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
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
enum { WORKLOADS = sizeof workloads / sizeof workloads[0] };

static const struct option options_known[] = {
	{"address", required_argument, NULL, 'a'}, {"base", required_argument, NULL, 'b'},
	{"workload", required_argument, NULL, 'w'}, {"topic", required_argument, NULL, 't'},
	{"workers", required_argument, NULL, 'n'}, {"fetch", required_argument, NULL, 'f'},
	{"seconds", required_argument, NULL, 's'}, {"warm-up", required_argument, NULL, 'u'},
	{"payload", required_argument, NULL, 'p'}, {"in-flight", required_argument, NULL, 'i'},
	{"rate", required_argument, NULL, 'r'}, {"ledger", required_argument, NULL, 'l'},
	{"only", required_argument, NULL, 'o'}, {"count", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0},
};

static void
usage(FILE *out)
{
	fprintf(out, "usage: bench-driver --address IP:PORT --workload NAME [--base /engine-rest] [--topic NAME]\n"
		"        [--workers 64] [--fetch 10] [--seconds 10] [--warm-up 2] [--payload BYTES]\n"
		"        [--in-flight N] [--rate INSTANCES_PER_SECOND] [--ledger FILE] [--only start|work --count N]\n"
		"workloads:\n");
	for (int i = 0; i < WORKLOADS; i++)
		fprintf(out, "  %-8s %s\n", workloads[i].workload.name, workloads[i].help);
}

static void
refuse(const char *option, const char *value, const char *wants)
{
	fprintf(stderr, "bench-driver: --%s wants %s, not '%s'\n", option, wants, value);
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

static void
take_address(struct options *options, char *value)
{
	char *colon = strrchr(value, ':');
	char host[64];

	options->host = value;
	options->address.sin_family = AF_INET;
	if (colon == NULL || (size_t)(colon - value) >= sizeof host)
		refuse("address", value, "IP:PORT");
	snprintf(host, sizeof host, "%.*s", (int)(colon - value), value);
	if (inet_pton(AF_INET, host, &options->address.sin_addr) != 1)
		refuse("address", value, "IP:PORT with an IPv4 address");
	options->address.sin_port = htons((uint16_t)number("address", colon + 1, 1, 65535));
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
		options->workers = (int)number("workers", value, 0, 10000);
		break;
	case 'f':
		options->fetch = (int)number("fetch", value, 1, 1000);
		break;
	case 's':
		options->seconds = number("seconds", value, 0.1, 86400);
		break;
	case 'u':
		options->warm_up = number("warm-up", value, 0, 86400);
		break;
	case 'p':
		options->payload = (int64_t)number("payload", value, 1, 60000);
		break;
	case 'i':
		options->in_flight = (int64_t)number("in-flight", value, 1, 1e9);
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
	case 'c':
		options->count = (int64_t)number("count", value, 1, 1e9);
		break;
	case 'h':
		usage(stdout);
		exit(0);
	default:
		usage(stderr);
		exit(2);
	}
}

/* Enough that no worker waits for a task, in tasks about as many for each workload. */
static int64_t
default_in_flight(const struct options *options)
{
	int64_t instances = options->workers > 100 ? 5000 : 50 * (int64_t)options->workers;

	return options->workload.tasks > 10 ? instances * 10 / options->workload.tasks + 1 : instances;
}

static void
take_options(struct options *options, int count, char **values)
{
	int letter;

	while ((letter = getopt_long(count, values, "h", options_known, NULL)) != -1)
		take_option(options, letter, optarg);
	if (optind < count || options->host == NULL || options->workload.name == NULL) {
		usage(stderr);
		exit(2);
	}
	if (options->topic == NULL)
		options->topic = options->workload.name;
	if (options->in_flight == 0)
		options->in_flight = default_in_flight(options);
	if (options->only == ONLY_start)
		options->workers = 0;
	if (options->only != ONLY_both)
		options->warm_up = 0;
	/* the open loop must not wait for a free starter as long as the engine keeps up at all */
	options->starters = options->only == ONLY_work ? 0 : options->rate > 0 ? 64 : 8;
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
	if (!load_run(&options, &result))
		return 1;
	print(&options, &result);
	return 0;
}
