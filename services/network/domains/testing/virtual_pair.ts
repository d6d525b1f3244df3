import assert from "node:assert/strict";
import type { Random } from "../../../../shared/clock/mod.ts";
import type { NeighbourEffect } from "../core/neighbours.ts";

/** One end of a virtual connection. */
export interface VirtualEnd {
  readonly name: string;
  /** Whether the node that has it still may use it. */
  isAlive: boolean;
}

/** What decides at a node: `Neighbours`, or a model of the reference. */
export interface Machine {
  due(nowMs: number): readonly NeighbourEffect<VirtualEnd>[];
  dialled(
    domain: string,
    end: VirtualEnd,
    nowMs: number,
  ): readonly NeighbourEffect<VirtualEnd>[];
  dialFailed(domain: string, nowMs: number): void;
  accepted(
    domains: readonly string[],
    end: VirtualEnd,
    nowMs: number,
  ): readonly NeighbourEffect<VirtualEnd>[];
  ended(domain: string, end: VirtualEnd, nowMs: number): void;
}

/** How a node is run. */
export interface VirtualNode {
  readonly domain: string;
  /** How often it looks whom to dial. */
  readonly tickMs: number;
  /** A machine as after a start at this time. */
  readonly create: (nowMs: number) => Machine;
}

/** What the network does to packets. */
export interface VirtualLine {
  readonly latencyMs: number;
  readonly random: Random;
}

interface Dial {
  isCancelled: boolean;
}

interface Site {
  readonly node: VirtualNode;
  machine: Machine;
  dial: Dial | null;
  /** Which its machine opened and that has not ended here. */
  open: VirtualEnd | null;
}

/** Round trips before a dialling node is done, with TCP and TLS 1.3. */
const DIAL_TRIPS = 4;

/** Two nodes that know each other, joined by a network that delays, fails and cuts. */
export class VirtualPair {
  readonly #line: VirtualLine;
  readonly #sites: readonly [Site, Site];
  readonly #events: { readonly atMs: number; readonly run: () => void }[] = [];
  readonly #others = new Map<VirtualEnd, { readonly end: VirtualEnd; readonly site: Site }>();
  #nowMs = 0;
  #connectionCount = 0;
  /** Whether dials reach the other node. */
  isReachable = true;

  constructor(nodes: readonly [VirtualNode, VirtualNode], line: VirtualLine) {
    this.#line = line;
    const [a, b] = nodes;
    this.#sites = [newSite(a), newSite(b)];
    for (const site of this.#sites) {
      this.#after(line.random() * site.node.tickMs, () => this.#tick(site));
    }
  }

  /** How many connections were dialled with success. */
  get connectionCount(): number {
    return this.#connectionCount;
  }

  /** Whether both nodes have one connection, the same, and nothing else is under way. */
  get isWhole(): boolean {
    const [{ open: one, dial: dialOfOne }, { open: other, dial: dialOfOther }] = this.#sites;
    if (one === null || other === null || dialOfOne !== null || dialOfOther !== null) return false;
    return this.#others.get(one)?.end === other;
  }

  /** Lets time pass. */
  run(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    for (let next = this.#events[0]; next !== undefined && next.atMs <= endMs;) {
      this.#events.shift();
      this.#nowMs = next.atMs;
      next.run();
      next = this.#events[0];
    }
    this.#nowMs = endMs;
  }

  /** Connections are lost; each side learns of it or, when it is deaf, does not. */
  cut(deaf: 0 | 1 | null = null): void {
    for (const [index, site] of this.#sites.entries()) {
      if (index === deaf) continue;
      for (const end of this.#endsOf(site)) this.#after(this.#delay(), () => this.#end(site, end));
    }
  }

  /** A node dies and starts again at once. */
  restart(index: 0 | 1): void {
    const site = this.#sites[index];
    this.#cancelDial(site);
    for (const end of this.#endsOf(site)) this.#close(end);
    site.open = null;
    site.machine = site.node.create(this.#nowMs);
  }

  #tick(site: Site): void {
    this.#perform(site, site.machine.due(this.#nowMs));
    this.#after(site.node.tickMs * (1 + 0.05 * this.#line.random()), () => this.#tick(site));
  }

  #perform(site: Site, effects: readonly NeighbourEffect<VirtualEnd>[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "dial":
          assert.equal(site.dial, null, "one dial at a time");
          assert.equal(site.open, null, "nobody dials who is connected");
          this.#dial(site);
          break;
        case "cancelDial":
          assert(site.dial !== null, "there is a dial to cancel");
          this.#cancelDial(site);
          break;
        case "open":
          assert(effect.channel.isAlive, "what is opened is there");
          assert.equal(site.open, null, "the connection before was closed");
          site.open = effect.channel;
          break;
        case "close":
          assert(effect.channel.isAlive, "what is closed was there");
          if (site.open === effect.channel) site.open = null;
          this.#close(effect.channel);
      }
    }
  }

  #dial(site: Site): void {
    const dial: Dial = { isCancelled: false };
    site.dial = dial;
    const { domain } = this.#otherOf(site).node;
    this.#after(DIAL_TRIPS * this.#delay(), () => {
      if (dial.isCancelled) return;
      site.dial = null;
      if (this.isReachable) this.#connect(site);
      else site.machine.dialFailed(domain, this.#nowMs);
    });
  }

  #connect(site: Site): void {
    const acceptor = this.#otherOf(site);
    this.#connectionCount += 1;
    const [out, inward] = ["out", "in"].map((side) => {
      return { name: `${site.node.domain} ${this.#connectionCount} ${side}`, isAlive: true };
    });
    assert(out !== undefined && inward !== undefined);
    this.#others.set(out, { end: inward, site: acceptor }).set(inward, { end: out, site });
    this.#after(this.#delay(), () => {
      const { domain } = site.node;
      if (inward.isAlive) {
        this.#perform(acceptor, acceptor.machine.accepted([domain], inward, this.#nowMs));
      }
    });
    this.#perform(site, site.machine.dialled(acceptor.node.domain, out, this.#nowMs));
  }

  #cancelDial(site: Site): void {
    if (site.dial !== null) site.dial.isCancelled = true;
    site.dial = null;
  }

  /** Closes one end; the other one learns of it later, after it was accepted. */
  #close(end: VirtualEnd): void {
    end.isAlive = false;
    const other = this.#others.get(end);
    assert(other !== undefined);
    this.#after(2 * this.#line.latencyMs, () => this.#end(other.site, other.end));
  }

  #end(site: Site, end: VirtualEnd): void {
    if (!end.isAlive) return;
    end.isAlive = false;
    if (site.open !== end) return;
    site.open = null;
    site.machine.ended(this.#otherOf(site).node.domain, end, this.#nowMs);
  }

  #endsOf(site: Site): VirtualEnd[] {
    return [...this.#others].filter(([end, other]) => end.isAlive && other.site !== site)
      .map(([end]) => end);
  }

  #otherOf(site: Site): Site {
    const [a, b] = this.#sites;
    return site === a ? b : a;
  }

  /** A trip takes the latency or up to twice as long. */
  #delay(): number {
    return this.#line.latencyMs * (1 + this.#line.random());
  }

  #after(delayMs: number, run: () => void): void {
    const atMs = this.#nowMs + delayMs;
    const later = this.#events.findIndex((event) => event.atMs > atMs);
    this.#events.splice(later === -1 ? this.#events.length : later, 0, { atMs, run });
  }
}

function newSite(node: VirtualNode): Site {
  return { node, machine: node.create(0), dial: null, open: null };
}
