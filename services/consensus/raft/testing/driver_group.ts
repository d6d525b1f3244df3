import assert from "node:assert/strict";
import { Message, MessageType } from "../../../../proto/gen/eraftpb.ts";
import { EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import { seededRandom } from "../../../../shared/clock/mod.ts";
import { VirtualClock } from "../../../../shared/clock/testing/virtual_clock.ts";
import { decode } from "../../../../shared/codec/mod.ts";
import { type Logger, SILENT_LOGGER } from "../../../../shared/log/mod.ts";
import type { ControllerPort } from "../../controller_port.ts";
import type { OutgoingMessage } from "../../network_port.ts";
import { blankState } from "../core/interface.ts";
import { RaftDriver } from "../driver/driver.ts";
import { Mail } from "../driver/mail.ts";
import { readLog } from "../log/batch.ts";
import { RaftLogFile } from "../log/raft_log_file.ts";
import { applyOperations, lastIndexOf } from "../log/state.ts";
import { RaftNode } from "../node/node.ts";
import { Crash, CrashingFiles } from "./crashing_files.ts";
import { ModelController, type ValidatorPlan } from "./model_controller.ts";
import { nodeOptions } from "./node_group.ts";

const LATENCY_MS = 5;

/** One node: its driver, its files, and its controller, which outlives it. */
export class DriverNode {
  readonly controller: ModelController;
  readonly files = new CrashingFiles();
  readonly lines: string[] = [];
  /** Waits before every answer of the controller. */
  controllerDelay: () => Promise<void> = () => this.group.clock.sleep(1);
  driver: RaftDriver | null = null;
  /** Whom it voted for by term. */
  readonly #votes = new Map<bigint, bigint>();

  constructor(readonly group: DriverGroup, readonly number: number) {
    this.controller = new ModelController(number, group.plan);
  }

  /** Starts from the files; crashes where these say so. */
  async start(): Promise<void> {
    const { clock } = this.group;
    const log: Logger = { ...SILENT_LOGGER, warn: (line) => void this.lines.push(line) };
    try {
      const file = await this.#openFile();
      const options = nodeOptions(this.number, seededRandom(this.number));
      const mail = new Mail(options.raft, { send: (message) => this.#send(message) });
      const node = new RaftNode(options);
      const parts = { node, controller: this.#controllerPort(), mail, file, clock, log };
      this.driver = new RaftDriver(parts);
      this.driver.start();
      mail.probe();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  }

  /** Ends the process in good order. */
  async stop(): Promise<void> {
    await this.driver?.stop();
    this.driver = null;
  }

  /** The process is gone at a crash: nothing of it goes on. */
  async #openFile() {
    const file = await RaftLogFile.open({
      files: this.files,
      preservedMax: 2,
      compactLimit: 300n,
      allowCorruptTail: true,
      log: SILENT_LOGGER,
    });
    const orGone = (write: Promise<void>) =>
      write.catch((error) => {
        if (!(error instanceof Crash)) throw error;
        this.driver = null;
        return new Promise<void>(() => {});
      });
    return {
      state: file.state,
      append: (operations: Parameters<RaftLogFile["append"]>[0]) => orGone(file.append(operations)),
      compactIfLarge: () => orGone(file.compactIfLarge()),
    };
  }

  #controllerPort(): ControllerPort {
    const { controller } = this;
    const answer = async <Value>(ask: () => Value): Promise<Value> => {
      await this.controllerDelay();
      return ask();
    };
    return {
      getProposal: () => answer(() => ({ value: controller.propose(), reason: "" })),
      checkProposal: (proposal) => answer(() => controller.check(proposal)),
      commitBlock: (proposal, proof) => {
        assert.equal(proof, EMPTY_BYTES);
        return answer(() => ({ value: controller.commit(proposal), reason: "" }));
      },
      queryConfiguration: () => answer(() => controller.configuration()),
      close: () => {},
    };
  }

  #send({ type, origin, body }: OutgoingMessage): void {
    if (type === "raft") this.#checkPromise(decode(Message, body));
    const message = { module: "consensus", type, origin: BigInt(this.number + 1), msg: body };
    for (const other of this.group.nodes) {
      const isTarget = origin === 0n || origin === BigInt(other.number + 1);
      if (other === this || !isTarget) continue;
      this.group.clock.setTimer(LATENCY_MS, () => other.driver?.deliver(message));
    }
  }

  /** What a message promises is in the file before it leaves. */
  #checkPromise({ msgType, term, to, index, reject }: Message): void {
    if (reject) return;
    const bytes = this.files.contents.get("raft-wal-log.active") ?? EMPTY_BYTES;
    const stored = applyOperations(blankState(), readLog(bytes).operations);
    if (msgType === MessageType.APPEND_RESPONSE) assert(index <= lastIndexOf(stored));
    if (msgType !== MessageType.REQUEST_VOTE_RESPONSE) return;
    assert.deepEqual([stored.hardState.term, stored.hardState.vote], [term, to]);
    assert.equal(this.#votes.get(term) ?? to, to, `node ${this.number} votes twice in ${term}`);
    this.#votes.set(term, to);
  }
}

/** Drivers that reach each other through their mail, on a virtual clock. */
export class DriverGroup {
  readonly clock = new VirtualClock(0);
  readonly nodes: DriverNode[];

  constructor(count: number, readonly plan: ValidatorPlan) {
    this.nodes = Array.from({ length: count }, (_, number) => new DriverNode(this, number));
  }

  at(number: number): DriverNode {
    const node = this.nodes[number];
    assert(node !== undefined, `there is no node ${number}`);
    return node;
  }

  /** Waits until all controllers have a block, the same. */
  async untilHeight(height: number): Promise<void> {
    await this.until(
      () => this.nodes.every(({ controller }) => controller.blocks.length >= height),
      `height ${height}`,
    );
    const [first, ...others] = this.nodes.map(({ controller }) =>
      controller.blocks.slice(0, height)
    );
    for (const blocks of others) assert.deepEqual(blocks, first);
  }

  async until(holds: () => boolean, what: string): Promise<void> {
    assert(await this.clock.advanceUntil(holds, 300_000), `waited in vain for ${what}`);
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop();
  }
}
