import { StartRefusal } from "../../../shared/service/mod.ts";
import type { Carrier } from "../domains/carrier.ts";
import { defineDomainTable } from "../domains/config.ts";
import {
  type CarrierOptions,
  type DomainContext,
  type RunningDomains,
  startDomains,
} from "../domains/start.ts";
import { TlsListener } from "../tls_socket.ts";
import { TlsCarrier } from "./carrier.ts";
import { refuseStrangers } from "./self_test.ts";

/** Table `[network_tls]` of config.toml. */
export const TLS_TABLE = defineDomainTable("network_tls");

/** Starts the flavour `network_tls`; throws for settings that it cannot serve or a taken port. */
export function startTls(context: DomainContext): Promise<RunningDomains> {
  return startDomains({ table: TLS_TABLE, createCarrier }, context);
}

async function createCarrier(options: CarrierOptions): Promise<Carrier> {
  const carrier = new TlsCarrier(options);
  try {
    const { clock } = options;
    await refuseStrangers({ listen: TlsListener.listen, settings: carrier.acceptSettings, clock });
  } catch (cause) {
    throw new StartRefusal(cause instanceof Error ? cause.message : String(cause), 1, { cause });
  }
  options.log.info("self-test: nodes without a certificate of the authority are refused");
  return carrier;
}
