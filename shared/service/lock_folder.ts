import { makeFolder } from "../files/mod.ts";
import { StartRefusal } from "./process.ts";

/**
 * Takes a folder for this process by a file `lock` in it, making the folder when absent. The
 * system gives it back when the process dies.
 *
 * @returns the lock; closing it gives the folder back
 * @throws {StartRefusal} when another process has the folder
 */
export async function lockFolder(path: string): Promise<Deno.FsFile> {
  await makeFolder(path);
  const file = await Deno.open(`${path}/lock`, { create: true, write: true });
  if (await file.tryLock(true)) return file;
  file.close();
  const problem = "it must not be in use, another process has it open";
  throw new StartRefusal(`Cannot use "${path}": ${problem}`, 1);
}
