/* SPDX-License-Identifier: Apache-2.0
 * `bpmnd audit`: asks the store to check what was promised, and prints what it looked at and found. */
#include "daemon/daemon.h"

#include <inttypes.h>
#include <stdio.h>

#include "bpmn/bpmn.h"

static void
print_finding(void *context, const struct audit_finding *finding)
{
	(void)context;
	printf("%s %s: %s (%s)\n", finding->invariant, finding->check, finding->sentence, finding->ids);
}

static void
print_summary(void *context, const struct audit_summary *summary)
{
	(void)context;
	printf("checked %-22s %-4s %12" PRId64 " rows %9.1f ms %8" PRId64 " found\n", summary->check,
		summary->invariant, summary->rows, (double)summary->us / 1000, summary->findings);
}

static enum status
run(struct reader *reader, struct definition_cache *cache, size_t sample, uint64_t seed, int64_t *findings,
	struct error *err)
{
	const struct audit_options options = {
		.definitions = definition_cache_face(cache), .sample = sample, .seed = seed,
		.found = print_finding, .checked = print_summary,
	};
	int64_t began = monotonic_now();

	printf("seed %" PRIu64 "\n", seed);
	TRY(store_audit(reader, &options, findings, err));
	printf("%" PRId64 " findings in %.1f s\n", *findings, (double)(monotonic_now() - began) / 1e6);
	return OK;
}

enum status
audit(const struct settings *settings, size_t sample, uint64_t seed, int64_t *findings, struct error *err)
{
	struct definition_cache *cache;
	struct reader *reader;
	enum status status;

	if (settings->database[0] == '\0')
		return FAIL(err, invalid_request, "audit needs --database URL (or the setting database)");
	TRY(bpmn_init(err));
	TRY(reader_open(settings->database, settings, &reader, err));
	cache = definition_cache_new(settings->database, settings);
	status = run(reader, cache, sample, seed, findings, err);
	definition_cache_free(cache);
	reader_close(reader);
	bpmn_done();
	return status;
}
