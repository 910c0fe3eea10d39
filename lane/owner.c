/* SPDX-License-Identifier: Apache-2.0
 * A lane's time, and whether its parts are its own: claimed, renewed, given up. */
#include "lane/lane_priv.h"

#include <string.h>

#include "base/counters.h"
#include "base/log.h"

enum {
	RENEW_US = 3000000,
	SETTLE_US = 2000000,		/* a full disk takes small things now and then */
};

/* When the database's clock is set back, ours does not wait for it, or what is due a second later would be due in an
 * hour: it goes at half its speed until the two meet. */
int64_t
lane_now(const struct lane *lane, int64_t monotonic_us)
{
	int64_t passed_us = monotonic_us - lane->base_monotonic_us;
	int64_t held_us = lane->ahead_us < passed_us / 2 ? lane->ahead_us : passed_us / 2;
	int64_t now_us = lane->base_us + passed_us - held_us;

	return now_us > lane->last_now_us ? now_us : lane->last_now_us;
}

int64_t
owner_clock(const struct lane *lane, int64_t monotonic_us)
{
	return lane->config.monotonic != NULL ? lane->config.monotonic(lane->config.context) : monotonic_us;
}

/* The database's clock has gone on since it was read, so ours is as late as the answer: of all answers the one counts
 * that makes it latest, until another tells that it is ahead. */
void
owner_set_time(struct lane *lane, int64_t now_us, int64_t since_us, int64_t monotonic_us)
{
	int64_t ours_us = lane_now(lane, monotonic_us), most_us = now_us + (monotonic_us - since_us);

	lane->ahead_us = ours_us > most_us ? ours_us - most_us : 0;
	lane->base_us = ours_us > now_us ? ours_us : now_us;
	lane->base_monotonic_us = monotonic_us;
	lane->last_now_us = lane->base_us;
}

void
owner_stored(struct lane *lane, int64_t now_us, int64_t since_us, int64_t monotonic_us)
{
	owner_set_time(lane, now_us, since_us, monotonic_us);
	lane->next_renew_us = monotonic_us + RENEW_US;
	lane->recovers = lane->recovers && monotonic_us < lane->settles_us;
}

void
owner_forget(struct lane *lane)
{
	cache_clear(lane);
	tasks_clear(lane);
	timers_clear(lane);
	arena_reset(lane->arena);
	lane->free_cached = NULL;
	map_init(&lane->index, lane->arena);
	map_init(&lane->topics, lane->arena);
	map_init(&lane->tasks, lane->arena);
	map_init(&lane->jobs, lane->arena);
}

void
owner_step_down(struct lane *lane, int64_t monotonic_us, const char *why)
{
	char quoted[512];

	if (!lane->active)
		return;
	log_event(LOG_WARN_LEVEL, "lane-stepped-down", "lane=%d why=%s", (int)lane->config.range.lane,
		log_quote(why, quoted));
	lane->active = false;
	lane->standby = false;
	lane->next_claim_us = monotonic_us + lane->claim_pause_us;
	counter_add(COUNT_lanes_active, -1);
	owner_forget(lane);
	if (lane->config.owned != NULL)
		lane->config.owned(lane->config.context, lane, false);
}

/* Tries to become the owner, and rebuilds from the store what the lane holds. */
void
owner_claim(struct lane *lane, int64_t monotonic_us)
{
	struct store *store = lane->config.store;
	struct claim claim = {.unclean = lane->found_unclean};
	struct error err;
	enum status status;
	char quoted[512];

	lane->next_claim_us = monotonic_us + lane->claim_pause_us;
	lane->claim_pause_us *= 2;
	if (lane->claim_pause_us > CLAIM_PAUSE_MOST_US)
		lane->claim_pause_us = CLAIM_PAUSE_MOST_US;
	status = store->ops->claim(store, &lane->config.range, lane->config.owner,
		lane->config.settings->takeover_seconds * SECOND_US, &claim, &err);
	lane->standby = status == E_fenced;
	lane->found_unclean = claim.unclean && !lane->standby;
	if (lane->standby)
		return;
	if (status == OK) {
		owner_set_time(lane, claim.now_us, monotonic_us, owner_clock(lane, monotonic_us));
		memcpy(lane->next_id, claim.next_id, sizeof lane->next_id);
		memcpy(lane->persisted, claim.next_id, sizeof lane->persisted);
		lane->start_part = lane->config.range.first_part;
		lane->starts_left = STARTS_PER_PART;
		careful_begin(lane, &claim);
		status = tasks_scan(lane, &err);
	}
	if (status == OK)
		status = timers_refill(lane, lane->last_now_us, &err);
	if (status != OK) {
		log_event(LOG_WARN_LEVEL, "claim-failed", "lane=%d error=%s", (int)lane->config.range.lane,
			log_quote(err.message, quoted));
		owner_forget(lane);
		return;
	}
	lane->active = true;
	lane->found_unclean = false;
	lane->settles_us = monotonic_us + SETTLE_US;
	lane->next_renew_us = monotonic_us + RENEW_US;
	counter_add(COUNT_lanes_active, 1);
	log_event(LOG_INFO_LEVEL, "lane-active", "lane=%d parts=%d-%d owner=%lld unclean=%d",
		(int)lane->config.range.lane, (int)lane->config.range.first_part, (int)lane->config.range.last_part,
		(long long)lane->config.owner, claim.unclean);
	if (lane->config.owned != NULL)
		lane->config.owned(lane->config.context, lane, true);
}

void
owner_renew(struct lane *lane, int64_t monotonic_us)
{
	struct error err;
	int64_t now_us;
	enum status status = lane->config.store->ops->renew(lane->config.store, &now_us, &err);

	if (status != OK) {
		owner_step_down(lane, monotonic_us, err.message);
		return;
	}
	owner_stored(lane, now_us, monotonic_us, owner_clock(lane, monotonic_us));
	lane->claim_pause_us = CLAIM_PAUSE_US;
}
