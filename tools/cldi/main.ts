import process from "node:process";
import { runProgram, STANDARD_OUTPUT } from "../../shared/cli/mod.ts";
import { useStrictUtf8 } from "../../shared/codec/mod.ts";
import { type CryptoSuite, loadSuite } from "../../shared/crypto/mod.ts";
import type { CryptoType } from "./account.ts";
import { DataFolder, suiteNameOf } from "./data_folder.ts";
import { CldiError, renderError } from "./errors.ts";
import { createCldi } from "./program.ts";

const loaded = new Map<CryptoType, Promise<CryptoSuite>>();

/** Each suite is loaded once, when it is first needed. */
function suites(cryptoType: CryptoType): Promise<CryptoSuite> {
  const suite = loaded.get(cryptoType) ?? loadSuite(suiteNameOf(cryptoType));
  loaded.set(cryptoType, suite);
  return suite;
}

/** The folder is opened before the command line is read, as the reference does. */
function openFolder(): Promise<DataFolder> {
  const home = process.env["HOME"];
  if (home === undefined || home === "") {
    throw new CldiError("Cannot find the home folder: HOME must be set");
  }
  return DataFolder.open(`${home}/.cloud-cli`, suites, STANDARD_OUTPUT);
}

async function main(): Promise<number> {
  useStrictUtf8();
  try {
    const program = createCldi({ folder: await openFolder(), suites, output: STANDARD_OUTPUT });
    return await runProgram(program, process.argv.slice(2));
  } catch (error) {
    STANDARD_OUTPUT.err(renderError(error));
    return 1;
  }
}

process.exit(await main());
