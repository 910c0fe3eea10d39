/* SPDX-License-Identifier: Apache-2.0
 * Short words for processes and variables in tests of the machine. */
#ifndef TESTS_ENGINE_WORDS_H
#define TESTS_ENGINE_WORDS_H

#include <check.h>

#include "tests/engine/sim.h"

#define NONE ((struct entries){0})
#define VARS(...) \
	((struct entries){.count = sizeof((struct entry[]){__VA_ARGS__}) / sizeof(struct entry), \
		.list = (struct entry[]){__VA_ARGS__}})
#define INT(n, v) {.name = (n), .value = value_integer(v)}
#define TEXT(n, v) {.name = (n), .value = value_string(v)}
#define EXTERNAL(id) "<serviceTask id='" id "' camunda:type='external' camunda:topic='" id "'/>"
#define FLOW(id, from, to) "<sequenceFlow id='" id "' sourceRef='" from "' targetRef='" to "'/>"
#define IF(id, from, to, condition) \
	"<sequenceFlow id='" id "' sourceRef='" from "' targetRef='" to "'><conditionExpression " \
	"xsi:type='tFormalExpression'>" condition "</conditionExpression></sequenceFlow>"
#define COMPLETE(sim, id) ck_assert_msg(sim_complete(sim, id, NONE) == OK, "%s", (sim)->error.message)

#endif
