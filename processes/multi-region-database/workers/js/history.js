// SPDX-License-Identifier: Apache-2.0
// Prints the event history of instances as they move, and ends when all of them have ended: with 0, or with 1 when they
// have not after SECONDS (60).  Usage: node history.js BASE INSTANCE..., BASE being the address without /engine-rest.
import { setTimeout as pause } from "node:timers/promises";

const [base, ...ids] = process.argv.slice(2);
const deadline = Date.now() + 1000 * Number(process.env.SECONDS ?? 60);
const PERIOD_MS = 100;
const PAGE = 1000;

const instances = ids.map((id) => ({
  id,
  name: id,
  after: "0",
  ended: false,
  locks: new Map(), // execution to the end of the last lock that was told, or that keeps it back until its next try
  working: new Set(), // executions whose start has been told and whose answer has not
  failed: new Set(),
  joining: new Set(),
}));
const names = new Map(); // what the elements are called, by id
let lines = [];

async function get(path) {
  const reply = await fetch(base + path);
  if (!reply.ok) throw new Error(`GET ${path}: HTTP ${reply.status}`);
  return reply.json();
}

function line(time, instance, element, text) {
  const words = [time.slice(11, 23), instance.name.padEnd(7), (names.get(element) ?? element ?? "").padEnd(25), text];
  lines.push({ time, text: `  ${words.join("  ")}` });
}

const changes = {
  instance_open(instance, event, change) {
    instance.name = change.businessKey ?? instance.id;
    line(event.time, instance, null, "instance started");
  },
  task_open(instance, event, change) {
    line(event.time, instance, change.elementId, `scheduled for topic ${change.topic}`);
  },
  task_fail(instance, event, change) {
    const left = `${change.retries} ${change.retries === 1 ? "retry" : "retries"} left`;
    instance.failed.add(change.executionId);
    line(event.time, instance, change.elementId, `failed: ${event.message}; ${left}`);
  },
  task_lock(instance, event, change) {
    instance.locks.set(change.executionId, change.until);
  },
  activity_state(instance, event, change) {
    if (change.state !== "joining") return;
    instance.joining.add(change.executionId);
    const goesOn = event.changes.some((c) => c.change === "activity_close" && c.elementId === change.elementId);
    if (!goesOn) line(event.time, instance, change.elementId, "waits for the other branch");
  },
  activity_close(instance, event, change) {
    if (!instance.joining.delete(change.executionId)) return;
    // the branches close one by one; that is one line
    if (event.joined !== change.elementId) line(event.time, instance, change.elementId, "joined");
    event.joined = change.elementId;
  },
  incident_open(instance, event, change) {
    line(event.time, instance, change.elementId, `incident: ${change.message}`);
  },
  instance_close(instance, event, change) {
    instance.ended = true;
    line(event.time, instance, null, `instance ended: ${change.state}`);
  },
};

// The log has no locks, but the answer to one names the worker and when it began: that is told here, unless it was
// seen, and told, while the work went on.
function tellAnswer(instance, event, execution) {
  if (!instance.working.delete(execution)) {
    const word = instance.failed.has(execution) ? "retried" : "started";
    line(event.lockedAt ?? event.time, instance, event.elementId, `${word} by ${event.workerId}`);
  }
  instance.locks.delete(execution);
  if (event.event === "complete") line(event.time, instance, event.elementId, "completed");
  if (event.event === "bpmn-error") line(event.time, instance, event.elementId, `BPMN error: ${event.message}`);
}

function tellEvent(instance, event, answered) {
  for (const { elementId, elementName } of event.changes) if (elementName) names.set(elementId, elementName);
  if (event.workerId !== undefined) {
    const execution = event.changes.find(({ elementId }) => elementId === event.elementId)?.executionId;
    answered.add(execution);
    tellAnswer(instance, event, execution);
  }
  for (const change of event.changes) changes[change.change]?.(instance, event, change);
}

function tellLock(instance, task) {
  const { executionId, lockExpirationTime, workerId } = task;
  if (instance.locks.get(executionId) === lockExpirationTime) return;
  let word = instance.failed.has(executionId) ? "retried by" : "started by";
  if (instance.working.has(executionId)) word = "lock ran out unanswered; started again by";
  instance.locks.set(executionId, lockExpirationTime);
  instance.working.add(executionId);
  line(new Date().toISOString(), instance, task.activityId, `${word} ${workerId}`);
}

async function follow(instance) {
  // Locks are read before events: a lock that a failure sets has then been told by its event.
  const locked = await get(`/engine-rest/external-task?processInstanceId=${instance.id}&locked=true`);
  const { events } = await get(`/bpmnd/instances/${instance.id}/events?after=${instance.after}&maxResults=${PAGE}`);
  const answered = new Set();
  for (const event of events) {
    tellEvent(instance, event, answered);
    instance.after = event.id;
  }
  for (const task of locked) if (!answered.has(task.executionId)) tellLock(instance, task);
}

while (instances.some(({ ended }) => !ended)) {
  if (Date.now() > deadline) process.exit(1);
  for (const instance of instances.filter(({ ended }) => !ended)) {
    // The daemon may be gone for a while; what it has not told it tells when it is back.
    await follow(instance).catch(() => {});
  }
  lines.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  for (const { text } of lines) console.log(text);
  lines = [];
  await pause(PERIOD_MS);
}
