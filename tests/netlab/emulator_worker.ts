/**
 * The thread that carries packets between the nodes of a laboratory. It does nothing else and
 * blocks between packets, so it needs no event loop and keeps the time well.
 *
 * @module
 */

import { seededRandom, SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { serveWorker } from "../../shared/workers/mod.ts";
import { destinationOf } from "./addresses.ts";
import { Control } from "./control.ts";
import { FlightHeap } from "./flight.ts";
import { LibC, PollSet } from "./libc.ts";
import { Link, type LinkQuality } from "./link.ts";

/** What the thread is told at its start. */
export interface EmulatorOptions {
  /** Open TUN devices by node. */
  readonly handles: readonly number[];
  readonly quality: LinkQuality;
  readonly seed: number;
  /** Memory of the {@linkcode Control}. */
  readonly memory: SharedArrayBuffer;
}

/** Larger than any packet of a device with the usual MTU of 1500. */
const PACKET_SIZE_MAX = 2_048;

/** Packets of one node taken at once, so that none waits for another node's flood. */
const BATCH_MAX = 64;

/** How long it takes at most to notice that it shall stop. */
const WAIT_MS_MAX = 20;

/** Carries packets until it is told to stop. */
function emulate({ handles, quality, seed, memory }: EmulatorOptions): void {
  using libc = new LibC();
  const control = new Control(handles.length, memory);
  const random = seededRandom(seed);
  const links = handles.map(() => handles.map(() => new Link(quality, random)));
  const flights = new FlightHeap();
  const poll = new PollSet(handles);
  const buffer = new Uint8Array(PACKET_SIZE_MAX);

  const takeFrom = (from: number, handle: number) => {
    for (let i = 0; i < BATCH_MAX; i++) {
      const size = libc.readPacket(handle, buffer);
      if (size === 0) return;
      const packet = buffer.slice(0, size);
      const to = destinationOf(packet, handles.length);
      if (to === null) continue; // multicast and the like
      control.countSent();
      if (control.isCut(from, to)) continue;
      const arrivalMs = links[from]?.[to]?.send(size, SYSTEM_CLOCK.monotonicMs()) ?? null;
      if (arrivalMs !== null) flights.push({ arrivalMs, to, packet });
    }
  };
  const deliver = () => {
    const nowMs = SYSTEM_CLOCK.monotonicMs();
    for (let flight = flights.pop(nowMs); flight !== null; flight = flights.pop(nowMs)) {
      const handle = handles[flight.to];
      if (handle === undefined) continue;
      libc.writePacket(handle, flight.packet);
      control.countArrived();
    }
  };

  while (!control.isStopped) {
    const waitMs = Math.ceil(flights.nextMs - SYSTEM_CLOCK.monotonicMs());
    libc.waitReadable(poll, Math.max(0, Math.min(waitMs, WAIT_MS_MAX)));
    for (const [node, handle] of handles.entries()) {
      if (poll.isReadable(node)) takeFrom(node, handle);
    }
    deliver();
  }
}

serveWorker((options: EmulatorOptions) => Promise.resolve(emulate(options)));
