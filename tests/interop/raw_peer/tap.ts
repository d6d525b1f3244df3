import type { Bytes } from "../../../shared/bytes/mod.ts";

/** Stands between a TLS client and a service: adds bytes of its own, or holds some back. */
export class Tap implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #service: Promise<Deno.TcpConn>;
  #client: Deno.TcpConn | null = null;
  #isHeld = false;

  /** Passes one connection on to a port. */
  constructor(port: number) {
    this.#service = this.#open(port);
    this.#service.catch(() => {}); // who injects learns of it
  }

  /** Where the client is to connect. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Sends bytes to the service as if they were the client's. */
  async inject(bytes: Bytes): Promise<void> {
    await (await this.#service).write(bytes);
  }

  /** Reads nothing from the service any more, except for one last piece. */
  hold(): void {
    this.#isHeld = true;
  }

  async #open(port: number): Promise<Deno.TcpConn> {
    const client = this.#client = await this.#listener.accept();
    const service = await Deno.connect({ hostname: "127.0.0.1", port });
    void this.#pass(client, service);
    void this.#pass(service, client);
    return service;
  }

  /** The end of one connection is that of the other, unless it is held. */
  async #pass(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(16_384);
    try {
      for (let size = await from.read(buffer); size !== null; size = await from.read(buffer)) {
        for (let sent = 0; sent < size;) sent += await to.write(buffer.subarray(sent, size));
        if (this.#isHeld && from === await this.#service) return;
      }
    } catch {
      // the end of a connection, however it came
    }
    close(to);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    if (this.#client !== null) close(this.#client);
    this.#service.then(close, () => {});
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error; // closed before
  }
}
