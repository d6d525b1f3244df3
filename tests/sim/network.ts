import type { Dice } from "./dice.ts";
import type { World } from "./world.ts";

/** How badly messages are treated. */
export interface LinkFaults {
  /** Probability that a message is lost. */
  readonly dropRate: number;
  /** Probability that a message arrives twice. */
  readonly duplicateRate: number;
  readonly delayMsMin: number;
  /** Messages overtake each other as far as delays differ. */
  readonly delayMsMax: number;
}

/** A line as inside a data centre. */
export const GOOD_LINKS: LinkFaults = {
  dropRate: 0,
  duplicateRate: 0,
  delayMsMin: 1,
  delayMsMax: 20,
};

/** Lines of any badness: where nothing ever gets through, nothing is ever put at risk. */
export function badLinks(dice: Dice, delayMsMax: number): LinkFaults {
  return {
    dropRate: 0.25 * dice.random() ** 2,
    duplicateRate: 0.2 * dice.random(),
    delayMsMin: 1,
    delayMsMax: dice.between(5, delayMsMax),
  };
}

/** Whether messages from one node to another are lost; the other way may work. */
export type Cut = (from: number, to: number) => boolean;

/** Takes a message at its destination; origins name the sender's session there. */
export type Receive<Message> = (to: number, origin: bigint, message: Message) => void;

/** A network between numbered nodes that loses, delays, doubles and reorders messages. */
export class HostileNetwork<Message> {
  faults: LinkFaults = GOOD_LINKS;
  /** Loses what it does not accept; for tests that aim at one message. */
  accepts: (from: number, to: number, message: Message) => boolean = () => true;
  /**
   * Nodes of different groups do not reach each other, what is on its way included; nodes not named
   * are in group 0.
   */
  readonly groupOf = new Map<number, number>();
  /** Further reasons why one node does not reach another, on its way included. */
  readonly cuts = new Set<Cut>();

  constructor(
    readonly world: World,
    readonly nodeCount: number,
    readonly receive: Receive<Message>,
  ) {}

  /** Whether messages can get from one node to another at the moment. */
  isConnected(from: number, to: number): boolean {
    if ((this.groupOf.get(from) ?? 0) !== (this.groupOf.get(to) ?? 0)) return false;
    for (const isCut of this.cuts) if (isCut(from, to)) return false;
    return true;
  }

  broadcast(from: number, message: Message): void {
    for (let to = 0; to < this.nodeCount; to++) if (to !== from) this.send(from, to, message);
  }

  send(from: number, to: number, message: Message): void {
    const { world, faults } = this;
    if (!this.isConnected(from, to) || world.chance(faults.dropRate)) return;
    if (!this.accepts(from, to, message)) return;
    const copies = world.chance(faults.duplicateRate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = world.between(faults.delayMsMin, faults.delayMsMax);
      world.schedule(delayMs, () => {
        if (this.isConnected(from, to)) this.receive(to, originOf(from), message);
      });
    }
  }

  /** The node behind an origin. */
  nodeOf(origin: bigint): number {
    return Number(origin) - 1;
  }
}

function originOf(node: number): bigint {
  return BigInt(node + 1);
}
