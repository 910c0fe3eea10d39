/* SPDX-License-Identifier: Apache-2.0
 * After an unclean end: the jobs that were due then run one by one, each noted in the store before it runs, so that one
 * which ends the daemon is found out and becomes an incident, instead of ending every daemon that comes after. */
#include "lane/lane_priv.h"

#include "base/log.h"

enum { MOST_TRIES = 2 };	/* a job that was noted so often and never came back is not run again */

void
careful_begin(struct lane *lane, const struct claim *claim)
{
	bool careful = claim->unclean && lane->config.settings->executor;

	lane->careful_us = careful ? lane->last_now_us : WHEN_NONE;
	lane->tried = careful ? claim->tried : 0;
	lane->tries = careful ? claim->tries : 0;
}

bool
is_careful(const struct lane *lane)
{
	return lane->careful_us != WHEN_NONE;
}

/* What was noted last comes first: another one would take its place in the note. 0: none is left. */
static int64_t
next_job(struct lane *lane)
{
	int64_t id = lane->tried;

	if (id != 0 && timers_take(lane, id))
		return id;
	return timers_due(lane, lane->careful_us, 1, &id) == 1 ? id : 0;
}

static struct command
give_up(struct lane *lane, int64_t id)
{
	struct command command;
	struct error cause;

	log_event(LOG_ERROR_LEVEL, "job-given-up", "lane=%d job=%lld tries=%d", (int)lane->config.range.lane,
		(long long)id, (int)lane->tries);
	FAIL(&cause, engine, "the daemon ended %d times while it ran this job, and it is not run again",
		(int)lane->tries);
	command = work_failure(lane, id, &cause);
	command.for_good = true;
	return command;
}

enum status
careful_job(struct lane *lane, struct command *command, struct error *err)
{
	int64_t id = next_job(lane);

	*command = (struct command){.kind = COMMAND_execute_job, .target = id, .arena = lane->scratch};
	if (id != 0 && id == lane->tried && lane->tries >= MOST_TRIES) {
		*command = give_up(lane, id);
		return OK;
	}
	if (id != 0 || lane->tried != 0)
		TRY(lane->config.store->ops->try_job(lane->config.store, id, &lane->tries, err));
	lane->tried = id;
	if (id == 0)
		lane->careful_us = WHEN_NONE;
	return OK;
}
