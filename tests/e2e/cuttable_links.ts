/** Connections between the nodes of a chain that a test can cut, as a broken cable would. */

import type { DevChain } from "./dev_chain.ts";

const LISTEN_PORT_OFFSET = 10;
const HOST = "127.0.0.1";

/** One direction of a connection. */
type Stream = Pick<Deno.TcpConn, "readable" | "writable">;

/**
 * Stands between each two nodes of a stopped chain. What is sent over a link that is cut neither
 * arrives nor is refused: it waits, as in the send buffers of TCP, until the link is whole again.
 */
export class CuttableLinks implements Disposable {
  readonly #listeners: Deno.TcpListener[] = [];
  readonly #groupOf = new Map<number, number>();
  #healed = Promise.withResolvers<void>();

  /** Makes every node of a chain reach the others over these links; its nodes must be stopped. */
  constructor(chain: DevChain) {
    for (const from of chain.nodes()) {
      const path = `${chain.nodeFolder(from)}/config.toml`;
      const config = chain.nodes([from]).reduce(
        (text, to) =>
          this.#insertLink(text, { from, to, port: chain.port(to, LISTEN_PORT_OFFSET) }),
        Deno.readTextFileSync(path),
      );
      Deno.writeTextFileSync(path, config);
    }
  }

  /** Lets nodes reach only those of their own group; who is in none is with the others. */
  cut(group: readonly number[]): void {
    for (const node of group) this.#groupOf.set(node, 1);
  }

  /** Makes all links whole. */
  heal(): void {
    this.#groupOf.clear();
    this.#healed.resolve();
    this.#healed = Promise.withResolvers();
  }

  [Symbol.dispose](): void {
    this.heal();
    for (const listener of this.#listeners) listener.close();
  }

  /** Puts a port of this process in the place of a peer's. */
  #insertLink(
    config: string,
    { from, to, port }: { readonly from: number; readonly to: number; readonly port: number },
  ): string {
    const listener = Deno.listen({ hostname: HOST, port: 0 });
    this.#listeners.push(listener);
    void this.#serve(listener, { from, to, port });
    const peer = `/tcp/${port}'`;
    if (!config.includes(peer)) throw new Error(`Node ${from} has no peer at port ${port}`);
    return config.replace(peer, `/tcp/${listener.addr.port}'`);
  }

  async #serve(
    listener: Deno.TcpListener,
    { from, to, port }: { readonly from: number; readonly to: number; readonly port: number },
  ): Promise<void> {
    for await (const near of listener) {
      void this.#whole(from, to).then(async () => {
        const far = await Deno.connect({ hostname: HOST, port });
        await Promise.all([this.#pump(near, far, from, to), this.#pump(far, near, from, to)]);
      }).catch(() => near.close());
    }
  }

  /** Moves bytes in one direction; an end that is gone takes the other one with it. */
  async #pump(source: Stream, target: Stream, from: number, to: number): Promise<void> {
    const gate = new TransformStream<Uint8Array, Uint8Array>({
      transform: async (chunk, controller) => {
        await this.#whole(from, to);
        controller.enqueue(chunk);
      },
    });
    await source.readable.pipeThrough(gate).pipeTo(target.writable).catch(() => {});
  }

  /** Resolves once two nodes may reach each other. */
  async #whole(from: number, to: number): Promise<void> {
    while (this.#groupOf.get(from) !== this.#groupOf.get(to)) await this.#healed.promise;
  }
}
