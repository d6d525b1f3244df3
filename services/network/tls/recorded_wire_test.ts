/**
 * The recorded session of two Rust nodes, played again with one of them being our whole service:
 * what it writes, delivers and answers is compared byte for byte. TLS is ended by the test, so that
 * only literal bytes stand on the other side.
 */

import assert from "node:assert/strict";
import {
  NodeNetInfo,
  StatusCode as CodeMessage,
  TotalNodeNetInfo,
} from "../../../proto/gen/common.ts";
import { NetworkMsg, NetworkStatusResponse, RegisterInfo } from "../../../proto/gen/network.ts";
import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { RpcCode, RpcFault } from "../../../shared/rpc/mod.ts";
import { identityKeys } from "../domains/testing/certificates.ts";
import { type ServiceNode, startServiceNode } from "../domains/testing/service_node.ts";
import { startModule } from "../testing/fake_module.ts";
import { readHex, writeHex } from "../testing/hex_stream.ts";
import { entryHex, loadWireVectors, requestBytes, type WireCall } from "../testing/wire_vectors.ts";
import { dialTls, type TlsSocket } from "../tls_socket.ts";
import { startTls, TLS_TABLE } from "./start.ts";

const VECTORS = loadWireVectors("tls");

const FLAVOUR = { table: TLS_TABLE, start: startTls };

/** The recorded nodes, as they stood in each other's configuration. */
const NODES = {
  A: { host: "127.0.0.1", port: 41_999, domain: "four-0" },
  B: { host: "127.0.0.1", port: 41_101, domain: "four-1" },
};

type Side = keyof typeof NODES;

/** Calls that our service answers otherwise than the recorded one, on purpose. */
const DIFFERENT = new Set([
  "status B after A died", // a lost neighbour does not count, see section 4.8
]);

/** Connects to our node as its neighbour. */
function connectAs(side: Side, ours: ServiceNode): Promise<TlsSocket> {
  const { ca_cert: ca, cert, priv_key: key } = identityKeys(NODES[side].domain);
  return dialTls({
    hostname: "127.0.0.1",
    port: ours.peer.port,
    serverName: ours.peer.domain,
    settings: { ca, cert, key, checkPeer: () => null },
    clock: SYSTEM_CLOCK,
    signal: new AbortController().signal,
  });
}

/** What went over the wire because of a call. */
function wireHexOf(label: string): string {
  let mark: string | undefined;
  let hex = "";
  for (const entry of VECTORS.wire) {
    mark = entry.mark ?? mark;
    if (mark === label && entry.dir !== undefined) hex += entryHex(entry);
  }
  return hex;
}

/** Performs a recorded call at our node; the bytes of the answer. */
async function perform(call: WireCall, { client }: ServiceNode, modulePort: number) {
  const bytes = requestBytes(call);
  switch (call.method.split("/").at(-1)) {
    case "SendMsg":
      return encode(CodeMessage, await client.sendMsg(decode(NetworkMsg, bytes)));
    case "Broadcast":
      return encode(CodeMessage, await client.broadcast(decode(NetworkMsg, bytes)));
    case "AddNode":
      return encode(CodeMessage, await client.addNode(decode(NodeNetInfo, bytes)));
    case "GetNetworkStatus":
      return encode(NetworkStatusResponse, await client.getNetworkStatus({}));
    case "GetPeersNetInfo":
      return encode(TotalNodeNetInfo, await client.getPeersNetInfo({}));
    case "RegisterNetworkMsgHandler": {
      const info: RegisterInfo = decode(RegisterInfo, bytes);
      const port = /^[0-9]+$/.test(info.port) ? String(modulePort) : info.port;
      const answer = await client.registerNetworkMsgHandler({ ...info, port });
      return encode(CodeMessage, answer);
    }
  }
  assert.fail(call.method);
}

async function checkAnswer(call: WireCall, answer: Promise<Bytes>): Promise<void> {
  if (call.response_hex === undefined) {
    await assert.rejects(answer, (error) => {
      assert(error instanceof RpcFault);
      assert.match(error.details, /^parse multiaddr failed: /);
      return error.code === RpcCode.InvalidArgument;
    });
  } else {
    assert.equal(toHex(await answer), call.response_hex, call.label);
  }
}

async function replay(side: Side): Promise<void> {
  const other = side === "A" ? "B" : "A";
  const options = { domain: NODES[side].domain, peers: [NODES[other]] };
  await using ours = await startServiceNode(FLAVOUR, options);
  await using module = await startModule();
  const socket = await connectAs(other, ours);
  await ours.log.waitFor(/^new connection established/);
  for (const call of VECTORS.calls) {
    if (DIFFERENT.has(call.label)) continue;
    const wire = wireHexOf(call.label);
    if (call.at === side) {
      await checkAnswer(call, perform(call, ours, module.port));
      assert.equal(await readHex(socket, wire.length / 2), wire, call.label);
    } else {
      await writeHex(socket, wire);
    }
  }
  for (const { at, request_hex } of VECTORS.received) {
    if (at !== side) continue;
    const delivered = toHex(encode(NetworkMsg, await module.messages.next()));
    const known = request_hex.replace("...", "");
    assert.equal(delivered.slice(0, known.length), known);
    if (known === request_hex) assert.equal(delivered.length, known.length);
  }
  assert.equal(module.messages.size, 0);
  socket.close();
}

Deno.test("network_tls as A writes, delivers and answers as the Rust node did", () => replay("A"));
Deno.test("network_tls as B writes, delivers and answers as the Rust node did", () => replay("B"));
