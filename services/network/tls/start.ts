import type { Carrier } from "../domains/carrier.ts";
import { defineDomainTable } from "../domains/config.ts";
import {
  type CarrierOptions,
  type DomainContext,
  type RunningDomains,
  startDomains,
} from "../domains/start.ts";
import { refuseStrangers } from "../tls_self_test.ts";
import { TlsListener } from "../tls_socket.ts";
import { TlsCarrier } from "./carrier.ts";

/** Table `[network_tls]` of config.toml. */
export const TLS_TABLE = defineDomainTable("network_tls");

/** Starts the flavour `network_tls`; throws for settings that it cannot serve or a taken port. */
export function startTls(context: DomainContext): Promise<RunningDomains> {
  return startDomains({ table: TLS_TABLE, createCarrier }, context);
}

async function createCarrier(options: CarrierOptions): Promise<Carrier> {
  const carrier = new TlsCarrier(options);
  const { clock, log } = options;
  await refuseStrangers({ listen: TlsListener.listen, settings: carrier.acceptSettings, clock });
  log.info("self-test: nodes without a certificate of the authority are refused");
  return carrier;
}
