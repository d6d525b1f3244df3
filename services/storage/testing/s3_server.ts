/** An S3 server of a test, on a port of the loopback, with its objects in a temporary folder. */

import { SYSTEM_CLOCK, SYSTEM_RANDOM } from "../../../shared/clock/mod.ts";
import { freePort } from "../../../tests/free_ports.ts";
import { S3Bucket, type S3BucketOptions } from "../engines/layered/s3.ts";

const EXECUTABLE = new URL("../../../.toolchain/bin/versitygw", import.meta.url).pathname;
const START_DEADLINE_MS = 30_000;
const POLL_INTERVAL_MS = 20;

/** The keys that the server knows. */
export const S3_KEYS = { accessKeyId: "tester", secretAccessKey: "tell-nobody" };

/** A server with one bucket. */
export class S3Server {
  readonly port = freePort();
  readonly bucket = "chain";
  readonly #folder: string;
  #process: Deno.ChildProcess | null = null;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async start(): Promise<S3Server> {
    const folder = await Deno.makeTempDir({ prefix: "storage_s3_" });
    const server = new S3Server(folder);
    await Deno.mkdir(`${folder}/objects/${server.bucket}`, { recursive: true });
    await Deno.mkdir(`${folder}/attributes`);
    await server.run();
    return server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The folder of the objects, to be looked into and to be harmed. */
  get objects(): string {
    return `${this.#folder}/objects/${this.bucket}`;
  }

  /** Runs the server, after {@linkcode stop} once more. */
  async run(): Promise<void> {
    const { accessKeyId, secretAccessKey } = S3_KEYS;
    const keys = ["--access", accessKeyId, "--secret", secretAccessKey];
    const address = `127.0.0.1:${this.port}`;
    // a folder of its own for the attributes: not every temporary file system keeps them
    const backend = ["posix", "--sidecar", `${this.#folder}/attributes`, `${this.#folder}/objects`];
    this.#process = new Deno.Command(EXECUTABLE, {
      args: [...keys, "--port", address, "--quiet", ...backend],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const giveUpMs = SYSTEM_CLOCK.monotonicMs() + START_DEADLINE_MS;
    while (!await this.#isListening()) {
      if (SYSTEM_CLOCK.monotonicMs() > giveUpMs) throw new Error("versitygw did not start");
      await SYSTEM_CLOCK.sleep(POLL_INTERVAL_MS);
    }
  }

  async stop(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.status;
    this.#process = null;
  }

  /** Connections stay open and nothing answers, until {@linkcode thaw}. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** The bucket as a client sees it. */
  open(overrides: Partial<S3BucketOptions> = {}): S3Bucket {
    return new S3Bucket({
      endpoint: this.endpoint,
      bucket: this.bucket,
      root: "node/data",
      region: "us-east-1",
      ...S3_KEYS,
      isBucketInHost: false,
      callTimeoutMs: 10_000,
      clock: SYSTEM_CLOCK,
      random: SYSTEM_RANDOM,
      ...overrides,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #isListening(): Promise<boolean> {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port: this.port })).close();
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return false;
      throw error;
    }
  }
}
