import type { Bytes } from "../../../shared/bytes/mod.ts";
import {
  encodeLeaderVote,
  encodeSignedVote,
  encodeVote,
  MessageType,
  Step,
  type Vote,
} from "../../../services/consensus/bft/core/messages.ts";
import {
  FAKE_CRYPTO,
  fakeAddress,
  type FakeSigner,
} from "../../../services/consensus/testing/fake_crypto.ts";
import { leaderOf } from "../../../services/consensus/bft/core/validators.ts";
import type { HostileNetwork } from "../network.ts";
import type { World } from "../world.ts";
import { type Conspiracy, TWIN_COUNT } from "./conspiracy.ts";
import { Forger, fromPrevotes, withTrailingByte } from "./forgeries.ts";
import type { ModelController, StoredBlock } from "./model_controller.ts";
import type { SimNode } from "./sim_node.ts";
import type { NodeLinks } from "./validator.ts";

/** What nodes send each other; traitors say which of their twins it is for. */
export interface Packet {
  readonly type: string;
  readonly body: Bytes;
  readonly twin?: number;
}

/** Messages of others that are kept to send them again. */
const HEARD_MAX = 200;

const MAX_ROUND = 2n ** 64n - 1n;

/** How likely it is that a proposal is shown with other data. */
const OTHER_DATA_RATE = 0.1;

/** What a traitor is made of. */
export interface TraitorOptions {
  readonly index: number;
  readonly world: World;
  readonly network: HostileNetwork<Packet>;
  readonly conspiracy: Conspiracy;
  readonly signer: FakeSigner;
  /** Creates one of the honest nodes that it consists of. */
  readonly createTwin: (twin: number, links: NodeLinks) => SimNode;
}

/**
 * A validator that breaks every rule. It is several honest nodes with one key, each of which is
 * shown to some of the others: so it proposes different blocks to different nodes and votes for
 * each. Besides, it withholds, repeats, damages and forges messages, votes for whatever it heard of,
 * and serves blocks that nobody decided.
 */
export class Traitor {
  readonly twins: readonly SimNode[];
  readonly #options: TraitorOptions;
  readonly #heard: Packet[] = [];
  readonly #forger: Forger;
  /** Part of the messages that it keeps to itself. */
  readonly #withholdRate: number;

  constructor(options: TraitorOptions) {
    this.#options = options;
    this.#forger = new Forger(fakeAddress(options.index), options.signer);
    this.#withholdRate = 0.3 * options.world.random() ** 2;
    this.twins = Array.from(
      { length: TWIN_COUNT },
      (_, twin) => options.createTwin(twin, this.#linksOf(twin)),
    );
  }

  start(): void {
    for (const twin of this.twins) twin.start();
    this.#actLater();
  }

  receive(origin: bigint, packet: Packet): void {
    const { network, conspiracy } = this.#options;
    const { type, body, twin = conspiracy.twinFor(network.nodeOf(origin)) } = packet;
    this.#heard.push({ type, body });
    if (this.#heard.length > HEARD_MAX) this.#heard.shift();
    this.twins[twin]?.post({ kind: "message", type, origin, body });
  }

  /** A block for a controller that asks for its next one; null without an idea. */
  forgeBlock(victim: ModelController): StoredBlock | null {
    const { world, network } = this.#options;
    const real = this.twins[0]?.model.blocks[victim.blocks.length];
    switch (world.between(0, 3)) {
      case 0:
        return this.#forger.unproven(victim, world.between(1, network.nodeCount));
      case 1:
        return fromPrevotes(
          this.#heardOf(MessageType.Proposal),
          this.#heardOf(MessageType.LeaderPrevote),
        );
      case 2:
        return real === undefined ? null : withTrailingByte(real);
      default:
        return real === undefined ? null : this.#forger.withProofOf(real, victim);
    }
  }

  /** The latest messages of a type. */
  #heardOf(wanted: MessageType): Bytes[] {
    return this.#heard.filter(({ type }) => type === wanted).slice(-8).map(({ body }) => body);
  }

  #linksOf(twin: number): NodeLinks {
    const { index, network } = this.#options;
    return {
      broadcast: (type, body) => {
        for (let to = 0; to < network.nodeCount; to++) {
          if (to !== index) this.#tell(to, { type, body, twin });
        }
      },
      send: (origin, type, body) => this.#tell(network.nodeOf(origin), { type, body, twin }),
      crashed: () => {},
    };
  }

