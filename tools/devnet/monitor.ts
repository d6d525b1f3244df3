import type { Clock } from "../../shared/clock/mod.ts";
import type { DevChain } from "./chain.ts";
import { bestHeight, renderLine, renderTable } from "./render.ts";
import type { Screen } from "./screen.ts";
import { describeState, type NodeStatus, StatusReader } from "./status.ts";
import { changesBetween, describeChanges, lookAt, type Sighting } from "./watch.ts";

/** The first block comes after seconds; a loaded machine may need a minute. */
const FIRST_BLOCK_DEADLINE_MS = 180_000;
const WAIT_INTERVAL_MS = 300;
const WAIT_REPORT_INTERVAL_MS = 5_000;
const WATCH_INTERVAL_MS = 1_000;

/** What a monitor works with. */
export interface MonitorDeps {
  readonly clock: Clock;
  readonly screen: Screen;
  /** Aborted when watching shall end. */
  readonly signal: AbortSignal;
}

/** Shows a chain while it runs, and says when one of its processes ends. */
export class ChainMonitor implements Disposable {
  readonly #chain: DevChain;
  readonly #deps: MonitorDeps;
  readonly #reader: StatusReader;
  #sightings: readonly Sighting[];

  /** The processes have been started already. */
  constructor(chain: DevChain, deps: MonitorDeps) {
    this.#chain = chain;
    this.#deps = deps;
    this.#reader = new StatusReader(chain);
    this.#sightings = lookAt(chain.nodes).map((sighting) => ({ ...sighting, isRunning: true }));
  }

  /**
   * Waits until a block is added above `height`, or above the first height that a node tells, and
   * every node that runs answers.
   *
   * @throws when no block comes in time, or no process is left to make one
   */
  async waitForBlocks(height: bigint | null): Promise<void> {
    const { clock, screen, signal } = this.#deps;
    const startMs = clock.monotonicMs();
    let firstHeight = height;
    let reportMs = startMs;
    screen.say("waiting for the first block");
    while (!signal.aborted) {
      this.#reportChanges();
      const statuses = await this.#reader.read();
      const best = bestHeight(statuses);
      const nowMs = clock.monotonicMs();
      const seconds = ((nowMs - startMs) / 1000).toFixed(1);
      firstHeight ??= best;
      const isGrown = best !== null && firstHeight !== null && best > firstHeight;
      if (isGrown && statuses.every(isReady)) {
        screen.show([]);
        screen.say(`block ${best} after ${seconds} s`);
        return;
      }
      if (!this.#isAnyRunning()) throw new Error("Cannot go on: all processes have ended");
      if (nowMs - startMs > FIRST_BLOCK_DEADLINE_MS) {
        throw new Error(`Cannot go on: no block within ${FIRST_BLOCK_DEADLINE_MS / 1000} s`);
      }
      if (screen.isTerminal) screen.show(renderTable(statuses));
      else if (nowMs - reportMs >= WAIT_REPORT_INTERVAL_MS) {
        reportMs = nowMs;
        screen.say(`after ${seconds} s: ${renderLine(statuses)}`);
      }
      await clock.sleep(WAIT_INTERVAL_MS, signal);
    }
  }

  /**
   * Shows the chain until the signal or until no process runs any more.
   *
   * @returns the exit code: 1 when the last process died
   */
  async watch(): Promise<number> {
    const { clock, screen, signal } = this.#deps;
    let shownHeight: bigint | null = null;
    while (!signal.aborted) {
      this.#reportChanges();
      if (!this.#isAnyRunning()) return this.#wasStopped() ? 0 : 1;
      const statuses = await this.#reader.read();
      if (screen.isTerminal) {
        screen.show(["", ...renderTable(statuses), "Ctrl-C stops everything"]);
      } else {
        const height = bestHeight(statuses);
        if (height !== shownHeight) screen.say(renderLine(statuses));
        shownHeight = height;
      }
      await clock.sleep(WATCH_INTERVAL_MS, signal);
    }
    return 0;
  }

  #reportChanges(): void {
    const { nodes } = this.#chain;
    const now = lookAt(nodes);
    const changes = changesBetween(this.#sightings, now);
    for (const line of describeChanges(changes, nodes)) this.#deps.screen.say(line);
    this.#sightings = now;
  }

  #isAnyRunning(): boolean {
    return this.#sightings.some((sighting) => sighting.isRunning);
  }

  #wasStopped(): boolean {
    return this.#sightings.every((sighting) => sighting.pid === null);
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
  }
}

/** Whether there is nothing to wait for: the node answers, or it cannot. */
function isReady(status: NodeStatus): boolean {
  return status.tip !== null || describeState(status) !== "running";
}

/** The chain as `status` prints it. */
export function renderStatus(chain: DevChain, statuses: readonly NodeStatus[]): string[] {
  const { dir, name, crypto, consensus, network } = chain;
  return [`${name} in ${dir} (${crypto}, ${consensus}, ${network})`, ...renderTable(statuses)];
}
