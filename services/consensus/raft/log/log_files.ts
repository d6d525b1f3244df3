import type { Bytes } from "../../../../shared/bytes/mod.ts";
import {
  makeFolder,
  PLAIN_MODE,
  readIfThere,
  syncFolder,
  writeAt,
} from "../../../../shared/files/mod.ts";

/** The files of a folder; every change is on disk when its method resolves. */
export interface LogFiles {
  names(): Promise<string[]>;
  /** The content of a file; null when it is not there. */
  read(name: string): Promise<Bytes | null>;
  /** Writes behind the first `size` bytes of a file in place of what is there; from 0 it is created. */
  writeAt(name: string, size: number, bytes: Bytes): Promise<void>;
  /** Gives a file another name, in place of the file that has it; false when it is not there. */
  rename(from: string, to: string): Promise<boolean>;
}

/** Opens or creates a folder. */
export async function openLogFiles(folder: string): Promise<LogFiles> {
  await makeFolder(folder);
  return {
    names: async () => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name),
    read: (name) => readIfThere(`${folder}/${name}`),
    writeAt: (name, size, bytes) => writeAt(`${folder}/${name}`, size, bytes, PLAIN_MODE),
    async rename(from, to) {
      try {
        await Deno.rename(`${folder}/${from}`, `${folder}/${to}`);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return false;
        throw error;
      }
      await syncFolder(folder);
      return true;
    },
  };
}
