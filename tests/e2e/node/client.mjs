// What a page's script does, with npm's own client: node client.mjs URL
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { io } from "socket.io-client";

const url = process.argv[2];
const PATIENCE_MS = 30_000;
const bareErectedCost = {
  id: "S11",
  distribution: { kind: "normal", mean: 200_000, std: 20_000 },
};

// A socket, and a way to wait for its events in the order they came.
function watch(transports) {
  const socket = io(url, { transports, reconnection: false, forceNew: true });
  const kept = [];
  let wake = () => {};
  socket.onAny((name, data) => { kept.push([name, data]); wake(); });
  async function until(name) {
    const seen = [];
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      while (kept.length) {
        seen.push(kept.shift());
        if (seen.at(-1)[0] === name) return seen;
      }
      const left = deadline - Date.now();
      assert.ok(left > 0, `no ${name} after ${JSON.stringify(seen).slice(0, 2000)}`);
      await new Promise((done) => { wake = done; setTimeout(done, left); });
    }
  }
  return {
    socket,
    kept,
    until,
    next: async (name) => (await until(name)).at(-1)[1],
    ask: (name, payload) => socket.timeout(PATIENCE_MS).emitWithAck(name, payload),
  };
}

async function greeted() {
  for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
    const { socket, next } = watch(transports);
    assert.equal((await next("connection_status")).status, "connected");
    socket.disconnect();
  }
}

async function start(client, iterations) {
  const id = `node-${randomUUID()}`;
  const answer = await client.ask("start_analysis", {
    analysis_id: id,
    type: "monte_carlo",
    parameters: [bareErectedCost],
    iterations,
    total_steps: 50,
    config: { seed: 1 },
  });
  assert.equal(answer.ok, true, JSON.stringify(answer));
  return id;
}

async function watchedToItsEnd() {
  const client = watch();
  const id = await start(client, 1_000_000);
  assert.equal((await client.next("analysis_started")).analysis_id, id);
  const seen = await client.until("analysis_complete");
  const updates = seen.filter(([name]) => name === "progress_update").map(([, data]) => data);
  const progress = updates.map(({ progress }) => progress);
  assert.ok(progress.length > 0);
  updates.slice(1).forEach(({ seq }, i) => assert.ok(seq > updates[i].seq));
  assert.deepEqual(progress, [...progress].sort((a, b) => a - b));
  const complete = seen.at(-1)[1];
  assert.equal(complete.status, "complete");
  assert.ok(Math.abs(complete.results.results.mean - 2.00579) < 0.01);
  client.socket.disconnect();
}

async function cancelled() {
  const client = watch();
  const id = await start(client, 100_000_000);
  await client.next("progress_update");
  assert.equal((await client.ask("cancel_analysis", { analysis_id: id })).ok, true);
  assert.equal((await client.next("analysis_cancelled")).analysis_id, id);
  const job = await (await fetch(`${url}/api/jobs/${id}`)).json();
  assert.equal(job.status, "cancelled");
  client.socket.disconnect();
}

async function seedsOwnFlow() {
  const client = watch();
  const id = `node-${randomUUID()}`;
  const started = await client.ask("start_analysis", {
    analysis_id: id,
    type: "sensitivity",
    parameters: { param1: { range: [0, 100] } },
    total_steps: 5,
  });
  assert.equal(started.ok, true, JSON.stringify(started));
  for (let step = 1; step <= 5; step++) {
    const status = step < 5 ? "running" : "complete";
    const update = { analysis_id: id, step, status, results: { value: step * 10 } };
    assert.equal((await client.ask("update_progress", update)).ok, true);
    if (step === 5) break;
    let told = await client.next("progress_update");
    while (told.step < step) told = await client.next("progress_update");
    assert.equal(told.progress, step * 20);
  }
  const complete = await client.next("analysis_complete");
  assert.equal(complete.status, "complete");
  assert.deepEqual(complete.results, { value: 50 });
  client.socket.disconnect();
}

async function refused() {
  const client = watch();
  const answer = await client.ask("start_analysis", { type: "sensitivity" });
  assert.equal(answer.ok, false);
  assert.equal((await client.next("error")).message, "Analysis ID is required");
  client.socket.disconnect();
}

for (const step of [greeted, watchedToItsEnd, cancelled, seedsOwnFlow, refused]) {
  await step();
  console.log(`ok  ${step.name}`);
}
process.exit(0);
