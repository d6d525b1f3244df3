/** A service started from its source, for tests that kill it. */

/** A port of this machine that nobody listens on now. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

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
