import { connect, type TLSSocket } from "node:tls";
import { once } from "node:events";
import type { Clock } from "../../shared/clock/mod.ts";
import { StartRefusal } from "../../shared/service/mod.ts";
import { createCertificateAuthority, issueCertificate } from "../../shared/x509/mod.ts";
import type { RemoteAddress, TlsListenOptions, TlsSettings } from "./tls_socket.ts";

/** How long a stranger may try to get in. */
const TIME_LIMIT_MS = 10_000;

/** A name that no neighbour has. */
const STRANGER = "stranger.invalid";

/** What accepts connections; `TlsListener` is one. */
export interface TestedListener {
  readonly port: number;
  close(): void;
}

/** What the self-test needs to know. */
export interface SelfTestOptions {
  /** How the service listens. */
  readonly listen: (options: TlsListenOptions) => Promise<TestedListener>;
  /** As the service will use them; no network is needed. */
  readonly settings: TlsSettings;
  readonly clock: Clock;
}

/**
 * Refuses to go on when this executable would let in a node without a certificate, or with one of
 * another authority: a mistake in how TLS is set up would not show otherwise. It tries both on a
 * listener of its own on the loopback interface, with the settings of the service; and the second
 * one on a listener that trusts that authority, which must let it in: or else the strangers are
 * refused for some other reason, and nothing is shown.
 *
 * @throws {StartRefusal} when one of them has another outcome, or none in time
 */
export async function refuseStrangers(options: SelfTestOptions): Promise<void> {
  const authority = createCertificateAuthority();
  const foreign = issueCertificate(authority, STRANGER);
  const credentials = { cert: foreign.certificatePem, key: foreign.privateKeyPem };
  const { certificatePem: ca } = authority;
  const trustingSettings = { ...options.settings, ca, checkPeer: () => null };
  const trusting = { ...options, settings: trustingSettings };
  expectOutcome(await tryStranger(options, {}), "refused", "without a certificate");
  expectOutcome(
    await tryStranger(options, credentials),
    "refused",
    "with a certificate of another authority",
  );
  expectOutcome(await tryStranger(trusting, credentials), "let in", "with a good certificate");
}

/** What a stranger came to. */
type Outcome = "let in" | "refused" | "no answer";

function expectOutcome(got: Outcome, wanted: Outcome, who: string): void {
  if (got === wanted) return;
  throw new StartRefusal(
    `Cannot serve: a node ${who} must be ${wanted}, but in a self-test it got: ${got}`,
    1,
  );
}

interface Credentials {
  readonly cert?: string;
  readonly key?: string;
}

async function tryStranger(
  { listen, settings, clock }: SelfTestOptions,
  credentials: Credentials,
): Promise<Outcome> {
  const { promise: outcome, resolve } = Promise.withResolvers<Outcome>();
  let stranger: TLSSocket | null = null;
  // others may connect meanwhile: only what becomes of the stranger counts
  const decide = ({ port }: RemoteAddress, got: Outcome) => {
    if (port === stranger?.localPort) resolve(got);
  };
  const listener = await listen({
    hostname: "127.0.0.1",
    port: 0,
    settings,
    clock,
    onSocket(socket) {
      socket.close();
      decide(socket.remoteAddr, "let in");
    },
    onRefused: (address) => decide(address, "refused"),
  });
  const timer = clock.setTimer(TIME_LIMIT_MS, () => resolve("no answer"));
  stranger = connect({
    host: "127.0.0.1",
    port: listener.port,
    rejectUnauthorized: false, // the stranger trusts anybody; it is this side that is tested
    ...credentials,
  });
  stranger.on("error", () => {}); // being refused is what it is for
  const got = await outcome;
  timer.cancel();
  stranger.destroy();
  if (!stranger.closed) await once(stranger, "close");
  listener.close();
  return got;
}
