import assert from "node:assert/strict";
import { NetworkMsg } from "../../../proto/gen/network.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import { decode } from "../../../shared/codec/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { encodeFrame, type Frame } from "../frame.ts";
import type { Transport } from "../transport.ts";
import type { Inbox } from "./inbox.ts";

/** A listening transport whose messages end in an inbox; disposal closes it. */
export interface ContractNode extends AsyncDisposable {
  readonly transport: Transport;
  readonly messages: Inbox<{ readonly origin: bigint; readonly bytes: Bytes }>;
}

/** How the contract gets what it tests. */
export interface ContractSetup {
  /** Opens nodes of which every two have exactly one connection. */
  open(count: number): Promise<ContractNode[]>;
}

/** What every transport promises, whatever the flavour. */
export function testTransportContract(name: string, { open }: ContractSetup): void {
  const test = (sentence: string, count: number, run: (nodes: ContractNode[]) => Promise<void>) =>
    Deno.test(`${name} ${sentence}`, async () => {
      const nodes = await open(count);
      try {
        await run(nodes);
      } finally {
        await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
      }
    });

  test("without neighbours has no peers and accepts messages", 1, async ([node]) => {
    assert(node !== undefined);
    assert.deepEqual(node.transport.peers(), []);
    assert.equal(node.transport.peerCount(), 0n);
    assert.equal(node.transport.broadcast(frameOf("x")), StatusCode.Success);
    assert.equal(await node.transport.send(0n, frameOf("x")), StatusCode.Success);
  });

  test("delivers a broadcast to every neighbour and not to itself", 3, async (nodes) => {
    for (const [index, { transport }] of nodes.entries()) {
      assert.equal(transport.broadcast(frameOf(String(index))), StatusCode.Success);
    }
    for (const [index, { messages }] of nodes.entries()) {
      const types = (await messages.take(2)).map(typeOf).sort();
      assert.deepEqual(types, ["0", "1", "2"].filter((type) => type !== String(index)));
      assert.equal(messages.size, 0);
    }
  });

  test(
    "sends to the neighbour of an origin only, in order, and takes the reply",
    3,
    async (nodes) => {
      const [a, b, c] = nodes;
      assert(a !== undefined && b !== undefined && c !== undefined);
      a.transport.broadcast(frameOf("hello"));
      const hello = await b.messages.next();
      await c.messages.next();
      assert(b.transport.peers().some(({ origin }) => origin === hello.origin));
      for (let index = 0; index < 100; index++) {
        const frame = frameOf(String(index), new Uint8Array(index * 100));
        assert.equal(await b.transport.send(hello.origin, frame), StatusCode.Success);
      }
      const replies = await a.messages.take(100);
      assert.deepEqual(replies.map(typeOf), replies.map((_, index) => String(index)));
      assert.equal(new Set(replies.map(({ origin }) => origin)).size, 1);
      assert.equal(c.messages.size, 0);
    },
  );
}

function frameOf(type: string, msg: Bytes = new Uint8Array([1])): Frame {
  return encodeFrame({ module: "m", type, origin: 12345n, msg });
}

function typeOf({ bytes }: { readonly bytes: Bytes }): string {
  return decode(NetworkMsg, bytes).type;
}
