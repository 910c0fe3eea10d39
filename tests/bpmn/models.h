/* SPDX-License-Identifier: Apache-2.0
 * Small diagrams for the tests of bpmn/: the frame around what a test is about. */
#ifndef TESTS_BPMN_MODELS_H
#define TESTS_BPMN_MODELS_H

#define MODEL_HEAD \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" \
	"<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\"" \
	" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"" \
	" xmlns:camunda=\"http://camunda.org/schema/1.0/bpmn\"" \
	" id=\"definitions\" targetNamespace=\"http://example.org/test\">" \
	"<error id=\"boom\" errorCode=\"E1\"/>\n"
#define MODEL_TAIL "</definitions>\n"
#define PROCESS(content) \
	MODEL_HEAD "<process id=\"p\" isExecutable=\"true\" camunda:historyTimeToLive=\"30\">\n" content \
	"</process>\n" MODEL_TAIL

#define START(id) "<startEvent id=\"" id "\"/>\n"
#define END(id) "<endEvent id=\"" id "\"/>\n"
#define FLOW(id, from, to) \
	"<sequenceFlow id=\"" id "\" sourceRef=\"" from "\" targetRef=\"" to "\"/>\n"
#define CHOICE(id, from, to, condition) \
	"<sequenceFlow id=\"" id "\" sourceRef=\"" from "\" targetRef=\"" to "\">" \
	"<conditionExpression xsi:type=\"tFormalExpression\">" condition "</conditionExpression></sequenceFlow>\n"
#define EXTERNAL(id, more) \
	"<serviceTask id=\"" id "\" camunda:type=\"external\" camunda:topic=\"t\">" more "</serviceTask>\n"
/* start, then one element with the id "a", then the end. */
#define LINE(element) \
	PROCESS(START("s") element END("e") FLOW("f1", "s", "a") FLOW("f2", "a", "e"))

#endif
