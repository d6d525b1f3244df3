import type { NetworkMsg } from "../../../proto/gen/network.ts";
import type { ConsensusConfiguration } from "../../../proto/gen/common.ts";
import { type Bytes, EMPTY_BYTES, fromHex } from "../../../shared/bytes/mod.ts";
import { type LogFields, type Logger, SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { codeOf, StatusCode } from "../../../shared/status/mod.ts";
import { DEFAULT_TIMING } from "../../../services/consensus/testing/core_fixture.ts";
import { fakeAddress, type FakeSigner } from "../../../services/consensus/testing/fake_crypto.ts";
import type { Configuration } from "../../../services/consensus/bft/core/interface.ts";
import { Controller } from "../../../services/controller/controller.ts";
import { ChainDataError } from "../../../services/controller/flows/chain_data.ts";
import type { Environment, Settings } from "../../../services/controller/flows/node.ts";
import type { ConsensusPort, NetworkPort, Ports } from "../../../services/controller/ports.ts";
import { FakeExecutor } from "../../../services/controller/testing/fake_executor.ts";
import { FakeKms } from "../../../services/controller/testing/fake_kms.ts";
import { MemoryJournal } from "../../../services/controller/testing/memory_journal.ts";
import { MemoryStorage } from "../../../services/controller/testing/memory_storage.ts";
import { MemoryWal } from "../../../services/controller/testing/memory_wal.ts";
import { type ControllerLink, type NodeLinks, SimValidator } from "../consensus_bft/validator.ts";
import type { World } from "../world.ts";
import { type ControllerFaults, faultyPorts, NO_CONTROLLER_FAULTS } from "./faulty_ports.ts";
import type { Ledger } from "./ledger.ts";
import { SimProcess } from "./sim_process.ts";

/** What a node is made of. */
export interface WholeNodeOptions {
  readonly index: number;
  readonly world: World;
  readonly ledger: Ledger;
  readonly settings: Settings;
  readonly signer: FakeSigner;
  /** Of its consensus to that of other nodes. */
  readonly links: NodeLinks;
  readonly network: NetworkPort;
  /** Whether its pool survives its process. */
  readonly keepsPool: boolean;
  /** A controller ended by itself. */
  readonly onCrash: (node: WholeNode) => void;
}

/** What consensus takes for the answer of a controller that gives none. */
const NO_ANSWER = StatusCode.FatalError;

/** A consensus that knows no height asks with this one for the configuration. */
const QUERY_HEIGHT = 0xffff_ffff_ffff_ffffn;

const LOG_LINES_MAX = 200;

/**
 * A node of a real controller and a real consensus core, with the services around them simulated.
 * What is on its disks outlives both of them.
 */
export class WholeNode {
  readonly storage: MemoryStorage;
  readonly executor: FakeExecutor;
  readonly wal = new MemoryWal();
  readonly journal: MemoryJournal | null;
  readonly validator: SimValidator;
  faults: ControllerFaults = NO_CONTROLLER_FAULTS;
  /** By how much its clock is wrong. */
  clockJumpMs = 0;
  readonly log: string[] = [];
  /** What its controller proposes may be made worse before consensus gets it. */
  tamper: (data: Bytes) => Bytes = (data) => data;
  /** For tests that plant a defect. */
  wrapPorts: (ports: Ports) => Ports = (ports) => ports;
  process: SimProcess | null = null;
  #controller: Controller | null = null;

  constructor(readonly options: WholeNodeOptions) {
    const { ledger: { hash }, index, world, signer, links } = options;
    this.journal = options.keepsPool ? new MemoryJournal() : null;
    this.storage = new MemoryStorage(hash);
    this.executor = new FakeExecutor(hash);
    this.validator = new SimValidator({
      address: fakeAddress(index),
      world,
      timing: DEFAULT_TIMING,
      controller: this.#linkToController(),
      signer,
      links,
    });
  }

  /** Null while it is down, or starting. */
  get controller(): Controller | null {
    return this.#controller;
  }

  /** Of what it has stored. */
  get height(): bigint {
    return this.storage.height ?? 0n;
  }

  /** What its blocks and its pool are written to is full, or has room again. */
  setDiskFull(isFull: boolean): void {
    this.storage.isFull = isFull;
    if (this.journal !== null) this.journal.isFull = isFull;
  }

  /** Starts whatever is down of it. */
  start(): void {
    if (this.process === null) this.startController();
    if (!this.validator.isAlive) this.startConsensus();
  }

  startConsensus(): void {
    this.validator.start();
    this.#controller?.consensusLost();
  }

  startController(): void {
    const process = new SimProcess(this.options.world, () => this.clockJumpMs);
    this.process = process;
    if (this.journal !== null) {
      const { world } = this.options;
      this.journal.pause = () => process.pause(world.between(0, this.faults.callMsMax));
    }
    this.#run(process);
  }

  /** `kill -9` for the controller. */
  crashController(): void {
    if (this.process === null) return;
    this.process.kill();
    this.process = null;
    this.#controller = null;
    this.options.onCrash(this);
  }

  /** Power off. */
  crash(): void {
    if (this.validator.isAlive) this.validator.crash();
    this.crashController();
  }

  /** A message of another node's controller, or of somebody who says so. */
  receive(message: NetworkMsg): void {
    void this.#controller?.processNetworkMsg(message);
  }

  async #run(process: SimProcess): Promise<void> {
    const { ledger, index, world } = this.options;
    const ports = faultyPorts(this.wrapPorts(this.#ports()), {
      process,
      faults: () => this.faults,
      crash: () => this.crashController(),
    });
    const controller = await this.#startIn(process, {
      ports,
      clock: process.clock,
      random: world.random,
      log: this.#logger(),
      signal: new AbortController().signal,
      loadHash: () => Promise.resolve(ledger.hash),
    });
    if (controller === null || !process.isAlive) return;
    ledger.onStarted(index, controller.node.chain.tip.height);
    this.#controller = controller;
    await controller.run();
  }

  /** Null when it refuses what it finds: whoever watches over the process starts it again. */
  async #startIn(process: SimProcess, env: Environment): Promise<Controller | null> {
    try {
      return await Controller.start(this.options.settings, env);
    } catch (error) {
      if (!(error instanceof ChainDataError)) throw error;
      this.log.push(error.message);
      if (process.isAlive) this.crashController();
      return null;
    }
  }

  #ports(): Ports {
    const { ledger, index, settings, network } = this.options;
    const { storage, executor, wal, journal } = this;
    return {
      storage: {
        load: (region, key) => storage.load(region, key),
        store: async (record) => {
          const code = await storage.store(record);
          if (code === StatusCode.Success) ledger.onStored(index, record);
          return code;
        },
      },
      executor,
      kms: new FakeKms(ledger.hash, settings.nodeAddress),
      consensus: this.#linkToConsensus(),
      network,
      wal,
      journal,
    };
  }

  #linkToConsensus(): ConsensusPort {
    const { validator } = this;
    return {
      reconfigure: (config) => {
        if (!validator.isAlive) return Promise.resolve(StatusCode.ConsensusServerNotReady);
        validator.post({ kind: "reconfigure", configuration: configurationOf(config) });
        return Promise.resolve(StatusCode.Success);
      },
      checkBlock: ({ proposal, proof }) => {
        const { height, data } = proposal ?? { height: 0n, data: EMPTY_BYTES };
        const code = validator.checkBlock(height, data, proof);
        return Promise.resolve(
          code === null ? StatusCode.ConsensusServerNotReady : codeOf({ code }),
        );
      },
    };
  }

  /** The other direction; nothing comes back from a controller that ends meanwhile. */
  #linkToController(): ControllerLink {
    const ask = async <Answer>(call: (controller: Controller) => Promise<Answer>) =>
      this.#controller === null || this.process === null
        ? null
        : await this.process.answer(call(this.#controller));
    return {
      getProposal: async () => {
        const outcome = await ask((controller) => controller.getProposal());
        const proposal = outcome?.proposal;
        return proposal === undefined ? null : { ...proposal, data: this.tamper(proposal.data) };
      },
      checkProposal: (height, data) =>
        ask((controller) => controller.checkProposal({ height, data })),
      commit: async (height, data, proof) => {
        const outcome = await ask((controller) => controller.commitBlock({ height, data }, proof));
        if (outcome === null) return { code: NO_ANSWER, configuration: NO_CONFIGURATION };
        if (outcome.code === StatusCode.Success) {
          this.options.ledger.onCommitted(this.options.index, height);
        }
        return { code: outcome.code, configuration: configurationOf(outcome.config) };
      },
      queryConfiguration: async () => {
        const query = { height: QUERY_HEIGHT, data: EMPTY_BYTES };
        const outcome = await ask((controller) => controller.commitBlock(query, EMPTY_BYTES));
        return outcome === null ? null : configurationOf(outcome.config);
      },
    };
  }

  #logger(): Logger {
    const { log, options: { world } } = this;
    const write = (level: string) => (message: string, fields?: LogFields) => {
      const values = Object.entries(fields ?? {}).map(([name, value]) => ` ${name}=${value}`);
      log.push(`${Math.round(world.nowMs)} ${level} ${message}${values.join("")}`);
      if (log.length > LOG_LINES_MAX) log.splice(0, LOG_LINES_MAX / 2);
    };
    const [info, warn, error] = [write("info"), write("warn"), write("error")];
    return { ...SILENT_LOGGER, info, warn, error };
  }
}

const NO_CONFIGURATION: Configuration = { height: 0n, blockIntervalSeconds: 0, validators: [] };

function configurationOf(config: ConsensusConfiguration): Configuration {
  const { height, blockInterval, validators } = config;
  return { height, blockIntervalSeconds: blockInterval, validators };
}

/** The address of a node, as the controller has it. */
export function nodeAddress(index: number): Bytes {
  return fromHex(fakeAddress(index));
}
