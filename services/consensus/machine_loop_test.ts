import assert from "node:assert/strict";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { SILENT_LOGGER } from "../../shared/log/mod.ts";
import { MachineLoop } from "./machine_loop.ts";

Deno.test("while the disk is full, only the last of inputs that replace each other waits, in the place of the first", async () => {
  const [tried, room, done] = [
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
  ];
  const taken: string[] = [];
  let isFull = true;
  const loop = new MachineLoop<string, string, string>({
    clock: { ...SYSTEM_CLOCK, sleep: () => room.promise },
    log: { ...SILENT_LOGGER, error: () => tried.resolve() },
    step: (input) => {
      taken.push(input);
      if (input === "other") done.resolve();
      return [input];
    },
    isWrite: (effect): effect is string => effect === "begin",
    write: () =>
      isFull
        ? Promise.reject(Object.assign(new Error("No space"), { code: "ENOSPC" }))
        : Promise.resolve(),
    perform: () => {},
  });
  loop.post("begin");
  loop.postLatest("first");
  await tried.promise;
  await SYSTEM_CLOCK.sleep(0);
  assert(loop.isDiskFull);
  loop.postLatest("second");
  loop.post("other");
  loop.postLatest("last");
  isFull = false;
  room.resolve();
  await done.promise;
  assert.deepEqual(taken, ["begin", "last", "other"]);
  await loop.stop();
});
