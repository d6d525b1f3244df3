import { STANDARD_OUTPUT } from "../../shared/cli/mod.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { runCloudConfig } from "./program.ts";

Deno.exit(await runCloudConfig(Deno.args, { clock: SYSTEM_CLOCK, output: STANDARD_OUTPUT }));
