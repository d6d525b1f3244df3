import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:tls";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { identityOf } from "./domains/testing/certificates.ts";
import { ManualClock } from "./testing/manual_clock.ts";
import { RecordingLogger } from "./testing/recording_logger.ts";
import {
  type RemoteAddress,
  TlsListener,
  type TlsListenOptions,
  type TlsSocket,
} from "./tls_socket.ts";
import { TlsCarrier } from "./tls/carrier.ts";
import { refuseStrangers, type TestedListener } from "./tls_self_test.ts";

const { listen } = TlsListener;
const OPTIONS = { identity: identityOf("a.test"), port: 0, clock: SYSTEM_CLOCK };
const CARRIER = new TlsCarrier({ ...OPTIONS, log: new RecordingLogger() });
const SETTINGS = CARRIER.acceptSettings;

/** How a listener of this runtime would be that asks for certificates and does not insist. */
function laxListen(isWanted: (hasCertificate: boolean) => boolean) {
  return async ({ settings, ...options }: TlsListenOptions): Promise<TestedListener> => {
    const { ca, cert, key } = settings;
    const tls = { ca, cert, key, requestCert: true, rejectUnauthorized: false };
    const server = createServer(tls, (stream) => {
      stream.on("error", () => {});
      const hasCertificate = stream.getPeerCertificate().raw !== undefined;
      const address = { hostname: "127.0.0.1", port: stream.remotePort ?? 0 };
      if (isWanted(hasCertificate)) {
        options.onSocket(new LaxSocket(address, () => stream.destroy()));
      } else {
        options.onRefused(address, "not wanted");
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert(typeof address === "object" && address !== null);
    return { port: address.port, close: () => server.close() };
  };
}

/** A connection that is closed at once. */
class LaxSocket implements TlsSocket {
  readonly peerChain = [];
  constructor(readonly remoteAddr: RemoteAddress, readonly close: () => void) {}
  read = () => Promise.resolve(null);
  write = () => Promise.resolve(0);
  setNoDelay(): void {}
}

Deno.test("refuseStrangers() finds nothing wrong with the listener of the service", async () => {
  await refuseStrangers({ listen, settings: SETTINGS, clock: SYSTEM_CLOCK });
});

Deno.test("TLS itself refuses strangers, also when the check of the service would not", async () => {
  const settings = { ...SETTINGS, checkPeer: () => null };
  await refuseStrangers({ listen, settings, clock: SYSTEM_CLOCK });
});

Deno.test("refuseStrangers() rejects when one without a certificate gets in", async () => {
  const options = { settings: SETTINGS, clock: SYSTEM_CLOCK };
  await assert.rejects(
    refuseStrangers({ ...options, listen: laxListen(() => true) }),
    /^StartRefusal: Cannot serve: a node without a certificate must be refused, .* got: let in$/,
  );
});

Deno.test("refuseStrangers() rejects when one of another authority gets in", async () => {
  const options = { settings: SETTINGS, clock: SYSTEM_CLOCK };
  await assert.rejects(
    refuseStrangers({ ...options, listen: laxListen((hasCertificate) => hasCertificate) }),
    /^StartRefusal: Cannot serve: a node with a certificate of another authority must be refused/,
  );
});

Deno.test("refuseStrangers() rejects when nothing is decided in time", async () => {
  const clock = new ManualClock();
  const silentListen = () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const accepted = listener.accept().then((socket) => {
      clock.advance(10_000);
      socket.close();
      listener.close();
    });
    return Promise.resolve({ port, close: () => void accepted });
  };
  await assert.rejects(
    refuseStrangers({ listen: silentListen, settings: SETTINGS, clock }),
    /got: no answer$/,
  );
});

Deno.test("refuseStrangers() rejects when strangers are refused whatever they show", async () => {
  await assert.rejects(
    refuseStrangers({ listen: laxListen(() => false), settings: SETTINGS, clock: SYSTEM_CLOCK }),
    /^StartRefusal: Cannot serve: a node with a good certificate must be let in, .* got: refused$/,
  );
});

Deno.test("refuseStrangers() counts nobody else who comes to its listener", async () => {
  const listenWithGuests = async (options: TlsListenOptions) => {
    const listener = await listen(options);
    options.onRefused({ hostname: "127.0.0.1", port: 1 }, "a port scanner");
    options.onRefused({ hostname: "", port: 0 }, "nobody, the accept failed");
    return listener;
  };
  await refuseStrangers({ listen: listenWithGuests, settings: SETTINGS, clock: SYSTEM_CLOCK });
});
