import { testDomainContract } from "../domains/testing/domain_contract.ts";
import { QuicCarrier } from "./carrier.ts";

testDomainContract("DomainTransport of QuicCarrier", (options) => new QuicCarrier(options));
