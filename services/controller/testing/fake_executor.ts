import { Block, BlockHeader } from "../../../proto/gen/blockchain.ts";
import { type Bytes, concatBytes, EMPTY_BYTES, equalBytes } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { Executed, ExecutorPort } from "../ports.ts";

interface Execution {
  readonly header: Bytes;
  readonly stateRoot: Bytes;
}

/**
 * An executor whose state is the list of blocks it has executed; it answers as the table in
 * spec/executor_evm.md says, with 503 where the reference dies.
 */
export class FakeExecutor implements ExecutorPort {
  readonly #hash: HashFunction;
  executions: Execution[] = [];
  /** Answers 500 while true. */
  isAway = false;

  constructor(hash: HashFunction) {
    this.#hash = hash;
  }

  exec(encodedBlock: Bytes): Promise<Executed> {
    return Promise.resolve(this.#exec(encodedBlock));
  }

  #exec(encodedBlock: Bytes): Executed {
    const refuse = (code: StatusCode) => ({ code, stateRoot: EMPTY_BYTES });
    if (this.isAway) return refuse(StatusCode.ExecuteServerNotReady);
    const block = decode(Block, encodedBlock);
    if (block.header === undefined) return refuse(StatusCode.NoneBlockHeader);
    const header = encode(BlockHeader, block.header);
    const height = Number(block.header.height);
    const known = this.executions[height];
    if (known !== undefined) {
      const isSame = equalBytes(known.header, header);
      const code = isSame ? StatusCode.ReenterBlock : StatusCode.ReenterInvalidBlock;
      return { code, stateRoot: known.stateRoot };
    }
    if (height !== this.executions.length) return refuse(StatusCode.ReenterInvalidBlock);
    const before = this.executions[height - 1]?.stateRoot ?? EMPTY_BYTES;
    const stateRoot = this.#hash(concatBytes(before, header));
    this.executions.push({ header, stateRoot });
    return { code: StatusCode.Success, stateRoot };
  }
}
