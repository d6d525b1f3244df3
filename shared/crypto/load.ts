import { loadEthSuite } from "./eth/suite.ts";
import { loadSmSuite } from "./sm/suite.ts";
import type { CryptoSuite, SuiteName } from "./suite.ts";

/** Loads the algorithms of one suite and tests them: some 20 ms for sm, less for eth. */
export function loadSuite(name: SuiteName): Promise<CryptoSuite> {
  return name === "sm" ? loadSmSuite() : loadEthSuite();
}
