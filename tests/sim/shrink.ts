/**
 * `make sim-shrink KIND="..." SEED=n` writes the script of a net that fails, shrunk, to
 * tests/scripts; `DEFECT="..."`, a part of the name of a mistake to plant, takes the place of KIND.
 */

import { readCount } from "../run_options.ts";
import { scriptsPath } from "./kept_scripts.ts";
import { KINDS } from "./kinds.ts";
import { MISTAKES } from "./mistakes.ts";
import type { Suspect } from "./suspect.ts";

const NAME_LENGTH_MAX = 60;

const seed = readCount("SEED", Deno.env.get("SEED") ?? "");
const suspect = choose(Deno.env.get("KIND") ?? "", Deno.env.get("DEFECT") ?? "");
if (suspect.failure() === null) throw new Error(`Seed ${seed} does not fail`);
const shrunk = suspect.shrunk();
const [violation = ""] = shrunk.failure()?.split("\n") ?? [];
const { folder, defect, script } = shrunk;
await Deno.mkdir(scriptsPath(folder), { recursive: true });
const path = `${scriptsPath(folder)}/${fileName(defect ?? "failure")}_${seed}.json`;
await Deno.writeTextFile(path, `${JSON.stringify({ defect, violation, ...script }, null, 2)}\n`);
console.log(`${suspect.length} troubles became ${shrunk.length}: ${path}\n${violation}`);

function choose(kindName: string, part: string): Suspect {
  const kind = Object.values(KINDS).flat().find(({ name }) => name === kindName);
  const mistake = part === "" ? undefined : MISTAKES.find(({ name }) => name.includes(part));
  const found = (mistake ?? kind)?.suspect?.(seed);
  if (found !== undefined) return found;
  throw new Error(`Cannot shrink: no net with scripts has KIND="${kindName}" DEFECT="${part}"`);
}

function fileName(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z]+/g, "_").slice(0, NAME_LENGTH_MAX);
}
