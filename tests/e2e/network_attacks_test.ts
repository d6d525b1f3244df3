/**
 * Strangers at the door of a running pair of nodes whose peers have certificates: all are refused,
 * and the pair does not notice.
 */

import assert from "node:assert/strict";
import { toHex } from "../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import type { Identity } from "../../shared/x509/mod.ts";
import {
  BAD_HELLOS,
  clientHello,
  OLD_HELLOS,
  VERSION_ALERT,
} from "../interop/raw_peer/client_hello.ts";
import type {
  DomainAcceptor,
  DomainFlavour,
  DomainPeer,
  DomainWire,
} from "../interop/raw_peer/domain_wire.ts";
import { openSocket } from "../interop/raw_peer/p2p.ts";
import { QUIC_WIRE } from "../interop/raw_peer/quic.ts";
import { Tap } from "../interop/raw_peer/tap.ts";
import { dialTls, P2P_TLS_WIRE, TLS_WIRE } from "../interop/raw_peer/tls.ts";
import { type DomainConfig, domainConfig, IDENTITIES } from "./domain_network.ts";
import { freePorts, LoneNetwork, type NetworkPorts } from "./lone_network.ts";
import { waitFor } from "./wait.ts";

const A = "a.fy";
const B = "b.fy";

/** Names of nodes that are no peers; p2p lets in whomever the authority vouches for. */
const UNKNOWN = ["stranger.fy", "fy", "x.away.fy", "away.fy.x", "*.fy"];

/** A peer that both nodes know and that is away: whom attackers pretend to be. */
const AWAY = "away.fy";
const NOBODY_PORT = 1;

/** The service dials a new peer at once; a handshake here takes milliseconds. */
const DIAL_MS = 1_500;

const CONNECT_TIMEOUT_MS = 15_000;
const MESSAGE_PAUSE_MS = 20;

/** Two connected nodes; A sends to B all the time, and everything must arrive, in order. */
class HonestPair implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #traffic: Promise<number>;
  #failure: unknown = null;

  private constructor(readonly a: LoneNetwork, readonly b: LoneNetwork) {
    this.#traffic = this.#exchange();
    this.#traffic.catch((cause) => this.#failure = cause);
  }

  static async start(flavour: DomainFlavour): Promise<HonestPair> {
    const [portsA, portsB] = [freePorts(), freePorts()];
    const away = { domain: AWAY, port: NOBODY_PORT };
    const start = (domain: string, ports: NetworkPorts, peers: DomainConfig["peers"]) => {
      const identity = IDENTITIES.good(domain);
      const { authorityPem } = IDENTITIES;
      return LoneNetwork.start(
        (_, folder) => domainConfig({ flavour, folder, ports, identity, authorityPem, peers }),
        ports,
      );
    };
    const toA = { domain: A, port: portsA.listen };
    // nodes of p2p that dial each other have two connections
    const b = await start(B, portsB, flavour === "p2p" ? [away] : [toA, away]);
    const a = await start(A, portsA, [{ domain: B, port: portsB.listen }, away]);
    for (const { client } of [a, b]) {
      const isConnected = async () =>
        (await client.getPeersNetInfo({})).nodes.length === 1 ? true : null;
      await waitFor(isConnected, { what: "the pair", timeoutMs: CONNECT_TIMEOUT_MS });
    }
    return new HonestPair(a, b);
  }

  async #exchange(): Promise<number> {
    for (let count = 0;; count++) {
      if (this.#stop.signal.aborted) return count;
      const message = this.a.message();
      await this.a.client.broadcast({ ...message, origin: 0n });
      assert.equal((await this.b.delivered()).type, message.type);
      await SYSTEM_CLOCK.sleep(MESSAGE_PAUSE_MS, this.#stop.signal);
    }
  }

  /** That nobody else was let in, and that everything has arrived so far. */
  async assertAlone(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    for (const { client, player } of [this.a, this.b]) {
      assert(player.isRunning);
      assert.equal((await client.getPeersNetInfo({})).nodes.length, 1);
    }
  }

  /** Ends the traffic; gives how many messages arrived. */
  async finish(): Promise<number> {
    this.#stop.abort();
    return await this.#traffic;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#traffic.catch(() => {});
    await this.a[Symbol.asyncDispose]();
    await this.b[Symbol.asyncDispose]();
  }
}

/** A connection that the service must end, without taking what was sent on it. */
async function assertRefused(dial: Promise<DomainPeer>, { b }: HonestPair): Promise<void> {
  const peer = await dial.catch(() => null);
  if (peer === null) return; // refused within the handshake
  using _peer = peer;
  const message = { ...b.message(), module: "wire", type: "of a stranger" };
  await peer.send(message).catch(() => {});
  await peer.ended(); // the pair would notice the message
}

