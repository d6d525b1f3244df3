import { testDomainContract } from "../domains/testing/domain_contract.ts";
import { TlsCarrier } from "./carrier.ts";

testDomainContract("DomainTransport of TlsCarrier", (options) => new TlsCarrier(options));
