import { defineDomainTable } from "../domains/config.ts";
import { type DomainContext, type RunningDomains, startDomains } from "../domains/start.ts";
import { QuicCarrier } from "./carrier.ts";

/** Table `[network_quic]` of config.toml, with the keys of `[network_tls]`. */
export const QUIC_TABLE = defineDomainTable("network_quic");

/** Starts the flavour `network_quic`; throws for settings that it cannot serve or a taken port. */
export function startQuic(context: DomainContext): Promise<RunningDomains> {
  return startDomains({
    table: QUIC_TABLE,
    createCarrier: (options) => Promise.resolve(new QuicCarrier(options)),
  }, context);
}
