/** A node of our executables that follows the recorded one-node chain; the test is its network. */

import assert from "node:assert/strict";
import { RPCServiceService as ControllerService } from "../../../proto/gen/controller.ts";
import { KmsServiceService } from "../../../proto/gen/kms.ts";
import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import { connect, type RpcClient } from "../../../shared/rpc/mod.ts";
import { freePort } from "../../free_ports.ts";
import { waitFor } from "../wait.ts";
import { FakeNetwork } from "./fake_network.ts";
import { Player } from "./player.ts";
import { readText, type RecordedCall, vectorPath } from "./recordings.ts";

/** Roles that run as executables, in the order in which they are started: any must do. */
export const ROLES = ["controller", "consensus", "executor", "storage"] as const;
/** One of {@linkcode ROLES}. */
export type Role = typeof ROLES[number];

/** Which executable serves a package. */
const ROLE_OF_PACKAGE: Readonly<Record<string, Role>> = {
  controller: "controller",
  evm: "executor",
  executor: "executor",
  storage: "storage",
};

const SYNC_TIMEOUT_MS = 30_000;

/** A key of the node's kms. */
export interface NodeKey {
  readonly keyId: bigint;
  readonly address: Bytes;
}

/** The recorded configuration with ports of our own, as another node than the recorded one. */
async function writeConfig(ports: ReadonlyMap<string, number>, node: NodeKey): Promise<string> {
  const recorded = await readText("controller/single_config.toml");
  const config = recorded
    .replace(/(\w+)_port = \d+/g, (_, role: string) => `${role}_port = ${ports.get(role)}`)
    .replace(/node_address = '.*'/g, `node_address = '${toHex(node.address)}'`)
    .replace(/key_id = \d+/, `key_id = ${node.keyId}`);
  // a node waits three seconds before it asks a service again that was away
  return config.replace("[controller]\n", "[controller]\nserver_retry_interval = 1\n")
    .replace("[consensus_bft]\n", `[consensus_bft]\nkey_id = ${node.keyId}\n`);
}

/** Four services, the kms and the fake network between them. */
export class Follower implements AsyncDisposable {
  readonly #ports: ReadonlyMap<string, number>;
  readonly #players = new Map<Role, Player>();
  #kmsPlayer: Player | null = null;
  #network: FakeNetwork | null = null;
  #node: NodeKey | null = null;
  readonly kms: RpcClient<typeof KmsServiceService>;
  readonly controller: RpcClient<typeof ControllerService>;

  private constructor(readonly folder: string) {
    const roles = ["network", "consensus", "executor", "storage", "controller", "kms"];
    this.#ports = new Map(roles.map((role) => [role, freePort()]));
    this.kms = connect(KmsServiceService, { port: this.#port("kms") });
    this.controller = connect(ControllerService, { port: this.#port("controller") });
  }

  /** Starts everything; the kms has the recorded validator's key as key 1. */
  static async start(folder: string): Promise<Follower> {
    const follower = new Follower(folder);
    try {
      await Deno.copyFile(vectorPath("kms/chain_single.db"), `${folder}/kms.db`);
      await follower.#startKms();
      follower.#node = await follower.generateKey();
      follower.#network = await FakeNetwork.serve(follower.#port("network"));
      await follower.startRoles();
      return follower;
    } catch (error) {
      await follower[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Address and key of the node itself. */
  get node(): NodeKey {
    assert(this.#node !== null);
    return this.#node;
  }

  get network(): FakeNetwork {
    assert(this.#network !== null);
    return this.#network;
  }

  /** One of the executables. */
  player(role: Role): Player {
    const player = this.#players.get(role);
    assert(player !== undefined);
    return player;
  }

  #port(role: string): number {
    const port = this.#ports.get(role);
    assert(port !== undefined);
    return port;
  }

  async #startKms(): Promise<void> {
    const port = this.#port("kms");
    const config = `[kms_sm]\nkms_port = ${port}\ndb_key = '123456'\n`;
    this.#kmsPlayer = await Player.start({ role: "kms", folder: this.folder, config, port });
  }

  /** Starts roles, all by default, and waits until they serve. */
  async startRoles(roles: readonly Role[] = ROLES): Promise<void> {
    const config = await writeConfig(this.#ports, this.node);
    for (const role of roles) {
      const options = { role, folder: this.folder, config, port: this.#port(role) };
      this.#players.set(role, await Player.start({ ...options, readyTimeoutMs: 0 }));
    }
    for (const role of roles) await this.player(role).whenReady(SYNC_TIMEOUT_MS);
  }

  /** SIGKILLs roles, all by default. */
  async killRoles(roles: readonly Role[] = ROLES): Promise<void> {
    for (const role of roles) {
      await this.player(role).kill();
      await this.player(role)[Symbol.asyncDispose]();
    }
  }

  /** SIGTERM to all; gives the exit codes. */
  async stop(): Promise<number[]> {
    return await Promise.all([...this.#players.values()].map((player) => player.stop()));
  }

  /** Makes a new key in the kms. */
  async generateKey(): Promise<NodeKey> {
    const { keyId, address } = await this.kms.generateKeyPair({ Description: "" });
    return { keyId, address };
  }

  /** Sends a recorded call to the service that it was for; the answer must be the recorded one. */
  async expect(call: RecordedCall): Promise<void> {
    const [, packageName = ""] = /^\/(\w+)\./.exec(call.method) ?? [];
    const role = ROLE_OF_PACKAGE[packageName];
    assert(role !== undefined, call.method);
    await this.player(role).expect(call);
  }

  async height(): Promise<bigint> {
    return (await this.controller.getBlockNumber({ flag: false })).blockNumber;
  }

  /** Waits until the controller has a block. */
  async waitForHeight(height: bigint): Promise<void> {
    await waitFor(async () => await this.height() >= height ? true : null, {
      what: `block ${height}`,
      timeoutMs: SYNC_TIMEOUT_MS,
    });
  }

  /** The ends of all logs. */
  async logs(): Promise<string> {
    const texts = [];
    for (const [role, player] of this.#players) texts.push(`== ${role}\n${await player.logs()}`);
    return texts.join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kms.close();
    this.controller.close();
    for (const player of this.#players.values()) await player[Symbol.asyncDispose]();
    await this.#kmsPlayer?.[Symbol.asyncDispose]();
    await this.#network?.[Symbol.asyncDispose]();
  }
}
