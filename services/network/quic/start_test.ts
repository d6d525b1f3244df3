import { testDomainService } from "../domains/testing/service_contract.ts";
import { QuicCarrier } from "./carrier.ts";
import { QUIC_TABLE, startQuic } from "./start.ts";

testDomainService("network_quic", {
  table: QUIC_TABLE,
  start: startQuic,
  createCarrier: (options) => new QuicCarrier(options),
});
