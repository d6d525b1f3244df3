import { AwsClient } from "aws4fetch";
import { createHash } from "node:crypto";
import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { Clock, Random } from "../../../../shared/clock/mod.ts";
import { type Cloud, CloudError } from "./cloud.ts";

/** A bucket and how to get at it. */
export interface S3BucketOptions {
  /** As in `https://s3.eu-central-1.amazonaws.com`, without the bucket. */
  readonly endpoint: string;
  readonly bucket: string;
  /** Folder of all names, without slashes at its ends; may be empty. */
  readonly root: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Whether the bucket is part of the host name, or the first part of the path. */
  readonly isBucketInHost: boolean;
  /** Bound of a call with all of its attempts. */
  readonly callTimeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

const ATTEMPTS_MAX = 4;
/** The first attempt is followed by the next after this time, then twice as long, and so on. */
const BACKOFF_MS = 200;
/** Calls under way at a time, and callers that wait for their turn. */
const CALLS_MAX = 64;
const WAITING_MAX = 4_096;
/** Bytes of an answer that is no object: it explains an error. */
const EXPLANATION_SIZE_MAX = 4_096;

/** Bytes of an object that is read: no record is as large. */
const OBJECT_SIZE_MAX = 512 * 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly content: Bytes;
}

/** A bucket that speaks the protocol of Amazon S3. */
export class S3Bucket implements Cloud {
  readonly #options: S3BucketOptions;
  readonly #signer: AwsClient;
  readonly #base: string;
  #callCount = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #closing = new AbortController();
  /** Each resolves when a call has ended. */
  readonly #calls = new Set<Promise<void>>();

  constructor(options: S3BucketOptions) {
    const { accessKeyId, secretAccessKey, region } = options;
    this.#options = options;
    this.#signer = new AwsClient({ accessKeyId, secretAccessKey, region, service: "s3" });
    this.#base = baseUrl(options);
  }

  async get(name: string): Promise<Bytes | null> {
    const { status, content } = await this.#call("read", "GET", name);
    return status === 404 ? null : content;
  }

  async put(name: string, content: Bytes): Promise<void> {
    await this.#call("write", "PUT", name, content);
  }

  /** Ends the calls that are under way; resolves when nothing of them is left. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#calls);
  }

  async #call(action: string, method: "GET" | "PUT", name: string, body?: Bytes): Promise<Answer> {
    const { clock, callTimeoutMs } = this.#options;
    const giveUpMs = clock.monotonicMs() + callTimeoutMs;
    await this.#takeTurn(action);
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#calls.add(ended);
    try {
      return await this.#callWithRetries({ action, method, name, body }, giveUpMs);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#callCount -= 1;
      else next();
      this.#calls.delete(ended);
      end();
    }
  }

  /** Bounds the connections, and what waits for one. */
  async #takeTurn(action: string): Promise<void> {
    if (this.#callCount < CALLS_MAX) {
      this.#callCount += 1;
      return;
    }
    if (this.#waiting.length >= WAITING_MAX) {
      throw this.#error("away", action, `${WAITING_MAX} calls wait already`);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    await promise;
  }

  async #callWithRetries(call: CallParts, giveUpMs: number): Promise<Answer> {
    const { clock, random } = this.#options;
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#attempt(call, giveUpMs - clock.monotonicMs());
      } catch (error) {
        const mayPass = error instanceof CloudError && error.reason === "away";
        const waitMs = BACKOFF_MS * 2 ** (attempt - 1) * (0.5 + random());
        const { signal } = this.#closing;
        const hasTime = clock.monotonicMs() + waitMs < giveUpMs && !signal.aborted;
        if (!mayPass || attempt === ATTEMPTS_MAX || !hasTime) throw error;
        await clock.sleep(waitMs, signal);
      }
    }
  }

  async #attempt({ action, method, name, body }: CallParts, timeoutMs: number): Promise<Answer> {
    const abort = new AbortController();
    const timer = this.#options.clock.setTimer(Math.max(0, timeoutMs), () => abort.abort());
    try {
      const request = await this.#signer.sign(this.#base + name, {
        method,
        headers: { "x-amz-content-sha256": sha256Hex(body) },
        ...(body !== undefined && { body: new Uint8Array(body) }),
      });
      const signal = AbortSignal.any([abort.signal, this.#closing.signal]);
      const response = await fetch(request, { signal, redirect: "manual" });
      try {
        return await this.#answerOf(action, response);
      } finally {
        // one that was not read to its end holds a connection
        await response.body?.cancel().catch(() => {});
      }
    } catch (thrown) {
      if (thrown instanceof CloudError) throw thrown;
      const text = this.#closing.signal.aborted
        ? "it is closed"
        : abort.signal.aborted
        ? `no answer within ${this.#options.callTimeoutMs} ms`
        : textOf(thrown);
      const reason = text.includes("invalid peer certificate") ? "refused" : "away";
      throw this.#error(reason, action, text, thrown);
    } finally {
      timer.cancel();
    }
  }

  async #answerOf(action: string, response: Response): Promise<Answer> {
    const { status, headers } = response;
    const size = Number(headers.get("content-length"));
    if (size > OBJECT_SIZE_MAX) {
      throw this.#error("refused", action, `an object has ${size} bytes`);
    }
    const content = await response.bytes();
    if (status === 200) return { status, content };
    const explanation = new TextDecoder().decode(content.subarray(0, EXPLANATION_SIZE_MAX));
    const code = /<Code>([^<]*)<\/Code>/.exec(explanation)?.[1] ?? "";
    // neither a missing bucket nor an unknown user must look like an object that is not there
    if (status === 404 && code === "NoSuchKey") return { status, content };
    const message = /<Message>([^<]*)<\/Message>/.exec(explanation)?.[1] ?? "";
    const text = `it answers ${status}${code && ` ${code}`}${message && `: ${message}`}`;
    throw this.#error(isPassing(status, code) ? "away" : "refused", action, text);
  }

  #error(reason: CloudError["reason"], action: string, text: string, cause?: unknown): CloudError {
    const { bucket, endpoint } = this.#options;
    return new CloudError(reason, `Cannot ${action} bucket "${bucket}" at ${endpoint}: ${text}`, {
      cause,
    });
  }
}

interface CallParts {
  readonly action: string;
  readonly method: "GET" | "PUT";
  readonly name: string;
  readonly body: Bytes | undefined;
}

/** What comes before the names of the objects. */
export function baseUrl(
  { endpoint, bucket, root, isBucketInHost }: Pick<
    S3BucketOptions,
    "endpoint" | "bucket" | "root" | "isBucketInHost"
  >,
): string {
  const url = new URL(endpoint);
  const folder = root === "" ? "" : `${root.split("/").map(encodeURIComponent).join("/")}/`;
  if (isBucketInHost) url.host = `${bucket}.${url.host}`;
  return `${url.origin}/${isBucketInHost ? "" : `${bucket}/`}${folder}`;
}

/** Answers that may be others when the call is made again. */
function isPassing(status: number, code: string): boolean {
  return status >= 500 || status === 429 || status === 408 || code === "SlowDown";
}

function sha256Hex(content: Bytes = new Uint8Array(0)): string {
  return createHash("sha256").update(content).digest("hex");
}

/** `fetch` wraps what the network said. */
function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message;
}
