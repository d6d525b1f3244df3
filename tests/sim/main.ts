/** `make sim` and `make sim-consensus`, SEEDS=n SEED=n: nets in chaos by hand, kind by kind. */

import process from "node:process";
import { countFromEnv, seedFromEnv } from "../run_options.ts";
import { type KindList, KINDS } from "./kinds.ts";
import { runKinds } from "./run_kinds.ts";

const [list = ""] = Deno.args;
if (!isKindList(list)) throw new Error(`Cannot run "${list}": it must be sim or sim-consensus`);
const failures = await runKinds({ list, first: seedFromEnv(), count: countFromEnv("SEEDS", 1) });
process.exit(failures === 0 ? 0 : 1);

function isKindList(name: string): name is KindList {
  return Object.hasOwn(KINDS, name);
}
