/**
 * `make sim-shrink KIND="..." SEED=n` writes the script of a net that fails, shrunk, to
 * tests/scripts; `DEFECT="..."` is a part of the name of a mistake to plant.
 */

import { readCount } from "../run_options.ts";
import { type Defect, DEFECTS, defectScript, violationOf } from "./consensus_bft/planted.ts";
import type { Script } from "./consensus_bft/script.ts";
import { type KeptScript, SCRIPTS_FOLDER } from "./consensus_bft/kept_scripts.ts";
import { shrink } from "./consensus_bft/shrink.ts";
import { KINDS } from "./kinds.ts";

const NAME_LENGTH_MAX = 60;

const seed = readCount("SEED", Deno.env.get("SEED") ?? "");
const defect = chosenDefect(Deno.env.get("DEFECT") ?? "");
const script = chosenScript(Deno.env.get("KIND") ?? "");
if (failureOf(script) === null) throw new Error(`Seed ${seed} does not fail`);
const shrunk = shrink(script, (shorter) => failureOf(shorter) !== null);
const [violation = ""] = failureOf(shrunk)?.split("\n") ?? [];
const kept: KeptScript = { defect: defect?.name ?? null, violation, ...shrunk };
const path = `${SCRIPTS_FOLDER}/${fileName(defect?.name ?? "failure")}_${seed}.json`;
await Deno.mkdir(SCRIPTS_FOLDER, { recursive: true });
await Deno.writeTextFile(path, `${JSON.stringify(kept, null, 2)}\n`);
console.log(`${script.steps.length} steps became ${shrunk.steps.length}: ${path}\n${violation}`);

/** Whatever goes wrong, an error of the product included. */
function failureOf(script: Script): string | null {
  try {
    return violationOf(script, defect);
  } catch (error) {
    return String(error);
  }
}

function chosenDefect(part: string): Defect | null {
  if (part === "") return null;
  const found = DEFECTS.find(({ name }) => name.includes(part));
  if (found === undefined) throw new Error(`Cannot use DEFECT: no mistake is named "${part}"`);
  return found;
}

function chosenScript(name: string): Script {
  if (name === "" && defect !== null) return defectScript(defect, seed);
  const kind = Object.values(KINDS).flat().find((kind) => kind.name === name);
  if (kind?.script === undefined) throw new Error(`Cannot use KIND: "${name}" has no scripts`);
  return kind.script(seed);
}

function fileName(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z]+/g, "_").slice(0, NAME_LENGTH_MAX);
}
