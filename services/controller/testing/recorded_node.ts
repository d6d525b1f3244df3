import type { ProposalWithProof } from "../../../proto/gen/common.ts";
import { assert } from "../../../shared/assert/mod.ts";
import { seededRandom } from "../../../shared/clock/mod.ts";
import type { CryptoSuite } from "../../../shared/crypto/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { Controller } from "../controller.ts";
import type { KmsPort, Ports } from "../ports.ts";
import { FakeConsensus } from "./fake_consensus.ts";
import { FakeNetwork } from "./fake_network.ts";
import { MemoryStorage } from "./memory_storage.ts";
import { MemoryWal } from "./memory_wal.ts";
import {
  loadRecordedSuite,
  readCalls,
  readRecordedSettings,
  type RecordedCall,
  recordedCommits,
  RecordedExecutor,
  SuiteKms,
} from "./recording.ts";
import { VirtualClock } from "../../../shared/clock/testing/virtual_clock.ts";

/** A controller among neighbours that answer as those of a recorded node did. */
export class RecordedNode {
  readonly clock = new VirtualClock();
  readonly storage: MemoryStorage;
  readonly consensus: FakeConsensus;
  readonly network = new FakeNetwork();
  readonly #ports: Ports;

  private constructor(
    readonly tap: readonly RecordedCall[],
    readonly commits: readonly ProposalWithProof[],
    readonly suite: CryptoSuite,
    readonly configName: string,
    kms: KmsPort,
  ) {
    this.storage = new MemoryStorage(suite.hash);
    this.consensus = new FakeConsensus(suite.hash);
    this.#ports = {
      storage: this.storage,
      executor: new RecordedExecutor(tap),
      kms,
      consensus: this.consensus,
      network: this.network,
      wal: new MemoryWal(),
      journal: null,
    };
  }

  /** Reads a recording. */
  static async load(tapName: string, configName: string): Promise<RecordedNode> {
    const tap = await readCalls(tapName);
    const suite = await loadRecordedSuite();
    const kms = new SuiteKms(suite);
    return new RecordedNode(tap, recordedCommits(tap), suite, configName, kms);
  }

  /** Starts a controller on whatever is stored. */
  async start(): Promise<Controller> {
    const controller = await Controller.start(await readRecordedSettings(this.configName), {
      ports: this.#ports,
      clock: this.clock,
      random: seededRandom(1),
      log: SILENT_LOGGER,
      signal: new AbortController().signal,
      loadHash: () => Promise.resolve(this.suite.hash),
    });
    this.network.deliver = (message) => controller.processNetworkMsg(message);
    return controller;
  }

  /** Commits the recorded blocks up to a height. */
  async replay(controller: Controller, last: bigint): Promise<void> {
    for (const { proposal, proof } of this.commits) {
      assert(proposal !== undefined, "A recorded commit has a proposal");
      if (proposal.height > last) return;
      const { code } = await controller.commitBlock(proposal, proof);
      assert(code === 0, `Block ${proposal.height} is committed, got ${code}`);
    }
  }
}
