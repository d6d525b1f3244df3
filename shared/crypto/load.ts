import { loadEthSuite } from "./eth/suite.ts";
import { loadSmSuite } from "./sm/suite.ts";
import type { CryptoSuite, SuiteName } from "./suite.ts";

/** Loads the algorithms of one suite: some milliseconds for the hash module, more at first use. */
export function loadSuite(name: SuiteName): Promise<CryptoSuite> {
  return name === "sm" ? loadSmSuite() : loadEthSuite();
}
