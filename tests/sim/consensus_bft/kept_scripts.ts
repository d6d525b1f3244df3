import type { Script } from "./script.ts";

/** A shrunk script that is kept, and what it led to. */
export interface KeptScript extends Script {
  /** The name of the mistake that was planted; null for one that was in the product. */
  readonly defect: string | null;
  readonly violation: string;
}

/** Where shrunk scripts are. */
export const SCRIPTS_FOLDER: string = new URL("../../scripts/bft", import.meta.url).pathname;

/** Every kept script by the name of its file. */
export function keptScripts(): [name: string, KeptScript][] {
  return [...Deno.readDirSync(SCRIPTS_FOLDER)].map(({ name }) => [
    name,
    JSON.parse(Deno.readTextFileSync(`${SCRIPTS_FOLDER}/${name}`)),
  ]);
}
