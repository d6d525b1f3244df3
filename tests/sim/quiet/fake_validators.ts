import { fakeAddress, FakeSigner } from "../../../services/consensus/testing/fake_crypto.ts";
import type { Validator } from "./quiet_bft.ts";

/** So many validators with quick signatures. */
export function fakeValidators(count: number): Validator[] {
  const signer = new FakeSigner();
  return Array.from({ length: count }, (_, index) => {
    const address = fakeAddress(index);
    return { address, sign: (hash) => signer.sign(address, hash) };
  });
}
