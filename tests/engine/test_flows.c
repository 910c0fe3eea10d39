/* SPDX-License-Identifier: Apache-2.0
 * Flows taken, and joins that others hold up, in cases that the comparison with the reference has found. */
#include <stdlib.h>

#include "tests/base/run.h"
#include "tests/engine/words.h"

/* Two scopes whose joins nobody else can reach, and which fire into a job each. */
START_TEST(joins_before_jobs)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><subProcess id='sub'><multiInstanceLoopCharacteristics>"
		"<loopCardinality xsi:type='tFormalExpression'>2</loopCardinality></multiInstanceLoopCharacteristics>"
		"<startEvent id='t'/><task id='never'/><inclusiveGateway id='j' camunda:asyncAfter='true'/>"
		FLOW("f2", "t", "j") FLOW("f3", "never", "j") "</subProcess>" FLOW("f1", "s", "sub"), NONE);

	ck_assert(sim_fire(sim, "j") == OK);
	ck_assert(sim_fire(sim, "j") == OK);
	ck_assert(sim_ended(sim));
	sim_free(sim);
}
END_TEST

/* Who waits for a job behind a node comes by one flow only, although the node could reach others as well. */
START_TEST(join_waits_for_job)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><inclusiveGateway id='fork' camunda:asyncAfter='true'/>"
		"<task id='a'/><inclusiveGateway id='j'/><endEvent id='e'/>" FLOW("f1", "s", "fork")
		FLOW("f2", "fork", "a") FLOW("f3", "fork", "j") FLOW("f4", "a", "j") FLOW("f5", "j", "e"), NONE);

	ck_assert_str_eq(sim_active(sim), "fork fork");
	ck_assert(sim_fire(sim, "fork") == OK);
	ck_assert_str_eq(sim_active(sim), "fork j");
	ck_assert(sim_fire(sim, "fork") == OK);
	ck_assert(sim_ended(sim));
	ck_assert_str_eq(sim_history(sim), "s fork a j j e");
	sim_free(sim);
}
END_TEST

#define DEFAULT_FIRST(second) sim_begin("<startEvent id='s'/><task id='a' default='f2'/>" \
	"<endEvent id='e'/><endEvent id='other'/>" FLOW("f1", "s", "a") FLOW("f2", "a", "e") second \
	FLOW("f4", "a", "other"), NONE)

/* Without a conditional flow the default has nothing to stand in for; with one, it keeps its place in the document. */
START_TEST(default_beside_unconditional)
{
	struct sim *sim = DEFAULT_FIRST("");

	ck_assert_str_eq(sim_history(sim), "s a other");
	sim_free(sim);
	sim = DEFAULT_FIRST(IF("f3", "a", "other", "${1 == 2}"));
	ck_assert_str_eq(sim_history(sim), "s a e other");
	sim_free(sim);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { joins_before_jobs, join_waits_for_job, default_beside_unconditional, NULL };
	struct error err;

	return bpmn_init(&err) != OK ? EXIT_FAILURE : run_suite("flows", tests);
}
