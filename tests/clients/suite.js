// SPDX-License-Identifier: Apache-2.0
// Every call that the official JavaScript client has, made by the client itself.
// Usage: node suite.js BASE, in a folder where it is installed; BASE is like http://127.0.0.1:8080.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { BasicAuthInterceptor, Client, File, Variables, logger } from "camunda-external-task-client-js";

const base = process.argv[2];
const baseUrl = `${base}/engine-rest`;
const SECONDS = 10;
const clients = [];
let topics = 0;
const nameTopic = (number) => `js-${process.pid}-${number}`;

async function rest(method, where, body) {
  const reply = await fetch(baseUrl + where, {
    method,
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!reply.ok) throw new Error(`${method} ${where}: HTTP ${reply.status} ${await reply.text()}`);
  return reply.status === 204 ? null : reply.json();
}

// An instance of the process `calls` that waits at an external task with a topic of its own.
async function start(variables = {}, businessKey = "suite") {
  const topic = nameTopic((topics += 1));
  const body = { variables: { ...variables, topic: { value: topic } }, businessKey };
  const { id, definitionId } = await rest("POST", "/process-definition/key/calls/start", body);
  return { topic, id, definitionId };
}

function connect(options = {}) {
  const client = new Client({ baseUrl, interval: 20, asyncResponseTimeout: 5000, workerId: "suite", ...options });
  clients.push(client);
  return client;
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${SECONDS} s`)), SECONDS * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// What the next call of the handler of this topic gets, once the handler has done its work with it.
function handle(client, topic, work, options = {}) {
  const done = new Promise((resolve, reject) => {
    const subscription = client.subscribe(topic, options, async (call) => {
      subscription.unsubscribe();
      try {
        resolve(await work(call));
      } catch (error) {
        reject(error);
      }
    });
  });
  return within(done, `a task of topic ${topic}`);
}

// One task, handled by a client of its own.
async function once(topic, work, options, clientOptions) {
  const client = connect(clientOptions);
  const result = await handle(client, topic, work, options);
  client.stop();
  return result;
}

const variable = (instance, name) =>
  rest("GET", `/process-instance/${instance.id}/variables/${name}?deserializeValue=false`);
const task = (id) => rest("GET", `/external-task/${id}`);
const at = async (instance) =>
  (await rest("GET", `/task?processInstanceId=${instance.id}`)).map(({ taskDefinitionKey }) => taskDefinitionKey);

const cases = {
  async "complete with variables of every type"() {
    const instance = await start();
    const day = new Date("2026-01-02T03:04:05.678Z");
    await once(instance.topic, ({ task, taskService }) => {
      const variables = new Variables();
      variables.setAll({ string: "x", integer: 7, long: 5000000000, double: 2.5, yes: true, nothing: null });
      variables.set("date", day).set("json", { no: [7] });
      variables.setTyped("short", { type: "short", value: 3, valueInfo: {} });
      variables.setAllTyped({ bytes: { type: "Bytes", value: "AAH/", valueInfo: {} } });
      return taskService.complete(task, variables, new Variables().set("inner", "local"));
    });
    const expected = {
      string: ["String", "x"],
      integer: ["Integer", 7],
      long: ["Long", 5000000000],
      double: ["Double", 2.5],
      yes: ["Boolean", true],
      nothing: ["Null", null],
      date: ["Date", "2026-01-02T03:04:05.678+0000"],
      json: ["Json", '{"no":[7]}'],
      short: ["Short", 3],
      bytes: ["Bytes", "AAH/"],
      copied: ["String", "local"],
    };
    for (const [name, [type, value]] of Object.entries(expected)) {
      const got = await variable(instance, name);
      assert.deepEqual([name, got.type, got.value], [name, type, value]);
    }
    assert.deepEqual(await at(instance), ["look"]);
  },

  async "read variables of every type"() {
    const instance = await start({
      string: { value: "x" },
      integer: { value: 7, type: "Integer" },
      long: { value: 5000000000, type: "Long" },
      double: { value: 2.5, type: "Double" },
      yes: { value: true },
      nothing: { value: null },
      date: { value: "2026-01-02T03:04:05.678+0000", type: "Date" },
      json: { value: '{"no":[7]}', type: "Json" },
    });
    const { all, typed } = await once(instance.topic, ({ task }) => ({
      all: task.variables.getAll(),
      typed: task.variables.getAllTyped(),
    }));
    const { topic, inner, ...rest } = all;
    assert.equal(topic, instance.topic);
    assert.equal(inner, null);
    assert.deepEqual(rest, {
      string: "x",
      integer: 7,
      long: 5000000000,
      double: 2.5,
      yes: true,
      nothing: null,
      date: new Date("2026-01-02T03:04:05.678Z"),
      json: { no: [7] },
    });
    assert.equal(typed.long.type, "long");
  },

  async "a transient variable is seen by nobody afterwards"() {
    const instance = await start();
    await once(instance.topic, ({ task, taskService }) =>
      taskService.complete(task, new Variables().setTransient("gone", 1).set("kept", 2)));
    assert.equal((await variable(instance, "kept")).value, 2);
    await assert.rejects(variable(instance, "gone"), /HTTP 404/);
  },

  async "complete without variables"() {
    const instance = await start();
    await once(instance.topic, ({ task, taskService }) => taskService.complete(task));
    assert.deepEqual(await at(instance), ["look"]);
  },

  async "a file up and down again"() {
    const instance = await start();
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "clients-"));
    const bytes = Buffer.from([0, 1, 2, 255, 10, 13]);
    fs.writeFileSync(path.join(folder, "report.bin"), bytes);
    try {
      const file = await new File({ localPath: path.join(folder, "report.bin"), encoding: "utf-8" }).load();
      await once(instance.topic, ({ task, taskService }) =>
        taskService.complete(task, new Variables().set("file", file)));
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
    const { value } = await variable(instance, "file");
    assert.equal(value, null);
    const typed = { value: bytes.toString("base64"), type: "File", valueInfo: { filename: "a.bin" } };
    const next = await start({ file: typed });
    const loaded = await once(next.topic, ({ task }) => task.variables.get("file").load());
    assert.equal(loaded.filename, "a.bin");
    assert.deepEqual(loaded.content, bytes);
  },

  async "failure with retries"() {
    const instance = await start();
    const failure = { errorMessage: "no", errorDetails: "trace", retries: 2, retryTimeout: 100 };
    const { id } = await once(instance.topic, async ({ task, taskService }) => {
      await taskService.handleFailure(task, failure);
      return task;
    });
    const failed = await task(id);
    assert.deepEqual([failed.retries, failed.errorMessage, failed.workerId], [2, "no", "suite"]);
    const details = await (await fetch(`${baseUrl}/external-task/${id}/errorDetails`)).text();
    assert.equal(details, "trace");
    const again = await once(instance.topic, ({ task }) => task);
    assert.deepEqual([again.id, again.retries, again.errorMessage], [id, 2, "no"]);
  },

  async "failure without retries is an incident"() {
    const instance = await start();
    await once(instance.topic, ({ task, taskService }) => taskService.handleFailure(task, { errorMessage: "no" }));
    const incidents = await rest("GET", `/incident?processInstanceId=${instance.id}`);
    assert.deepEqual(incidents.map(({ incidentType }) => incidentType), ["failedExternalTask"]);
  },

  async "a BPMN error with a message and variables"() {
    const instance = await start();
    await once(instance.topic, ({ task, taskService }) =>
      taskService.handleBpmnError(task, "REFUSED", "not today", new Variables().set("until", "noon")));
    assert.deepEqual(await at(instance), ["look_refused"]);
    assert.equal((await variable(instance, "why")).value, "not today");
    assert.equal((await variable(instance, "until")).value, "noon");
  },

  async "extendLock, lock and unlock"() {
    const instance = await start();
    const left = async (id) => Date.parse((await task(id)).lockExpirationTime) - Date.now();
    await once(instance.topic, async ({ task: { id }, taskService }) => {
      await taskService.extendLock(id, 100000);
      const extended = await left(id);
      assert.ok(extended > 90000 && extended <= 101000, `extended to ${extended} ms`);
      await taskService.lock(id, 200000);
      const locked = await left(id);
      assert.ok(locked > 190000 && locked <= 201000, `locked for ${locked} ms`);
      await taskService.unlock(id);
      assert.equal((await task(id)).lockExpirationTime, null);
    });
    await once(instance.topic, ({ task, taskService }) => taskService.complete(task), {}, { workerId: "another" });
    assert.deepEqual(await at(instance), ["look"]);
  },

  async "an error of the engine names its status, type and message"() {
    const instance = await start();
    await once(instance.topic, async ({ task, taskService }) => {
      await taskService.complete(task);
      await assert.rejects(taskService.complete(task), (error) => {
        assert.equal(error.httpStatusCode, 404);
        assert.equal(error.type, "RestException");
        assert.equal(error.engineMsg, `External task with id ${task.id} does not exist`);
        return true;
      });
    });
  },

  async "every filter of a topic"() {
    const instance = await start({ city: { value: "Izmir" } }, "suite-filters");
    const filters = {
      businessKey: "suite-filters",
      lockDuration: 20000,
      variables: ["city"],
      processDefinitionId: instance.definitionId,
      processDefinitionIdIn: [instance.definitionId],
      processDefinitionKey: "calls",
      processDefinitionKeyIn: ["calls"],
      processDefinitionVersionTag: "1.0",
      processVariables: { city: "Izmir" },
      withoutTenantId: true,
      localVariables: false,
      includeExtensionProperties: true,
    };
    const task = await once(instance.topic, ({ task }) => task, filters);
    assert.deepEqual(task.variables.getAll(), { city: "Izmir" });
    assert.deepEqual(task.extensionProperties, { currency: "EUR" });
    for (const [name, value] of Object.entries({ businessKey: "other", processDefinitionKey: "other",
      processDefinitionVersionTag: "2", processVariables: { city: "Bursa" }, tenantIdIn: ["tenant"] })) {
      const other = await start({ city: { value: "Izmir" } }, "suite-filters");
      const client = connect({ asyncResponseTimeout: undefined });
      const polled = within(new Promise((resolve) => client.once("poll:success", resolve)), "a poll");
      client.subscribe(other.topic, { [name]: value }, () => {});
      assert.deepEqual([name, await polled], [name, []]);
      client.stop();
    }
  },

  async "sorting and priority"() {
    const client = connect({ sorting: [{ sortBy: "createTime", sortOrder: "asc" }], maxTasks: 1, autoPoll: false });
    const first = await start();
    const polled = within(new Promise((resolve) => client.once("poll:success", resolve)), "a poll");
    client.subscribe(first.topic, () => {});
    client.start();
    const tasks = await polled;
    assert.deepEqual(tasks.map(({ processInstanceId, priority }) => [processInstanceId, priority]), [[first.id, 7]]);
    client.stop();
  },

  async "a long poll is woken by a new task"() {
    const client = connect({ asyncResponseTimeout: 60000 });
    const topic = nameTopic(topics + 1);
    const handled = handle(client, topic, ({ task }) => task);
    await within(new Promise((resolve) => client.once("poll:start", resolve)), "the poll");
    const instance = await start();
    assert.equal(instance.topic, topic);
    assert.equal((await handled).processInstanceId, instance.id);
    client.stop();
  },

  async "credentials are ignored, the logger has nothing to complain of"() {
    const instance = await start();
    const said = [];
    const { log } = console;
    console.log = (line) => said.push(line);
    try {
      await once(instance.topic, ({ task, taskService }) => taskService.complete(task), {}, {
        use: logger,
        interceptors: new BasicAuthInterceptor({ username: "demo", password: "demo" }),
      });
    } finally {
      console.log = log;
    }
    assert.ok(said.some((line) => line.includes("completed task")), said.join("; "));
    assert.ok(!said.some((line) => line.includes("✖")), said.join("; "));
  },

  async "a poll that is refused is an event"() {
    const client = connect({ asyncResponseTimeout: 1800001 });
    const refused = within(new Promise((resolve) => client.once("poll:error", resolve)), "an error");
    client.subscribe("js-refused", () => {});
    const error = await refused;
    assert.equal(error.httpStatusCode, 400);
    assert.equal(error.type, "InvalidRequestException");
    client.stop();
  },
};

let wrong = 0;
for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    console.log(`ok js: ${name}`);
  } catch (error) {
    wrong += 1;
    console.log(`not ok js: ${name}: ${String(error.message).replace(/\s+/g, " ")}`);
  }
  for (const client of clients.splice(0)) client.stop();
}
// polls that are parked yet would keep the process
process.exit(wrong === 0 ? 0 : 1);
