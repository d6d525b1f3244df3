import type { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { rawTransactionHash } from "../../../shared/block/mod.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import {
  checkDigest,
  checkFields,
  checkQuota,
  checkSingleFields,
  sameTransaction,
} from "../auth/mod.ts";
import { transactionKey } from "../pool/mod.ts";
import { splitBySize } from "../split_by_size.ts";
import { type Node, rulesOf } from "./node.ts";
import { type PoolJournal, WRITE_SPLIT } from "./pool_journal.ts";
import type { SignatureVerifier } from "./verifier.ts";

/** Outcome of a batch: a code, and the hashes of the transactions that were not in the pool. */
export interface BatchOutcome {
  readonly code: StatusCode;
  readonly added: readonly Bytes[];
}

/** Collaborators of {@linkcode Admission}. */
export interface AdmissionParts {
  readonly verifier: SignatureVerifier;
  readonly journal: PoolJournal;
}

/**
 * Lets transactions into the pool (spec/controller.md, 8). A transaction whose equal is in the pool
 * was verified before, is in the journal if there is one, and is not verified again.
 *
 * What cannot be written to the journal is refused with {@linkcode StatusCode.StoreError}, as a
 * block is that cannot be logged: users of 6.3 know it as an error of the node, not of what they
 * sent.
 */
export class Admission {
  readonly #node: Node;
  readonly #verifier: SignatureVerifier;
  readonly #journal: PoolJournal;

  constructor(node: Node, { verifier, journal }: AdmissionParts) {
    this.#node = node;
    this.#verifier = verifier;
    this.#journal = journal;
  }

