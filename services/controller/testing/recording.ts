import { Block, type RawTransaction, RawTransactions } from "../../../proto/gen/blockchain.ts";
import { HashResponse, ProposalWithProof } from "../../../proto/gen/common.ts";
import { type Bytes, EMPTY_BYTES, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { type CryptoSuite, loadSuite } from "../../../shared/crypto/mod.ts";
import { parseDocument, readTable } from "../../../shared/config/mod.ts";
import { StatusCode, statusFromWire } from "../../../shared/status/mod.ts";
import { CONTROLLER_TABLE, readSettings } from "../config.ts";
import type { Settings } from "../flows/node.ts";
import type { CryptoInfo, Executed, ExecutorPort, KmsPort, KmsResult } from "../ports.ts";

/** A call between two services of the reference, as it was recorded. */
export interface RecordedCall {
  readonly label: string;
  readonly method: string;
  readonly request_hex: string;
  readonly response_hex?: string;
  readonly grpc_error?: { readonly code: number; readonly details: string };
}

const VECTORS = new URL("../../../tests/vectors/controller/", import.meta.url);

async function readGzip(name: string): Promise<string> {
  const file = await Deno.open(new URL(name, VECTORS));
  return await new Response(file.readable.pipeThrough(new DecompressionStream("gzip"))).text();
}

/** Reads a list of calls, in one JSON array or one per line. */
export async function readCalls(name: string): Promise<RecordedCall[]> {
  const text = await readGzip(name);
  if (!name.includes("jsonl")) return JSON.parse(text);
  return text.trim().split("\n").map((line) => JSON.parse(line));
}

/** A record of the storage of the reference. */
export interface RecordedValue {
  readonly region: number;
  readonly key: string;
  readonly status: number;
  readonly value: string;
}

/** Reads the dump of a storage. */
export async function readStorageDump(name: string): Promise<RecordedValue[]> {
  return JSON.parse(await readGzip(name));
}

/** Settings from the configuration file of a recorded node. */
export async function readRecordedSettings(name: string): Promise<Settings> {
  const document = parseDocument(await Deno.readTextFile(new URL(name, VECTORS)), name);
  return readSettings(readTable(CONTROLLER_TABLE, document), document);
}

/** The last part of a method's path. */
export function methodOf({ method }: RecordedCall): string {
  return method.slice(method.lastIndexOf("/") + 1);
}

/** What the recorded consensus committed, in order. */
export function recordedCommits(tap: readonly RecordedCall[]): ProposalWithProof[] {
  return tap.filter((call) => methodOf(call) === "CommitBlock" && call.grpc_error === undefined)
    .map(({ request_hex }) => decode(ProposalWithProof, fromHex(request_hex)));
}

/** An executor that answers as the recorded one did: to the same bytes only. */
export class RecordedExecutor implements ExecutorPort {
  readonly #answers = new Map<string, Executed>();

  constructor(tap: readonly RecordedCall[]) {
    for (const call of tap) {
      if (methodOf(call) !== "Exec" || call.response_hex === undefined) continue;
      const { status, hash } = decode(HashResponse, fromHex(call.response_hex));
      const code = statusFromWire(status?.code ?? 0);
      if (this.#answers.has(call.request_hex)) continue;
      this.#answers.set(call.request_hex, { code, stateRoot: hash?.hash ?? EMPTY_BYTES });
    }
  }

  exec(encodedBlock: Bytes): Promise<Executed> {
    const known = this.#answers.get(toHex(encodedBlock));
    const unknown = { code: StatusCode.ReenterInvalidBlock, stateRoot: EMPTY_BYTES };
    return Promise.resolve(known ?? unknown);
  }
}

/** A kms that verifies real signatures in this process; it cannot sign. */
export class SuiteKms implements KmsPort {
  readonly #suite: CryptoSuite;

  constructor(suite: CryptoSuite) {
    this.#suite = suite;
  }

  cryptoInfo(): Promise<CryptoInfo> {
    const { name, signatureSize } = this.#suite;
    return Promise.resolve({ code: StatusCode.Success, name, signatureSize });
  }

  sign(): Promise<KmsResult> {
    const bytes = new Uint8Array(this.#suite.signatureSize);
    return Promise.resolve({ code: StatusCode.Success, bytes });
  }

  recover(message: Bytes, signature: Bytes): Promise<KmsResult> {
    const recovery = this.#suite.recover(message, signature);
    if (recovery.kind === "refused") {
      return Promise.resolve({ code: recovery.code, bytes: EMPTY_BYTES });
    }
    return Promise.resolve({ code: StatusCode.Success, bytes: recovery.address });
  }

  /** Signatures only: the controller is to check the rest by itself, or not at all. */
  async checkTransactions(transactions: readonly RawTransaction[]): Promise<StatusCode> {
    for (const { tx } of transactions) {
      if (tx === undefined) return StatusCode.NoneRawTx;
      const witness = tx.$case === "normalTx" ? tx.value.witness : tx.value.witnesses[0];
      if (witness === undefined) return StatusCode.NoneWitness;
      const { code, bytes } = await this.recover(tx.value.transactionHash, witness.signature);
      if (code !== StatusCode.Success) return code;
      if (toHex(bytes) !== toHex(witness.sender)) return StatusCode.SigCheckError;
    }
    return StatusCode.Success;
  }
}

/** The suite of the recorded chains. */
export function loadRecordedSuite(): Promise<CryptoSuite> {
  return loadSuite("sm");
}

/** Encodes a block body alone, to compare transactions of two blocks. */
export function bodyHex({ body }: Block): string {
  return toHex(encode(RawTransactions, body ?? { body: [] }));
}
