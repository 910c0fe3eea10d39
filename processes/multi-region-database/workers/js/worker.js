// SPDX-License-Identifier: Apache-2.0
// The worker of the multi-region database on the official JavaScript client: worker.py does the same.
// Usage: node worker.js [URL]; WORKER_ID names it, WORK_MS is how long each of its tasks takes.
import os from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { Client, Variables } from "camunda-external-task-client-js";

const baseUrl = process.argv[2] ?? "http://127.0.0.1:8080/engine-rest";
const workerId = process.env.WORKER_ID ?? `js-${os.hostname()}`;
const workMs = Number(process.env.WORK_MS ?? 400);

// Short, so that what a lost daemon or worker held is soon taken up again: every task here may be done twice.
const LOCK_MS = 3000;
// The model says R5: after the first failure 4 retries are left.
const CYCLE = 5;
const ISTANBUL_FAILURES = 2;
const QUOTA = { istanbul: 16, ankara: 4 };

class Failure extends Error {}
class Refusal extends Error {}

// How often this creation has failed is what its retries say, so it needs no memory of the worker's own.
const failures = (task) => (task.retries === null ? 0 : CYCLE - task.retries);

const handlers = {
  "create-database": (task, get) => {
    const region = get("region");
    const nodes = get("nodes") ?? 1;
    const quota = get(`${region}Quota`) ?? QUOTA[region];
    if (nodes > quota) throw new Refusal(`${region} has room for ${quota} nodes, not for ${nodes}`);
    const failed = failures(task);
    if (region === "istanbul" && failed < ISTANBUL_FAILURES)
      throw new Failure(`no host in ${region} answers (attempt ${failed + 1})`);
    const clusterId = `${get("name")}-${region}`;
    return { clusterId, endpoint: `${clusterId}.db.example:5432` };
  },
  "raise-quota": (task, get) => ({ [`${get("region")}Quota`]: get("nodes") }),
  "remind-operator": (task, get) => say(task, `${get("region")} takes long`),
  "create-replication": () => ({ replicationLag: 7 }),
  "verify-replication": () => ({ verified: true }),
  "tell-developer": (task, get) => say(task, `ready: ${get("istanbulEndpoint")} and ${get("ankaraEndpoint")}`),
};

function say(task, text) {
  console.log(`${workerId} ${task.businessKey ?? task.processInstanceId} ${task.activityId}: ${text}`);
}

async function answer(task, taskService, handler) {
  try {
    const result = handler(task, task.variables.get) ?? {};
    await taskService.complete(task, new Variables().setAll(result));
    say(task, "done");
  } catch (error) {
    if (error instanceof Refusal) await taskService.handleBpmnError(task, "QUOTA_EXCEEDED", error.message);
    else if (error instanceof Failure)
      await taskService.handleFailure(task, { errorMessage: error.message, errorDetails: "simulated" });
    else throw error;
    say(task, error.message);
  }
}

const client = new Client({
  baseUrl,
  workerId,
  asyncResponseTimeout: 10000,
  interval: 100,
  lockDuration: LOCK_MS,
});

let reachable = true;
client.on("poll:success", () => {
  if (!reachable) console.log(`${workerId}: the engine is back`);
  reachable = true;
});
client.on("poll:error", (error) => {
  if (reachable) console.log(`${workerId}: cannot fetch: ${error.message}`);
  reachable = false;
});

for (const [topic, handler] of Object.entries(handlers)) {
  client.subscribe(topic, async ({ task, taskService }) => {
    await pause(workMs);
    // An answer that did not arrive is no failure of the task: its lock runs out and it is fetched again.
    await answer(task, taskService, handler).catch((error) => say(task, `cannot answer: ${error.message}`));
  });
}

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(0));
