/** What attacks on a network service have in common: many connections, and limits of memory. */

import assert from "node:assert/strict";
import type { Bytes } from "../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { openSocket } from "../interop/raw_peer/p2p.ts";
import type { RawSocket } from "../interop/raw_peer/socket.ts";
import type { LoneNetwork } from "./lone_network.ts";

/** What a service may need at most; it starts with 70 MB. */
const MEMORY_MAX = 300 * 1024 * 1024;

/** Connections at once that say nothing, and what each may need. */
const SILENT_COUNT = 10_000;
const SILENT_SIZE_MAX = 32 * 1024;

/** Megabytes for a peer that does not read; 64 of them may wait for it. */
export const DEAF_MESSAGES = 150;

/** What a service may need while it has that many. */
export const MEMORY_MAX_WITH_SILENT = MEMORY_MAX + SILENT_COUNT * SILENT_SIZE_MAX;

/** Connections that are opened at once, less than the backlog of a listener. */
const BATCH_COUNT = 100;

const OTHER_FILES_MAX = 500;

/** That the service has not needed more memory than a good one needs. */
export function assertMemoryBounded({ memoryPeak }: LoneNetwork, sizeMax = MEMORY_MAX): void {
  assert(memoryPeak < sizeMax, `the service needed ${memoryPeak >> 20} MB`);
}

/** Opens connections that say nothing: as many as are wanted, or as can be open. */
export async function openSilent({ player, ports }: LoneNetwork): Promise<RawSocket[]> {
  const count = Math.min(SILENT_COUNT, openFilesMax(player.pid), openFilesMax(Deno.pid));
  if (count < SILENT_COUNT) console.log(`only ${count} connections: see "ulimit -n"`);
  const sockets: RawSocket[] = [];
  while (sockets.length < count) {
    const batch = Math.min(BATCH_COUNT, count - sockets.length);
    const opened = Array.from({ length: batch }, () => openSocket(ports.listen));
    sockets.push(...await Promise.all(opened));
  }
  return sockets;
}

/** What a process may have open, less what a service needs for itself. */
function openFilesMax(pid: number): number {
  const limits = Deno.readTextFileSync(`/proc/${pid}/limits`);
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1]) - OTHER_FILES_MAX;
}

/** Writes byte by byte until the other side hangs up. */
export async function trickle(socket: RawSocket, bytes: Bytes, pauseMs: number): Promise<void> {
  for (let i = 0; i < bytes.length; i++) {
    const isTaken = await socket.write(bytes.subarray(i, i + 1)).then(() => true, () => false);
    if (!isTaken) return;
    await SYSTEM_CLOCK.sleep(pauseMs);
  }
}
