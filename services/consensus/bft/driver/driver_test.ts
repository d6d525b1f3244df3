import assert from "node:assert/strict";
import { type Bytes, fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../../shared/clock/mod.ts";
import { SILENT_LOGGER } from "../../../../shared/log/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";
import type { ControllerPort } from "../../controller_port.ts";
import type { OutgoingMessage } from "../../network_port.ts";
import { DEFAULT_TIMING } from "../../testing/core_fixture.ts";
import { FAKE_CRYPTO, fakeAddress, FakeSigner } from "../../testing/fake_crypto.ts";
import { BftCore } from "../core/core.ts";
import { MessageType } from "../core/messages.ts";
import { BftDriver, type DriverParts } from "./driver.ts";

const OWN = fakeAddress(0);
const VALIDATORS = [fromHex(OWN)];
const DATA = fromHex("aa01");

/** A one-node chain around a driver; `events` tells in which order things happened. */
function harness(overrides: Partial<DriverParts> = {}) {
  const events: string[] = [];
  const sent: OutgoingMessage[] = [];
  const committed = Promise.withResolvers<{ data: Bytes; proof: Bytes }>();
  const signer = new FakeSigner();
  const configuration = { height: 0n, blockInterval: 3, validators: VALIDATORS };
  const controller: ControllerPort = {
    getProposal: () => Promise.resolve({ value: { height: 1n, data: DATA }, reason: "" }),
    checkProposal: () => Promise.resolve(0),
    commitBlock: ({ data }, proof) => {
      events.push("commit");
      committed.resolve({ data, proof });
      return Promise.resolve({ value: { ...configuration, height: 1n }, reason: "" });
    },
    queryConfiguration: () => Promise.resolve(null),
    close: () => {},
  };
  const write = (name: string) => {
    events.push(`${name} begins`);
    return SYSTEM_CLOCK.sleep(1).then(() => void events.push(`${name} ends`));
  };
  const driver = new BftDriver({
    core: new BftCore({ own: OWN, crypto: FAKE_CRYPTO, timing: DEFAULT_TIMING }),
    controller,
    network: {
      send: (message) => {
        events.push(message.type);
        sent.push(message);
      },
      close: () => {},
    },
    kms: { sign: (hash) => Promise.resolve(signer.sign(OWN, hash)) },
    wal: {
      append: () => write("append"),
      setHeight: () => write("setHeight"),
      erase: () => write("erase"),
    },
    authorityStore: { save: () => write("authorities") },
    clock: SYSTEM_CLOCK,
    log: SILENT_LOGGER,
    ...overrides,
  });
  driver.post({ kind: "start", authorities: null, height: null, contentByHeight: new Map() });
  return { driver, events, sent, committed: committed.promise, configuration, signer };
}

Deno.test("BftDriver has written what a message promises before it sends it", async () => {
  const { driver, events, sent, committed, configuration } = harness();
  driver.reconfigure(configuration);
  const { data } = await committed;
  await driver.stop();
  assert.equal(toHex(data), toHex(DATA));
  const { Proposal, LeaderPrevote, LeaderPrecommit } = MessageType;
  assert.deepEqual(sent.map(({ type }) => type), [Proposal, LeaderPrevote, LeaderPrecommit]);
  assert.deepEqual(events.slice(0, 16), [
    "authorities begins",
    "authorities ends",
    "setHeight begins",
    "setHeight ends",
    "append begins",
    "append ends",
    Proposal,
    "append begins",
    "append ends",
    LeaderPrevote,
    "append begins",
    "append ends",
    "append begins",
    "append ends",
    LeaderPrecommit,
    "commit",
  ]);
});

Deno.test("BftDriver judges a block with every configuration that came before it", async () => {
  const { driver, committed, configuration } = harness();
  const proposal = { height: 1n, data: DATA };
  const early = driver.checkBlock({ proposal, proof: new Uint8Array() });
  driver.reconfigure(configuration);
  const { proof } = await committed;
  assert.equal(await early, 130);
  assert.equal(await driver.checkBlock({ proposal, proof }), 0);
  await driver.stop();
});

Deno.test("BftDriver goes on after inputs without effect", async () => {
  const { driver, committed, configuration } = harness();
  const message = { module: "consensus", type: "newview", origin: 1n, msg: new Uint8Array() };
  for (let count = 0; count < 3; count++) {
    driver.deliver(message);
    await SYSTEM_CLOCK.sleep(0);
  }
  driver.reconfigure(configuration);
  await committed;
  await driver.stop();
});

Deno.test("BftDriver asks the kms again until it signs", async () => {
  let failures = 2;
  const signer = new FakeSigner();
  const kms = {
    sign: (hash: Bytes) => Promise.resolve(failures-- > 0 ? null : signer.sign(OWN, hash)),
  };
  const timers: (() => void)[] = [];
  // every timer but that of the step ends at once
  const clock = {
    ...SYSTEM_CLOCK,
    setTimer: (delayMs: number, fire: () => void) => {
      if (delayMs < 1_000) timers.push(fire);
      queueMicrotask(() => timers.splice(0).forEach((run) => run()));
      return { cancel: () => {} };
    },
  };
  const { driver, committed, configuration } = harness({ kms, clock });
  driver.reconfigure(configuration);
  await committed;
  await driver.stop();
});

Deno.test("BftDriver.stop() waits for the write at hand and takes nothing more", async () => {
  const { driver, events, sent, configuration } = harness();
  driver.reconfigure(configuration);
  await SYSTEM_CLOCK.sleep(0);
  await driver.stop();
  driver.deliver({ module: "consensus", type: "newview", origin: 1n, msg: new Uint8Array() });
  assert.deepEqual(events, [
    "authorities begins",
    "authorities ends",
    "setHeight begins",
    "setHeight ends",
  ]);
  assert.deepEqual(sent, []);
});

/** Writes that fail while the disk is full; `tried` resolves at the first failure. */
function fullDisk() {
  const tried = Promise.withResolvers<void>();
  let isFull = true;
  const append = () => {
    if (!isFull) return Promise.resolve();
    tried.resolve();
    return Promise.reject(Object.assign(new Error("No space left on device"), { code: "ENOSPC" }));
  };
  const done = () => Promise.resolve();
  const wal = { append, setHeight: done, erase: done };
  return { wal, tried: tried.promise, makeRoom: () => void (isFull = false) };
}

/** Real time but for pauses for a full disk, which end at once or never. */
function clockWithPauses(pause: (signal?: AbortSignal) => Promise<void>) {
  return { ...SYSTEM_CLOCK, sleep: (_ms: number, signal?: AbortSignal) => pause(signal) };
}

const turn = () => SYSTEM_CLOCK.sleep(0);

/** A core that counts the orders of the controller. */
class CountingCore extends BftCore {
  reconfigurations = 0;

  override step(...args: Parameters<BftCore["step"]>) {
    if (args[0].kind === "reconfigure") this.reconfigurations++;
    return super.step(...args);
  }
}

Deno.test("BftDriver sends nothing that a full disk kept it from writing, and goes on with room", async () => {
  const disk = fullDisk();
  const lines: string[] = [];
  const log = { ...SILENT_LOGGER, error: (line: string) => void lines.push(line) };
  const clock = clockWithPauses(turn);
  const core = new CountingCore({ own: OWN, crypto: FAKE_CRYPTO, timing: DEFAULT_TIMING });
  const { driver, sent, committed, configuration } = harness({ core, wal: disk.wal, clock, log });
  driver.reconfigure(configuration);
  await disk.tried;
  for (let again = 0; again < 5; again++) await turn();
  assert.deepEqual(sent, []);
  const proposal = { height: 1n, data: DATA };
  const answer = await driver.checkBlock({ proposal, proof: new Uint8Array() });
  assert.equal(answer, StatusCode.ConsensusServerNotReady);
  assert.equal(lines.length, 1);
  for (let again = 0; again < 5; again++) {
    driver.deliver({ module: "consensus", type: "newview", origin: 1n, msg: new Uint8Array() });
    driver.reconfigure(configuration);
  }
  assert.equal(driver.droppedMessages, 5);
  disk.makeRoom();
  const { proof } = await committed;
  assert.equal(await driver.checkBlock({ proposal, proof }), StatusCode.Success);
  assert.equal(core.reconfigurations, 2, "of those that came meanwhile, the last");
  await driver.stop();
});

Deno.test("BftDriver that is stopped while the disk is full does not send what it could not write", async () => {
  const disk = fullDisk();
  const clock = clockWithPauses((signal) =>
    new Promise((resolve) => signal?.addEventListener("abort", () => resolve()))
  );
  const { driver, sent, configuration } = harness({ wal: disk.wal, clock });
  driver.reconfigure(configuration);
  await disk.tried;
  await turn();
  await driver.stop();
  assert.deepEqual(sent, []);
});
