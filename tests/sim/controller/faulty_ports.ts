import { EMPTY_BYTES } from "../../../shared/bytes/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { Ports } from "../../../services/controller/ports.ts";
import { NEVER, type SimProcess } from "./sim_process.ts";

/** What the surroundings of a node's controller do to it. */
export interface ControllerFaults {
  /** Probability of a crash right before or right after a call. */
  readonly crashRate: number;
  /** Probability that a call to another service is not answered. */
  readonly callFailureRate: number;
  readonly callMsMax: number;
}

/** Nothing goes wrong. */
export const NO_CONTROLLER_FAULTS: ControllerFaults = {
  crashRate: 0,
  callFailureRate: 0,
  callMsMax: 5,
};

/** What a {@linkcode faultyPorts} depends on. */
export interface FaultyPortsOptions {
  readonly process: SimProcess;
  /** Those of the moment. */
  readonly faults: () => ControllerFaults;
  /** Ends the process. */
  readonly crash: () => void;
}

/**
 * Ports whose calls take time and may fail, before or after the other side has done its part, and
 * in the middle of which the process may end.
 */
export function faultyPorts(ports: Ports, options: FaultyPortsOptions): Ports {
  const { process, faults, crash } = options;
  const { world } = process;

  const mayCrash = (): boolean => {
    if (process.isAlive && world.chance(faults().crashRate)) crash();
    return !process.isAlive;
  };
  async function call<Answer>(perform: () => Promise<Answer>, failure: Answer): Promise<Answer> {
    const isLost = world.chance(faults().callFailureRate);
    const isDone = !isLost || world.chance(0.5);
    await process.pause(world.between(0, faults().callMsMax));
    if (mayCrash()) return NEVER;
    const answer = isDone ? await perform() : failure;
    if (mayCrash()) return NEVER;
    return isLost ? failure : answer;
  }
  /** A file of the process itself: what is written does not get lost on the way. */
  async function write(perform: () => Promise<void>): Promise<void> {
    if (mayCrash()) return NEVER;
    await perform();
    if (mayCrash()) return NEVER;
  }

  const { storage, executor, kms, consensus, network, wal, journal } = ports;
  const noValue = { code: StatusCode.StorageServerNotReady, value: EMPTY_BYTES };
  const noRoot = { code: StatusCode.ExecuteServerNotReady, stateRoot: EMPTY_BYTES };
  const noCrypto = { code: StatusCode.KmsServerNotReady, name: "", signatureSize: 0 };
  const noResult = { code: StatusCode.KmsServerNotReady, bytes: EMPTY_BYTES };
  const { KmsServerNotReady, ConsensusServerNotReady, NetworkServerNotReady } = StatusCode;
  return {
    storage: {
      load: (region, key) => call(() => storage.load(region, key), noValue),
      store: (record) => call(() => storage.store(record), StatusCode.StorageServerNotReady),
    },
    executor: { exec: (block) => call(() => executor.exec(block), noRoot) },
    kms: {
      cryptoInfo: () => call(() => kms.cryptoInfo(), noCrypto),
      sign: (hash) => call(() => kms.sign(hash), noResult),
      recover: (hash, signature) => call(() => kms.recover(hash, signature), noResult),
      checkTransactions: (raws) => call(() => kms.checkTransactions(raws), KmsServerNotReady),
    },
    consensus: {
      reconfigure: (config) => call(() => consensus.reconfigure(config), ConsensusServerNotReady),
      checkBlock: (block) => call(() => consensus.checkBlock(block), ConsensusServerNotReady),
    },
    network: {
      register: () => call(() => network.register(), NetworkServerNotReady),
      send: (origin, type, payload) =>
        call(() => network.send(origin, type, payload), NetworkServerNotReady),
      broadcast: (type, payload) =>
        call(() => network.broadcast(type, payload), NetworkServerNotReady),
      peerCount: () => call(() => network.peerCount(), null),
      peersNetInfo: () => call(() => network.peersNetInfo(), null),
      addNode: (node) => call(() => network.addNode(node), NetworkServerNotReady),
    },
    wal: {
      append: (height, block) => write(() => wal.append(height, block)),
      load: () => wal.load(),
      clear: () => write(() => wal.clear()),
    },
    journal: journal === null ? null : {
      get size() {
        return journal.size;
      },
      append: (records) => write(() => journal.append(records)),
      load: () => journal.load(),
      replace: (records) => write(() => journal.replace(records)),
    },
  };
}
