import { WalError } from "./log_folder.ts";

/**
 * Takes a folder of logs for this process, creating it when absent: two processes would mix their
 * records. The system gives it back when the process dies.
 *
 * @returns the lock; closing it gives the folder back
 * @throws {WalError} when another process has the folder
 */
export async function lockLogFolder(path: string): Promise<Deno.FsFile> {
  await Deno.mkdir(path, { recursive: true });
  const file = await Deno.open(`${path}/lock`, { create: true, write: true });
  if (await file.tryLock(true)) return file;
  file.close();
  throw new WalError(`Cannot use "${path}": it must not be in use, another process has it open`);
}
