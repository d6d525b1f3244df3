import { testDomainContract } from "../domains/testing/domain_contract.ts";
import { QuicCarrier } from "./carrier.ts";

testDomainContract("DomainTransport of QuicCarrier", ({ identity, ...options }) => {
  const { ca, cert, key } = identity;
  return new QuicCarrier({ credentials: { ca, certificate: cert, key }, ...options });
});
