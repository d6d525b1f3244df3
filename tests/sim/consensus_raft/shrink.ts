import { failureOf, type Suspect, withoutParts } from "../suspect.ts";
import { type Defect, suffer } from "./planted.ts";
import type { RaftScript } from "./script.ts";

/** With another luck fewer troubles may do: so many are tried. */
const LUCKS = 12;

/** A group that goes through a script, all of whose nodes make a mistake, or none. */
export function suspectOf(script: RaftScript, defect: Defect | null): Suspect {
  const failure = (shorter: RaftScript) => failureOf(() => suffer(shorter, defect).violation);
  const troubles = script.troubles ?? suffer(script, defect).troubles;
  return {
    folder: "raft",
    defect: defect?.name ?? null,
    script,
    length: troubles.length,
    failure: () => failure(script),
    shrunk: () => suspectOf(shrink({ ...script, troubles }, (s) => failure(s) !== null), defect),
  };
}

/** Leaves out troubles until nothing more can go. */
function shrink(
  script: RaftScript & { readonly troubles: readonly string[] },
  fails: (script: RaftScript) => boolean,
): RaftScript {
  let { luck } = script;
  const failsSomehow = (troubles: readonly string[]) => {
    const lucks = [luck, ...Array.from({ length: LUCKS }, (_, other) => other)];
    const found = lucks.find((luck) => fails({ ...script, luck, troubles }));
    luck = found ?? luck;
    return found !== undefined;
  };
  for (let troubles = script.troubles;;) {
    const fewer = withoutParts(troubles, failsSomehow);
    if (fewer.length === troubles.length) return { ...script, luck, troubles };
    troubles = fewer;
  }
}
