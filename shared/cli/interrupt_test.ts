import assert from "node:assert/strict";

const MODULE = new URL("./mod.ts", import.meta.url).href;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** Says that it waits, and what it waited for; the test runner keeps SIGINT for itself. */
const PROGRAM = `
  import { catchInterrupt, INTERRUPTED_EXIT_CODE } from ${JSON.stringify(MODULE)};
  {
    using interrupt = catchInterrupt();
    const aborted = new Promise((resolve) => interrupt.signal.addEventListener("abort", resolve));
    const alive = setInterval(() => {}, 1_000);
    console.log("waits");
    await aborted;
    clearInterval(alive);
  }
  console.log("ends");
  Deno.exit(INTERRUPTED_EXIT_CODE);
`;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`catchInterrupt() lets a program end in order at ${signal}`, async () => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", "--config", CONFIG, PROGRAM],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    let printed = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      printed += text;
      if (printed === "waits\n") child.kill(signal);
    }
    assert.equal(printed, "waits\nends\n");
    assert.equal((await child.status).code, 130);
  });
}
