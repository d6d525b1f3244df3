import assert from "node:assert/strict";
import { Progress } from "./progress.ts";

Deno.test("Progress sends one entry while it probes, and then ahead of the answers", () => {
  const progress = new Progress(6n);
  progress.sent(6n);
  assert(progress.isPaused);
  assert(progress.accepted(6n));
  assert.equal(progress.state, "replicate");
  progress.sent(7n);
  progress.sent(8n);
  assert(!progress.isPaused);
  assert.equal(progress.next, 9n);
});

Deno.test("Progress has at most 256 appends in flight; a heartbeat frees one", () => {
  const progress = new Progress(1n);
  progress.accepted(1n);
  for (let index = 2n; index < 258n; index++) {
    assert(!progress.isPaused);
    progress.sent(index);
  }
  assert(progress.isPaused);
  progress.resume();
  assert(!progress.isPaused);
  progress.sent(258n);
  assert(progress.isPaused);
  progress.accepted(100n);
  assert(!progress.isPaused);
});

Deno.test("Progress goes back to what the peer hints, and ignores stale refusals", () => {
  const progress = new Progress(10n);
  assert(!progress.rejected(5n, 3n), "not the entry that was probed");
  progress.sent(10n);
  assert(progress.rejected(9n, 3n));
  assert.equal(progress.next, 4n);
  assert(!progress.isPaused);
  progress.accepted(8n);
  assert(!progress.rejected(8n, 2n), "it has that entry");
  progress.sent(9n);
  progress.sent(10n);
  assert(progress.rejected(9n, 8n));
  assert.equal(progress.state, "probe");
  assert.equal(progress.next, 9n);
});

Deno.test("Progress waits for a snapshot to arrive, and probes if a heartbeat is answered first", () => {
  const progress = new Progress(1n);
  progress.becomeSnapshot(20n);
  assert(progress.isPaused);
  progress.accepted(10n);
  assert.equal(progress.state, "snapshot");
  progress.accepted(20n);
  assert.equal(progress.state, "probe");
  assert.equal(progress.next, 21n);
  progress.becomeSnapshot(30n);
  progress.resume();
  assert.equal(progress.next, 31n);
  assert(!progress.isPaused);
});
