import type { Proposal } from "../../../proto/gen/common.ts";
import { assert } from "../../../shared/assert/mod.ts";
import { type Bytes, concatBytes } from "../../../shared/bytes/mod.ts";
import { seededRandom } from "../../../shared/clock/mod.ts";
import { type HashFunction, loadSm3 } from "../../../shared/crypto/mod.ts";
import { type Logger, SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { Controller } from "../controller.ts";
import type { Settings } from "../flows/node.ts";
import type { Ports } from "../ports.ts";
import { settings as testSettings, VALIDATORS } from "./builders.ts";
import { FakeConsensus, fakeProof } from "./fake_consensus.ts";
import { FakeExecutor } from "./fake_executor.ts";
import { FakeKms } from "./fake_kms.ts";
import { FakeNetwork, FakeNetworks } from "./fake_network.ts";
import { MemoryJournal } from "./memory_journal.ts";
import { MemoryStorage } from "./memory_storage.ts";
import { MemoryWal } from "./memory_wal.ts";
import { VirtualClock } from "../../../shared/clock/testing/virtual_clock.ts";

/** A controller with fakes around it; what is on its disks survives {@linkcode TestNode.restart}. */
export class TestNode {
  readonly storage: MemoryStorage;
  readonly executor: FakeExecutor;
  readonly kms: FakeKms;
  readonly consensus: FakeConsensus;
  readonly wal = new MemoryWal();
  /** For nodes that keep their pool on disk. */
  journal: MemoryJournal | null = null;
  network = new FakeNetwork();
  log: Logger = SILENT_LOGGER;
  #controller: Controller | null = null;
  #stop = new AbortController();

  constructor(
    readonly hash: HashFunction,
    readonly clock: VirtualClock,
    public settings: Settings,
  ) {
    this.storage = new MemoryStorage(hash);
    this.executor = new FakeExecutor(hash);
    this.kms = new FakeKms(hash, settings.nodeAddress);
    this.consensus = new FakeConsensus(hash);
  }

  get controller(): Controller {
    assert(this.#controller !== null, "The node was started");
    return this.#controller;
  }

  get height(): bigint {
    return this.controller.node.chain.tip.height;
  }

  /** Starts the controller; it does nothing by itself until {@linkcode TestNode.run}. */
  async start(wrap: (ports: Ports) => Ports = (ports) => ports): Promise<Controller> {
    this.#stop = new AbortController();
    const { storage, executor, kms, consensus, network, wal, journal } = this;
    this.#controller = await Controller.start(this.settings, {
      ports: wrap({ storage, executor, kms, consensus, network, wal, journal }),
      clock: this.clock,
      random: seededRandom(this.settings.nodeAddress[0] ?? 0),
      log: this.log,
      signal: this.#stop.signal,
      loadHash: () => Promise.resolve(this.hash),
    });
    const controller = this.#controller;
    this.network.deliver = (message) => controller.processNetworkMsg(message);
    return controller;
  }

  /** Starts it and all that it does by itself. */
  async run(): Promise<Controller> {
    const controller = await this.start();
    controller.run();
    return controller;
  }

  /** Ends the process: what was in memory is gone. */
  stop(): void {
    this.#stop.abort();
    this.journal?.crash();
    this.network.deliver = null;
  }

  /** Proposes and commits blocks alone. */
  async produce(count = 1): Promise<void> {
    for (let i = 0; i < count; i++) await produceBlock([this]);
  }
}

/** A stopped node of the tests. */
export async function testNode(
  nodeByte = 1,
  changes: Partial<Settings> = {},
  clock = new VirtualClock(),
): Promise<TestNode> {
  return new TestNode(await loadSm3(), clock, testSettings(nodeByte, changes));
}

/** Nodes on one clock, each with a session to every other one. */
export async function testNet(
  count: number,
  changes: Partial<Settings> = {},
): Promise<{ nodes: TestNode[]; clock: VirtualClock; networks: FakeNetworks }> {
  const clock = new VirtualClock();
  const networks = new FakeNetworks();
  const nodes: TestNode[] = [];
  for (let i = 0; i < count; i++) nodes.push(await testNode(i + 1, changes, clock));
  nodes.forEach((left, i) =>
    nodes.slice(i + 1).forEach((right) => networks.join(left.network, right.network))
  );
  return { nodes, clock, networks };
}

/** Two nodes on one clock with a session between them. */
export async function testPair(
  changes: Partial<Settings> = {},
): Promise<{ a: TestNode; b: TestNode; nodes: [TestNode, TestNode]; clock: VirtualClock }> {
  const { nodes: [a, b], clock } = await testNet(2, changes);
  assert(a !== undefined && b !== undefined, "There are two nodes");
  return { a, b, nodes: [a, b], clock };
}

/** What consensus does for one block: the first node proposes, the others check, all commit. */
export async function produceBlock(nodes: readonly TestNode[]): Promise<Proposal> {
  const [proposer, ...others] = nodes;
  assert(proposer !== undefined, "Somebody has to propose");
  const { code, proposal } = await proposer.controller.getProposal();
  assert(
    proposal !== undefined && (code === StatusCode.Success || code === StatusCode.NoTransaction),
    `There is a proposal, got code ${code}`,
  );
  for (const other of others) {
    const checked = await other.controller.checkProposal(proposal);
    assert(checked === StatusCode.Success, `The proposal is accepted, got code ${checked}`);
  }
  const { validators } = proposer.controller.node.systemConfig;
  const proof = proofOf(proposer.hash, proposal, { validators });
  for (const node of nodes) {
    const { code, config } = await node.controller.commitBlock(proposal, proof);
    assert(code === StatusCode.Success, `The block is committed, got ${code}`);
    node.consensus.follow(config);
  }
  return proposal;
}

/** A proof that {@linkcode FakeConsensus} accepts; every round gives another one. */
export function proofOf(
  hash: HashFunction,
  { data }: Proposal,
  { round = 0, validators = VALIDATORS }: {
    readonly round?: number;
    readonly validators?: readonly Bytes[];
  } = {},
): Bytes {
  const proof = fakeProof(hash, { data, validators });
  return round === 0 ? proof : concatBytes(proof, new Uint8Array([round]));
}
