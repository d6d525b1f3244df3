import { testDomainService } from "../domains/testing/service_contract.ts";
import { TlsCarrier } from "./carrier.ts";
import { startTls, TLS_TABLE } from "./start.ts";

testDomainService("network_tls", {
  table: TLS_TABLE,
  start: startTls,
  createCarrier: (options) => new TlsCarrier(options),
});
