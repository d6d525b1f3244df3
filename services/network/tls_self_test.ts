import { connect } from "node:tls";
import { once } from "node:events";
import type { Clock } from "../../shared/clock/mod.ts";
import { StartRefusal } from "../../shared/service/mod.ts";
import { createCertificateAuthority, issueCertificate } from "../../shared/x509/mod.ts";
import type { TlsListenOptions, TlsSettings } from "./tls_socket.ts";

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
 * another authority: a mistake in how TLS is set up would not show otherwise. It tries
 * both on a listener of its own on the loopback interface, with the settings of the service.
 *
 * @throws {StartRefusal} when a stranger got in, or when it was not refused in time
 */
export async function refuseStrangers(options: SelfTestOptions): Promise<void> {
  const foreign = issueCertificate(createCertificateAuthority(), STRANGER);
  const credentials = { cert: foreign.certificatePem, key: foreign.privateKeyPem };
  await tryStranger(options, {});
  await tryStranger(options, credentials);
}

interface Credentials {
  readonly cert?: string;
  readonly key?: string;
}

async function tryStranger(
  { listen, settings, clock }: SelfTestOptions,
  credentials: Credentials,
): Promise<void> {
  const { promise: outcome, resolve } = Promise.withResolvers<"let in" | "refused" | "no answer">();
  const listener = await listen({
    hostname: "127.0.0.1",
    port: 0,
    settings,
    clock,
    onSocket(socket) {
      socket.close();
      resolve("let in");
    },
    onRefused: () => resolve("refused"),
  });
  const timer = clock.setTimer(TIME_LIMIT_MS, () => resolve("no answer"));
  const stranger = connect({
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
  if (got === "refused") return;
  const who = credentials.cert === undefined
    ? "without a certificate"
    : "with a certificate of another authority";
  throw new StartRefusal(
    `Cannot serve: a node ${who} must be refused, but in a self-test it got: ${got}`,
    1,
  );
}
