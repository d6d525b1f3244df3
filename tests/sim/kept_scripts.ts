import type { ScriptFolder } from "./suspect.ts";

/** A shrunk script that is kept, and what it led to. */
export type Kept<Script> = Script & {
  /** The name of the mistake that was planted; null for one that was in the product. */
  readonly defect: string | null;
  readonly violation: string;
};

/** Where shrunk scripts are. */
export function scriptsPath(folder: ScriptFolder): string {
  return new URL(`../scripts/${folder}`, import.meta.url).pathname;
}

/** Every kept script by the name of its file. */
export function keptScripts<Script>(folder: ScriptFolder): [name: string, Kept<Script>][] {
  const path = scriptsPath(folder);
  return [...Deno.readDirSync(path)].map(({ name }) => [
    name,
    JSON.parse(Deno.readTextFileSync(`${path}/${name}`)),
  ]);
}