for (const wire of [TLS_WIRE, QUIC_WIRE, P2P_TLS_WIRE]) {
  Deno.test(`network_${wire.flavour} refuses strangers, and a running pair does not notice`, async (t) => {
    await using pair = await HonestPair.start(wire.flavour);
    const { listen: port } = pair.b.ports;
    const dial = (identity: Identity | null, target = port) =>
      wire.dial({ port: target, domain: B, authorityPem: IDENTITIES.authorityPem, identity });
    const step = (name: string, attack: () => Promise<void>) =>
      t.step(name, async () => {
        await attack();
        await pair.assertAlone();
      });

    await step("no certificate", () => assertRefused(dial(null), pair));
    for (const [what, identity] of Object.entries(IDENTITIES.bad(AWAY))) {
      await step(`a certificate ${what}`, () => assertRefused(dial(identity), pair));
    }
    for (const domain of wire.flavour === "p2p" ? [] : UNKNOWN) {
      const identity = IDENTITIES.good(domain);
      await step(
        `a good certificate for ${domain}, no peer`,
        () => assertRefused(dial(identity), pair),
      );
    }
    await step("nodes that the service dials, with certificates that are not theirs", async () => {
      const identitiesOf = (domain: string) => [
        IDENTITIES.good(AWAY),
        ...Object.values(IDENTITIES.bad(domain)),
      ];
      await using impostors = new AsyncDisposableStack();
      for (const index of identitiesOf(AWAY).keys()) {
        const domain = `new${index}.fy`;
        const identity = identitiesOf(domain)[index] ?? assert.fail();
        impostors.use(await addNode({ wire, pair, domain, identity }));
      }
      await SYSTEM_CLOCK.sleep(DIAL_MS);
    });
    if (wire.flavour !== "quic") await tlsSteps(pair, step);

    await t.step("everything of the pair has arrived", async () => {
      const count = await pair.finish();
      assert(count > 10, `${count} messages`);
    });
    await t.step("the peer itself is let in", async () => {
      using peer = await dial(IDENTITIES.good(AWAY));
      await pair.b.exchange(peer);
    });
    await t.step(
      "a node that the service dials, with its own certificate, is connected",
      async () => {
        const identity = IDENTITIES.good("right.fy");
        await using _node = await addNode({ wire, pair, domain: "right.fy", identity });
        await SYSTEM_CLOCK.sleep(DIAL_MS);
        const { nodes } = await pair.b.client.getPeersNetInfo({});
        assert(nodes.some(({ multiAddress }) => multiAddress.endsWith("/tls/right.fy")));
      },
    );
  });
}

/** Tells the service to dial a node, which shows a certificate. */
async function addNode({ wire, pair, domain, identity }: {
  readonly wire: DomainWire;
  readonly pair: HonestPair;
  readonly domain: string;
  readonly identity: Identity;
}): Promise<DomainAcceptor> {
  const node = await wire.listen(identity, IDENTITIES.authorityPem);
  const multiAddress = `/dns4/127.0.0.1/tcp/${node.port}/tls/${domain}`;
  assert.equal((await pair.b.client.addNode({ multiAddress, origin: 0n })).code, 0);
  return node;
}

async function tlsSteps(
  pair: HonestPair,
  step: (name: string, attack: () => Promise<void>) => Promise<boolean>,
): Promise<void> {
  const { listen: port } = pair.b.ports;
  const identity = IDENTITIES.good(AWAY);
  const options = { domain: B, authorityPem: IDENTITIES.authorityPem, identity };
  await step(
    "TLS 1.2 with a good certificate",
    () => assertRefused(dialTls({ ...options, port }, "TLSv1.2"), pair),
  );
  for (const [what, bytes] of Object.entries(OLD_HELLOS)) {
    await step(`a hello of ${what}`, async () => {
      using socket = await openSocket(port);
      await socket.write(bytes);
      assert.equal(toHex(await socket.readToEnd()), toHex(VERSION_ALERT));
    });
  }
  for (const [what, bytes] of Object.entries(BAD_HELLOS)) {
    await step(`a hello of ${what}`, async () => {
      using socket = await openSocket(port);
      await socket.write(bytes).catch(() => {});
      await socket.readToEnd();
    });
  }
  await step("a second hello after the handshake", async () => {
    using tap = new Tap(port);
    using peer = await dialTls({ ...options, port: tap.port }, "TLSv1.3");
    await tap.inject(clientHello());
    await peer.ended();
  });
}
