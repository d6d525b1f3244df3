/**
 * Attacks a node of a chain for a while, with all that a stranger can do without a certificate:
 * `attack.ts FLAVOUR ADDRESS PORT SECONDS`. Prints how often. Fails when the node answers otherwise
 * than it should.
 *
 * @module
 */

import { u64be } from "../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { BAD_HELLOS, OLD_HELLOS } from "./client_hello.ts";
import { openSocket } from "./p2p.ts";
import { P2P_ATTACKS } from "./p2p_attacks.ts";
import { helloFrames, initialDatagram } from "./quic_initial.ts";
import type { RawSocket } from "./socket.ts";

/** Connections that are opened and say nothing, and how many at once. */
const SILENT_COUNT = 10_000;
const SILENT_BATCH = 100;

const DATAGRAM_BATCH = 200;
const DATAGRAM_PAUSE_MS = 20;

const [flavour = "", hostname = "", portText = "", seconds = ""] = Deno.args;
const port = Number(portText);
const endMs = SYSTEM_CLOCK.monotonicMs() + Number(seconds) * 1_000;
const isOver = () => SYSTEM_CLOCK.monotonicMs() >= endMs;

/** Holds connections open that say nothing. */
async function openSilent(): Promise<number> {
  const sockets: RawSocket[] = [];
  while (sockets.length < SILENT_COUNT && !isOver()) {
    const batch = Array.from({ length: SILENT_BATCH }, () => openSocket(port, hostname));
    sockets.push(...await Promise.all(batch));
  }
  return sockets.length;
}

async function attackP2p(): Promise<number> {
  let count = 0;
  while (!isOver()) {
    for (const { run } of P2P_ATTACKS) {
      await run(port, hostname);
      count += 1;
    }
  }
  return count;
}

async function attackTls(): Promise<number> {
  const hellos = Object.values({ ...OLD_HELLOS, ...BAD_HELLOS });
  let count = 0;
  while (!isOver()) {
    await Promise.all(hellos.map(async (hello) => {
      using socket = await openSocket(port, hostname);
      await socket.write(hello).catch(() => {}); // it may hang up before it has all
      await socket.readToEnd();
      count += 1;
    }));
  }
  return count;
}

async function attackQuic(): Promise<number> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  let count = 0;
  while (!isOver()) {
    for (let i = 0; i < DATAGRAM_BATCH; i++) {
      const number = u64be(BigInt(count++));
      const datagram = initialDatagram(number, helloFrames(number));
      await socket.send(Uint8Array.from(datagram), { transport: "udp", hostname, port });
    }
    await SYSTEM_CLOCK.sleep(DATAGRAM_PAUSE_MS);
  }
  socket.close();
  return count;
}

const ATTACKS = new Map([["p2p", attackP2p], ["tls", attackTls], ["quic", attackQuic]]);
const attack = ATTACKS.get(flavour);
if (attack === undefined) throw new Error(`Cannot attack "${flavour}": it is no flavour`);
const silent = flavour === "quic" ? 0 : openSilent();
console.log(JSON.stringify({ attacks: await attack(), silent: await silent }));
Deno.exit(0); // the silent connections end with the process
