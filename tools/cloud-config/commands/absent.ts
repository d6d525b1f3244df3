import type { Program } from "../../../shared/cli/mod.ts";

const NEEDS_CLUSTER = "this version makes chains of one machine only";
const NEEDS_OLD_FILES = "this version does not read the files of 6.1.0";

/** Commands of the reference tool that this version refuses: help text and reason. */
const ABSENT: Readonly<Record<string, readonly [about: string, reason: string]>> = {
  "create-k8s": ["create config in env k8s", NEEDS_CLUSTER],
  "append-k8s": ["append node in env k8s", NEEDS_CLUSTER],
  "delete-k8s": ["delete node in env k8s", NEEDS_CLUSTER],
  migrate: ["migrate CITA-Cloud chain from 6.1.0 to 6.3.0", NEEDS_OLD_FILES],
};

/** Refuses what this version does not have, with the reason instead of a usage error. */
export function addAbsentCommands(program: Program): void {
  for (const [name, [about, reason]] of Object.entries(ABSENT)) {
    program.command(name)
      .description(`${about} (not in this version)`)
      .allowUnknownOption()
      .allowExcessArguments()
      .action(() => {
        throw new Error(`Cannot run ${name}: ${reason}`);
      });
  }
}