  /** Honest nodes hear of one twin alone. */
  #tell(to: number, { type, body, twin }: Required<Packet>): void {
    const { index, world, network, conspiracy } = this.#options;
    if (world.chance(this.#withholdRate) || conspiracy.isWithheld(type, to)) return;
    if (conspiracy.isTraitor(to)) network.send(index, to, { type, body, twin });
    else if (conspiracy.twinFor(to) === twin) {
      network.send(index, to, { type, body: this.#tampered(type, body) });
    }
  }

  /** Now and then a proposal is another one for each. */
  #tampered(type: string, body: Bytes): Bytes {
    const { world } = this.#options;
    if (type !== MessageType.Proposal) return body;
    return world.chance(OTHER_DATA_RATE) ? this.#forger.withOtherData(body) : body;
  }

  #actLater(): void {
    const { world } = this.#options;
    world.schedule(world.between(50, 3_000), () => {
      this.#act();
      this.#actLater();
    });
  }

  #act(): void {
    const { index, world, network } = this.#options;
    if (world.chance(0.2)) return this.#claimLock();
    const packet = world.chance(0.5) ? this.#repeated() : this.#invented();
    if (packet === null) return;
    const to = world.between(0, network.nodeCount - 1);
    if (to !== index) network.send(index, to, packet);
  }

  /** Tells everyone, as the leader of a round to come, of a quorum that there never was. */
  #claimLock(): void {
    const { index, network } = this.#options;
    const view = this.twins[0]?.core?.view;
    const body = this.#heardOf(MessageType.Proposal).at(-1);
    if (view === undefined || body === undefined) return;
    const { height, own, validators } = view;
    const rounds = validators.map((_, ahead) => view.round + BigInt(ahead) + 1n);
    const round = rounds.find((round) => leaderOf(validators, { height, round }) === own);
    if (round === undefined) return;
    const claim = this.#forger.withFakeLock(body, { height, round });
    network.broadcast(index, { type: MessageType.Proposal, body: claim });
  }

  /** What another said, or something like it. */
  #repeated(): Packet | null {
    const { world } = this.#options;
    const packet = this.#heard[world.between(0, this.#heard.length - 1)];
    if (packet === undefined || packet.body.length === 0 || world.chance(0.5)) {
      return packet ?? null;
    }
    const body = packet.body.slice(0, world.between(1, packet.body.length));
    const at = world.between(0, body.length - 1);
    body[at] = (body[at] ?? 0) ^ (1 << world.between(0, 7));
    return { type: packet.type, body };
  }

  /** A vote with its own signature, or the unsigned news that a round is over. */
  #invented(): Packet | null {
    const { world, signer } = this.#options;
    const [twin] = this.twins;
    const view = twin?.core?.view;
    if (view === undefined) return null;
    const step = [Step.Prevote, Step.Precommit, Step.NewView][world.between(0, 2)] ?? Step.Prevote;
    const round = world.chance(0.05) ? MAX_ROUND : view.round + BigInt(world.between(0, 3));
    const hash = step === Step.NewView || world.chance(0.3) ? null : view.lock?.hash ?? null;
    const vote: Vote = { height: view.height, round, step, hash };
    if (world.chance(0.3)) {
      const type = step === Step.Precommit
        ? MessageType.LeaderPrecommit
        : MessageType.LeaderPrevote;
      return { type, body: encodeLeaderVote({ ...vote, hash: null, votes: [] }) };
    }
    const signature = signer.sign(view.own, FAKE_CRYPTO.hash(encodeVote(vote)));
    const type = step === Step.NewView
      ? MessageType.NewView
      : step === Step.Prevote
      ? MessageType.Prevote
      : MessageType.Precommit;
    return { type, body: encodeSignedVote({ vote, signature }) };
  }
}
