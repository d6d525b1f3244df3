import assert from "node:assert/strict";
import { startWorker, WorkerFault, type WorkerLink, workerUrl } from "./mod.ts";

type Request = { readonly echo?: unknown; readonly fail?: string };

async function withWorker(use: (worker: WorkerLink<Request, unknown>) => Promise<void>) {
  const url = workerUrl("testing/echo_worker", import.meta.url);
  const worker = startWorker<Request, unknown>(url);
  try {
    await use(worker);
  } finally {
    worker.terminate();
  }
}

Deno.test("WorkerLink.call() answers each request with its own response", () =>
  withWorker(async (worker) => {
    const requests = [...Array(50).keys()];
    const responses = await Promise.all(requests.map((echo) => worker.call({ echo })));
    assert.deepEqual(responses, requests);
    assert.deepEqual(await worker.call({ echo: Uint8Array.of(1, 2) }), Uint8Array.of(1, 2));
  }));

Deno.test("WorkerLink.call() moves what is to be transferred", () =>
  withWorker(async (worker) => {
    const bytes = Uint8Array.of(1, 2, 3);
    const answer = worker.call({ echo: bytes }, [bytes.buffer]);
    assert.equal(bytes.length, 0);
    assert.deepEqual(await answer, Uint8Array.of(1, 2, 3));
  }));

Deno.test("WorkerLink.call() rejects with the error of the handler, others go on", () =>
  withWorker(async (worker) => {
    const [failed, answered] = await Promise.allSettled([
      worker.call({ fail: "too far" }),
      worker.call({ echo: 1 }),
    ]);
    assert(failed.status === "rejected" && failed.reason instanceof WorkerFault);
    assert.equal(failed.reason.message, "too far");
    assert.equal(failed.reason.causeName, "RangeError");
    assert(answered.status === "fulfilled" && answered.value === 1);
  }));

Deno.test("WorkerLink.terminate() rejects the calls under way and later ones", () =>
  withWorker(async (worker) => {
    const underWay = worker.call({ echo: 1 });
    worker.terminate();
    await assert.rejects(underWay, WorkerFault);
    await assert.rejects(worker.call({ echo: 2 }), /worker that was terminated/);
  }));

Deno.test("workerUrl() names the module beside its caller in source and executable", () => {
  assert.equal(workerUrl("a_worker", "file:///x/y/main.ts").href, "file:///x/y/a_worker.ts");
  assert.equal(workerUrl("a_worker", "file:///x/y/main.js").href, "file:///x/y/a_worker.js");
});
