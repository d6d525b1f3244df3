/** Runs the executables of bin/ as a user would. */

import assert from "node:assert/strict";

const BIN = new URL("../../bin/", import.meta.url).pathname;

/** What a finished program left behind. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and how to run a program. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Path of an executable in bin/. */
export function executablePath(name: string): string {
  return `${BIN}${name}`;
}

/** Runs an executable to its end. */
export async function run(
  name: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const command = new Deno.Command(executablePath(name), {
    args: [...args],
    ...options,
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs an executable that must succeed and gives what it printed. */
export async function succeed(
  name: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(name, args, options);
  assert.equal(code, 0, `${name} ${args.join(" ")} exited with ${code}:\n${stdout}\n${stderr}`);
  return stdout.trimEnd();
}
