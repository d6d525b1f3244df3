import { STANDARD_OUTPUT } from "../../shared/cli/mod.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { runDevnet } from "./program.ts";

/** The other executables lie beside this one; run from source, in `bin/` of the repository. */
function findBinPath(): string {
  if (!Deno.build.standalone) return new URL("../../bin", import.meta.url).pathname;
  return Deno.execPath().replace(/\/[^/]*$/, "");
}

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => stop.abort());
}
const exitCode = await runDevnet(Deno.args, {
  clock: SYSTEM_CLOCK,
  output: STANDARD_OUTPUT,
  isTerminal: Deno.stdout.isTerminal(),
  binPath: findBinPath(),
  signal: stop.signal,
});
Deno.exit(exitCode);
