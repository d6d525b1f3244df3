/** A service started from its source, for tests that kill it. */

/** Starts `run` of a role in a folder that holds its configuration. */
export function startService(role: string, folder: string): Deno.ChildProcess {
  const main = new URL(`../services/${role}/main.ts`, import.meta.url).pathname;
  const config = new URL("../deno.json", import.meta.url).pathname;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", config, main, "run"],
    cwd: folder,
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}
