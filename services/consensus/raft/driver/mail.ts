import type { Message } from "../../../../proto/gen/eraftpb.ts";
import type { NetworkMsg } from "../../../../proto/gen/network.ts";
import { RpcCode, RpcError } from "../../../../shared/rpc/mod.ts";
import type { NetworkPort } from "../../network_port.ts";
import type { RaftOptions } from "../core/interface.ts";
import { Mailbook, type MailEffect } from "../mailbook.ts";

/** Raft messages by the network service, through whichever session reaches whom they are for. */
export class Mail {
  readonly #book: Mailbook;

  constructor(
    { id, electionTicks }: Pick<RaftOptions, "id" | "electionTicks">,
    readonly network: Pick<NetworkPort, "send">,
  ) {
    this.#book = new Mailbook(id, electionTicks);
  }

  send(message: Message): void {
    this.#send(this.#book.send(message));
  }

  /** Asks everyone who they are. */
  probe(): void {
    this.#send(this.#book.probe());
  }

  tick(): void {
    this.#send(this.#book.tick());
  }

  /** A session is gone. */
  sendFailed(origin: bigint): void {
    this.#send(this.#book.sendFailed(origin));
  }

  /**
   * Takes what the network service brings.
   *
   * @returns the message, if it is one for the raft of this node
   * @throws {RpcError} when it is malformed
   */
  receive(message: NetworkMsg): Message | null {
    const effects = this.#book.receive(message);
    this.#send(effects);
    for (const effect of effects) {
      if (effect.kind === "refuse") throw new RpcError(RpcCode.InvalidArgument, effect.reason);
      if (effect.kind === "deliver") return effect.message;
    }
    return null;
  }

  #send(effects: readonly MailEffect[]): void {
    for (const effect of effects) if (effect.kind === "send") this.network.send(effect.message);
  }
}
