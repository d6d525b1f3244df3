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
/** A terminal that does not tell its width is taken for one of 80 columns. */
const terminal = { columns: () => Deno.consoleSize().columns || 80 };
const exitCode = await runDevnet(Deno.args, {
  clock: SYSTEM_CLOCK,
  output: STANDARD_OUTPUT,
  terminal: Deno.stdout.isTerminal() ? terminal : null,
  binPath: findBinPath(),
  signal: stop.signal,
});
Deno.exit(exitCode);
