/** Ports that no other program of this machine listens on. */

/** Distance between the ports of two nodes of `devnet`. */
export const PORTS_PER_NODE = 1000;

/** Offsets of a node's ports: six services, the one for other nodes, and those for metrics. */
const OFFSETS = [0, 1, 2, 3, 4, 5, 10, 11, 12, 14, 16];

/** Below the ports that Linux hands out to outgoing connections. */
const BASE_MIN = 10_000;
const PORT_MAX = 32_000;
const BASE_STEP = 20;

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "0.0.0.0", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

/** Where single ports are taken from, and which of them is tried next. */
const SINGLE_MIN = 24_000;
const SINGLE_COUNT = PORT_MAX - SINGLE_MIN;
let next = Math.floor(Math.random() * SINGLE_COUNT);

/** A port that is free now; the same one is not given again soon. */
export function freePort(): number {
  for (;;) {
    const port = SINGLE_MIN + next;
    next = (next + 1) % SINGLE_COUNT;
    if (isFree(port)) return port;
  }
}

/** A base port for `devnet up --base-port` from which all ports of a chain are free now. */
export function findBasePort(nodes: number): number {
  const count = (PORT_MAX - PORTS_PER_NODE * nodes - BASE_MIN) / BASE_STEP;
  // runs that start at the same time begin to look at different places
  const start = Math.floor(Math.random() * count);
  for (let i = 0; i < count; i++) {
    const base = BASE_MIN + ((start + i) % count) * BASE_STEP;
    const ports = Array.from({ length: nodes }, (_, node) => base + PORTS_PER_NODE * node);
    if (ports.every((port) => OFFSETS.every((offset) => isFree(port + offset)))) return base;
  }
  throw new Error(`Cannot find free ports for ${nodes} nodes in ${BASE_MIN}..${PORT_MAX}`);
}
