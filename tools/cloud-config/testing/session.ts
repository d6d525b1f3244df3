import type { Clock } from "../../../shared/clock/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { runCloudConfig } from "../program.ts";

/** 2022-04-15, the time of every chain that tests make. */
export const TEST_TIME_MS = 1650000000000;

const STOPPED_CLOCK: Clock = { ...SYSTEM_CLOCK, nowMs: () => TEST_TIME_MS };

/** What a command line did. */
export interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A configuration folder of its own, removed when disposed of. */
export class Session implements Disposable {
  readonly path = Deno.makeTempDirSync();

  /** Runs a command line as it is. */
  async run(...argv: string[]): Promise<Result> {
    let out = "";
    let err = "";
    const output = {
      out: (text: string) => {
        out += text;
      },
      err: (text: string) => {
        err += text;
      },
    };
    const code = await runCloudConfig(argv, { clock: STOPPED_CLOCK, output });
    return { code, out, err };
  }

  /** Runs a command on this folder; fails the test unless it succeeds, gives what it printed. */
  async ok(command: string, ...flags: string[]): Promise<string> {
    const result = await this.run(command, "--config-dir", this.path, ...flags);
    if (result.code !== 0) throw new Error(`${command}: ${result.code} ${result.err}`);
    return result.out;
  }

  /** Runs a command on this folder that must fail with 101; gives what it said. */
  async panic(command: string, ...flags: string[]): Promise<string> {
    const result = await this.run(command, "--config-dir", this.path, ...flags);
    if (result.code !== 101) throw new Error(`${command}: ${result.code}`);
    return result.err;
  }

  read(path: string): string {
    return Deno.readTextFileSync(`${this.path}/${path}`);
  }

  write(path: string, text: string): void {
    Deno.writeTextFileSync(`${this.path}/${path}`, text);
  }

  has(path: string): boolean {
    try {
      Deno.lstatSync(`${this.path}/${path}`);
      return true;
    } catch {
      return false;
    }
  }

  /** Names in a folder, sorted. */
  list(path: string): string[] {
    return [...Deno.readDirSync(`${this.path}/${path}`)].map(({ name }) => name).sort();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** The addresses of the account lines that a command printed. */
export function addressesIn(out: string): string[] {
  return [...out.matchAll(/^key_id:1, address:([0-9a-f]{40})$/gm)].map(([, address]) =>
    address ?? ""
  );
}
