/** The admin of a chain, who changes its configuration. */

import { toHex } from "../../shared/bytes/mod.ts";
import { loadSuite } from "../../shared/crypto/mod.ts";
import { openKmsDb } from "../../shared/kms_db/mod.ts";
import type { DevChain } from "./dev_chain.ts";
import { waitFor } from "./wait.ts";

/** Password of all key files that `cloud-config create-dev` writes. */
const PASSWORD = "123456";
const KEY_ID = 1n;

/** How long a change may take from its sending to its effect, on a busy machine. */
const EFFECT_TIMEOUT_MS = 60_000;

/** Changes the configuration of a chain by `cldi admin`. */
export class Admin {
  private constructor(readonly chain: DevChain, readonly account: string) {}

  /** Gives `cldi` the key that the chain was created with. */
  static async of(chain: DevChain): Promise<Admin> {
    const { admin } = await chain.node(0).controller.getSystemConfig({});
    const path = `${chain.folder}/test-chain/accounts/${toHex(admin)}/kms.db`;
    const suite = await loadSuite(chain.options.crypto);
    const db = await openKmsDb({ path, password: PASSWORD, suite });
    const secretKey = db.useKeyPair(KEY_ID, (pair) => toHex(pair.secretKey));
    db.close();
    if (secretKey === null) throw new Error(`"${path}" has no key ${KEY_ID}`);
    await chain.cldi(0, "account", "import", "--name", "admin", secretKey);
    return new Admin(chain, "admin");
  }

  /** Another account of `cldi` as admin. */
  as(account: string): Admin {
    return new Admin(this.chain, account);
  }

  /** Runs `cldi admin` against a node. */
  async change(...args: string[]): Promise<void> {
    await this.chain.cldi(0, "-u", this.account, "admin", ...args);
  }

  /** Changes the validators to some nodes and waits until node 0 has the block that does it. */
  async setValidators(nodes: readonly number[]): Promise<void> {
    const wanted = nodes.map((node) => this.chain.address(node));
    await this.change("update-validators", ...wanted);
    await this.until(
      "the validators",
      ({ validators }) => validators.map(toHex).join() === wanted.join(),
    );
  }

  /** Waits until the configuration of a node is as wanted. */
  async until(what: string, holds: (config: ConfigOfNode) => boolean, node = 0): Promise<void> {
    await waitFor(
      async () => holds(await this.chain.node(node).controller.getSystemConfig({})) ? true : null,
      { what, timeoutMs: EFFECT_TIMEOUT_MS },
    );
  }
}

type ConfigOfNode = Awaited<
  ReturnType<ReturnType<DevChain["node"]>["controller"]["getSystemConfig"]>
>;
