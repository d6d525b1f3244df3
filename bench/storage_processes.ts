/** The servers that `storage.ts` measures, each compiled and in a process of its own. */

import { StorageServiceService } from "../proto/gen/storage.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { connect, type RpcClient } from "../shared/rpc/mod.ts";
import { freePort } from "../tests/free_ports.ts";

/** A client of the storage. */
export type StorageClient = RpcClient<typeof StorageServiceService>;

/** A running server. */
export interface Served {
  readonly pid: number;
  readonly storage: StorageClient;
  stop(): Promise<void>;
}

const ROOT = new URL("../", import.meta.url).pathname;
const CLOCK_TICKS_PER_SECOND = 100;
const START_DEADLINE_MS = 30_000;
const CALL_DEADLINE_MS = 60_000;

const LOG_SETTINGS = `
appenders: {file: {kind: file, path: storage.log}}
root: {level: info, appenders: [file]}
`;

/** Compiles the echo server into a folder and gives its path. */
export async function compileEcho(folder: string): Promise<string> {
  const path = `${folder}/echo`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["compile", "-A", "--no-check", "--quiet", "--output", path, "bench/storage_echo.ts"],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(`deno compile failed:\n${new TextDecoder().decode(stderr)}`);
  return path;
}

/** Starts the echo server. */
export async function startEcho(path: string, valueSize: number): Promise<Served> {
  const process = new Deno.Command(path, { args: [String(valueSize)], stdout: "piped" }).spawn();
  const lines = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: port } = await lines.read();
  await lines.cancel();
  return serve(process, Number(port));
}

/** Where a storage runs. */
export interface StorageOptions {
  /** Name of the table of its configuration. */
  readonly flavour: string;
  readonly folder: string;
  readonly kmsPort: number;
}

/** Starts `bin/storage` in a folder. */
export async function startStorage(options: StorageOptions): Promise<Served> {
  const { flavour, folder, kmsPort } = options;
  const port = freePort();
  const table = `[${flavour}]\nstorage_port = ${port}\nkms_port = ${kmsPort}\n`;
  await Deno.writeTextFile(`${folder}/config.toml`, table);
  await Deno.writeTextFile(`${folder}/storage-log4rs.yaml`, LOG_SETTINGS);
  const process = new Deno.Command(`${ROOT}bin/storage`, {
    args: ["run"],
    cwd: folder,
    stdout: "null",
  }).spawn();
  await waitUntilOpen(port);
  return serve(process, port);
}

function serve(process: Deno.ChildProcess, port: number): Served {
  const storage = connect(StorageServiceService, { port, deadlineMs: CALL_DEADLINE_MS });
  return {
    pid: process.pid,
    storage,
    async stop() {
      storage.close();
      process.kill("SIGKILL");
      await process.status;
    },
  };
}

async function waitUntilOpen(port: number): Promise<void> {
  const giveUpMs = SYSTEM_CLOCK.monotonicMs() + START_DEADLINE_MS;
  while (true) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (SYSTEM_CLOCK.monotonicMs() > giveUpMs) throw error;
      await SYSTEM_CLOCK.sleep(10);
    }
  }
}

/** CPU that a process has used, in µs. */
export interface CpuUse {
  /** Of all its threads. */
  readonly all: number;
  /** Of the thread that serves all calls, which no other can help. */
  readonly mainThread: number;
}

/** Reads how much CPU a process has used. */
export function cpuUse(pid: number): CpuUse {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]?.split(" ") ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  const [nanos] = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/schedstat`).split(" ");
  return { all: ticks * 1e6 / CLOCK_TICKS_PER_SECOND, mainThread: Number(nanos) / 1000 };
}