  /**
   * A transaction that was sent alone (8.1): fields before the signature. 153 for one that asks for
   * more quota than this node allows, {@linkcode StatusCode.PoolFull} when there is no room.
   */
  async admitSingle(raw: RawTransaction): Promise<StatusCode> {
    const node = this.#node;
    const { height } = node.chain.tip;
    const code = this.#checkAlone(raw);
    if (code !== StatusCode.Success) return code;
    if (this.#isVerified(raw)) return StatusCode.DupTransaction;
    if (!node.pool.reserve([raw])) return StatusCode.PoolFull;
    return await this.#holding([raw], async () => {
      const signature = await this.#verifier.verify([raw]);
      if (signature !== StatusCode.Success) return signature;
      const outcome = await this.#journal.write([raw], () => {
        // a block that came in between may hold this transaction
        const again = this.#recheck([raw], height);
        if (again !== StatusCode.Success) return again;
        return node.pool.add(raw) ? StatusCode.Success : StatusCode.DupTransaction;
      });
      return outcome ?? StatusCode.StoreError;
    });
  }

  /** Everything but the signature of a transaction that comes alone (8.1, rows 0 to 13). */
  #checkAlone(raw: RawTransaction): StatusCode {
    const node = this.#node;
    const fields = checkSingleFields(raw, rulesOf(node));
    if (fields !== StatusCode.Success) return fields;
    const quota = checkQuota(raw, node.settings.quotaLimit);
    return quota === StatusCode.Success ? checkDigest(raw, node) : quota;
  }

  /** Gives the reserved room of transactions back once they are in the pool or refused. */
  async #holding<Outcome>(
    raws: readonly RawTransaction[],
    admit: () => Promise<Outcome>,
  ): Promise<Outcome> {
    try {
      return await admit();
    } finally {
      this.#node.pool.release(raws);
    }
  }

  /** Transactions that come together (8.2): signatures before fields, all or none. */
  async admitBatch(raws: readonly RawTransaction[]): Promise<BatchOutcome> {
    const refuse = (code: StatusCode) => ({ code, added: [] });
    const unverified = raws.filter((raw) => !this.#isVerified(raw));
    if (!this.#node.pool.reserve(unverified)) return refuse(StatusCode.PoolFull);
    return await this.#holding(unverified, async () => {
      const signatures = await this.#verifier.verify(unverified);
      if (signatures !== StatusCode.Success) return refuse(signatures);
      const code = this.#firstRefusal(raws, this.#node.settings.quotaLimit);
      if (code !== StatusCode.Success) return refuse(code);
      const { height } = this.#node.chain.tip;
      const outcome = await this.#journal.write(unverified, () => {
        const again = this.#recheck(raws, height);
        if (again !== StatusCode.Success) return refuse(again);
        return { code, added: this.#addAll(unverified) };
      });
      return outcome ?? refuse(StatusCode.StoreError);
    });
  }

  /**
   * Transactions of a proposal: checked as a batch before anything that waits, whatever this node
   * has room for and allows its users. Those that it has room for and allows are in the pool then.
   */
  async admitProposed(raws: readonly RawTransaction[]): Promise<StatusCode> {
    const unverified = raws.filter((raw) => !this.#isVerified(raw));
    const signatures = await this.#verifier.verify(unverified, true);
    if (signatures !== StatusCode.Success) return signatures;
    const code = this.#firstRefusal(raws, null);
    if (code !== StatusCode.Success) return code;
    const { pool, settings, chain: { tip: { height } } } = this.#node;
    const wanted = unverified.filter((raw) =>
      checkQuota(raw, settings.quotaLimit) === StatusCode.Success && pool.reserve([raw])
    );
    // consensus does not wait for the journal: nobody was promised that these last
    for (const part of splitBySize(wanted, WRITE_SPLIT)) {
      const add = () => this.#addAll(this.#stillFitting(part, height));
      void this.#holding(part, () => this.#journal.write(part, add));
    }
    return code;
  }

  /** The code of the first transaction whose fields, quota included, are refused; 0 for none. */
  #firstRefusal(raws: readonly RawTransaction[], quotaLimit: bigint | null): StatusCode {
    const rules = rulesOf(this.#node);
    for (const raw of raws) {
      const fields = checkFields(raw, rules);
      const code = fields === StatusCode.Success ? checkQuota(raw, quotaLimit) : fields;
      if (code !== StatusCode.Success) return code;
    }
    return StatusCode.Success;
  }

  /** The code of the first transaction that a block since that height forbids; 0 for none. */
  #recheck(raws: readonly RawTransaction[], height: bigint): StatusCode {
    return this.#node.chain.tip.height === height
      ? StatusCode.Success
      : this.#firstRefusal(raws, null);
  }

  /** Those that no block since that height forbids. */
  #stillFitting(raws: readonly RawTransaction[], height: bigint): readonly RawTransaction[] {
    return raws.filter((raw) => this.#recheck([raw], height) === StatusCode.Success);
  }

  /**
   * Transactions that a peer forwards. The sender collected them from many callers, so unlike in a
   * batch of one caller those that do not fit this node's height do not spoil the others.
   *
   * @returns the code of the first refused one
   */
  async admitForwarded(raws: readonly RawTransaction[]): Promise<StatusCode> {
    const refused: StatusCode[] = [];
    const keep = (check: (raw: RawTransaction) => StatusCode) => (raw: RawTransaction) => {
      const code = check(raw);
      if (code !== StatusCode.Success) refused.push(code);
      return code === StatusCode.Success;
    };
    const { pool } = this.#node;
    const fitting = raws.filter((raw) => !this.#isVerified(raw))
      .filter(keep((raw) => this.#checkAlone(raw)))
      .filter(keep((raw) => pool.reserve([raw]) ? StatusCode.Success : StatusCode.PoolFull));
    return await this.#holding(fitting, async () => {
      const signatures = await this.#verifier.verify(fitting);
      if (signatures !== StatusCode.Success) return signatures;
      const outcome = await this.#journal.write(fitting, () => {
        const rules = rulesOf(this.#node);
        this.#addAll(fitting.filter(keep((raw) => checkFields(raw, rules))));
        return refused[0] ?? StatusCode.Success;
      });
      return outcome ?? StatusCode.StoreError;
    });
  }

  /**
   * Transactions of the journal that this node let in before it was restarted: those that still fit
   * are in the pool then, whatever the limits of it are now, for they were promised.
   *
   * @returns those that were not there yet; null when the kms is away
   */
  async readmit(raws: readonly RawTransaction[]): Promise<RawTransaction[] | null> {
    const fitting = raws.filter((raw) =>
      !this.#isVerified(raw) && this.#checkAlone(raw) === StatusCode.Success
    );
    const { pool, chain: { tip: { height } } } = this.#node;
    const codes = await Promise.all(fitting.map((raw) => this.#verifier.verify([raw])));
    if (codes.includes(StatusCode.KmsServerNotReady)) return null;
    const verified = fitting.filter((_, index) => codes[index] === StatusCode.Success);
    return this.#stillFitting(verified, height).filter((raw) => pool.add(raw));
  }

  /** Verifies what is not in the pool, without adding it. */
  verifySynced(raws: readonly RawTransaction[]): Promise<StatusCode> {
    return this.#verifier.verify(raws.filter((raw) => !this.#isVerified(raw)), true);
  }

  #isVerified(raw: RawTransaction): boolean {
    const pooled = this.#node.pool.get(transactionKey(raw));
    return pooled !== undefined && sameTransaction(pooled.raw, raw);
  }

  #addAll(raws: readonly RawTransaction[]): Bytes[] {
    const added: Bytes[] = [];
    for (const raw of raws) {
      const hash = rawTransactionHash(raw);
      if (hash !== null && this.#node.pool.add(raw)) added.push(hash);
    }
    return added;
  }
}
