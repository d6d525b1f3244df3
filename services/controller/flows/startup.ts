import { Block } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { genesisBlock, hashBlockHeader } from "../../../shared/block/mod.ts";
import {
  type Bytes,
  EMPTY_BYTES,
  equalBytes,
  readU64be,
  to0xHex,
  u64be,
} from "../../../shared/bytes/mod.ts";
import { assert } from "../../../shared/assert/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import { blockRecords, ChainState, GlobalKey, type Tip } from "../chain/mod.ts";
import { NodeTable } from "../node_manager/mod.ts";
import { Pool } from "../pool/mod.ts";
import type { CryptoInfo } from "../ports.ts";
import { SyncCore } from "../sync/mod.ts";
import { Activity } from "./activity.ts";
import { alignExecutor, replayBlocks } from "./align_executor.ts";
import { ChainDataError, MEND_EXECUTOR, MEND_STORAGE } from "./chain_data.ts";
import { loadSystemConfig } from "./load_config.ts";
import { loadHistory } from "./load_history.ts";
import { Lock } from "./lock.ts";
import { LoggedBlocks } from "./logged_blocks.ts";
import type { Environment, Node, Settings } from "./node.ts";
import { PatientStorage } from "./patient_storage.ts";
import { type RetryOptions, untilReady, warnOfChange } from "./retry.ts";
import { loadStoredTip, requireRecord, type StoredTip } from "./stored_tip.ts";
import { watchPorts } from "./watched_ports.ts";

/**
 * Brings a node up to the point where it can serve: waits for its neighbours, loads or creates the
 * chain, aligns the executor, finishes a block that a crash interrupted (spec/controller.md, 5).
 */
export async function startNode(settings: Settings, given: Environment): Promise<Node> {
  const activity = new Activity(given.clock);
  const env = { ...given, ports: watchPorts(given.ports, activity) };
  const start = new Startup(settings, env, activity);
  await start.register();
  const crypto = await start.waitForKms();
  const logged = await LoggedBlocks.load(env.ports.wal, env.log);
  const node = await start.loadChain(crypto, logged);
  await logged.redo(node, start.retry);
  return node;
}

class Startup {
  readonly retry: RetryOptions;
  readonly #settings: Settings;
  readonly #env: Environment;
  readonly #storage: PatientStorage;
  readonly #activity: Activity;

  constructor(settings: Settings, env: Environment, activity: Activity) {
    this.#settings = settings;
    this.#env = env;
    this.#activity = activity;
    const { clock, signal, ports, log } = env;
    this.retry = { clock, signal, delayMaxMs: settings.retryIntervalMs };
    this.#storage = new PatientStorage(ports.storage, log, this.retry);
  }

  async register(): Promise<void> {
    const { ports, log } = this.#env;
    const warn = warnOfChange(log);
    await untilReady(async () => {
      const code = await ports.network.register();
      if (code === StatusCode.Success) return true;
      warn(`register network msg handler failed(${statusName(code)})! Retrying`);
      return null;
    }, this.retry);
    log.info("register network msg handler success!");
  }

  async waitForKms(): Promise<CryptoInfo> {
    const { ports, log } = this.#env;
    const warn = warnOfChange(log);
    const info = await untilReady(async () => {
      const answer = await ports.kms.cryptoInfo();
      if (answer.code === StatusCode.Success) return answer;
      warn("kms not ready! Retrying");
      return null;
    }, this.retry);
    log.info(`kms(${info.name}) is ready!`);
    return info;
  }

  async loadChain({ name, signatureSize }: CryptoInfo, logged: LoggedBlocks): Promise<Node> {
    const { log } = this.#env;
    log.info("load sys_config");
    const hash = await this.#env.loadHash(name);
    const genesis = genesisBlock(this.#settings.genesis);
    assert(genesis.header !== undefined, "The genesis block has a header");
    const genesisHash = hashBlockHeader(hash, genesis.header);
    const height = await this.#loadHeight();
    log.info(height === null ? "this is a new chain!" : "this is an old chain!");
    const context = { storage: this.#storage, hash, log };
    const storedTip = height === null ? null : await loadStoredTip(context, height);
    const currentHash = storedTip?.hash ?? genesisHash;
    log.info(
      `current block number: ${height ?? 0n}, current block hash: ${to0xHex(currentHash)}`,
    );
    const systemConfig = await loadSystemConfig({
      storage: this.#storage,
      initial: this.#settings.systemConfig,
      height: height ?? 0n,
      pending: (txHash) => logged.findChange(txHash),
      report: (line) => log.info(line),
    });
    log.info("load sys_config complete");
    log.info(`node address: ${to0xHex(this.#settings.nodeAddress)}`);
    const tip = storedTip === null
      ? await this.#createGenesis(genesis, genesisHash)
      : await this.#resume(storedTip, genesis);
    log.info("executor is ready!");
    const history = await loadHistory({
      storage: this.#storage,
      height: tip.height,
      config: systemConfig,
      initialLimit: this.#settings.systemConfig.blockLimit,
    });
    log.info(`init_block_number: ${tip.height}`);
    const { syncInterval: interval, syncRequestsMax: requestsMax } = this.#settings;
    const forceEpoch = this.#settings.forceSyncEpoch;
    const { poolCountMax, poolSizeMax } = this.#settings;
    return {
      settings: this.#settings,
      env: this.#env,
      hash,
      signatureSize,
      chain: new ChainState(tip),
      history,
      pool: new Pool({ countMax: poolCountMax, sizeMax: poolSizeMax }),
      peers: new NodeTable(),
      sync: new SyncCore({ interval, requestsMax, forceEpoch }),
      lock: new Lock(),
      activity: this.#activity,
      systemConfig,
      startHeight: tip.height,
    };
  }

  /** Null for a new chain. */
  async #loadHeight(): Promise<bigint | null> {
    const stored = await this.#storage.load(Regions.GLOBAL, u64be(GlobalKey.Height));
    this.#env.log.info("get current block number success!");
    // an empty value means a new chain too, as in the reference
    if (stored === null || stored.length === 0) {
      await this.#requireNoBlocks();
      return null;
    }
    if (stored.length < 8) {
      throw new ChainDataError("Cannot use the stored height: it is cut short", MEND_STORAGE);
    }
    return readU64be(stored);
  }

  /** A chain that began anew on top of stored blocks would contradict them. */
  async #requireNoBlocks(): Promise<void> {
    const first = await this.#storage.load(Regions.BLOCK_HASH, u64be(1n));
    if (first === null) return;
    throw new ChainDataError(
      "Cannot use the stored chain: its height is missing although block 1 is stored",
      MEND_STORAGE,
    );
  }

  /** The executor may have executed genesis before a crash: 502 is as good as 0. */
  async #createGenesis(genesis: Block, hash: Bytes): Promise<Tip> {
    this.#env.log.info("finalize genesis block");
    const encoded = encode(Block, genesis);
    const { stateRoot } = await this.#execGenesis(encoded);
    const records = blockRecords({ height: 0n, hash, encoded, stateRoot, applied: [] });
    for (const record of records.flat()) await this.#storage.store(record);
    const timestampMs = this.#settings.genesis.timestamp;
    return { height: 0n, hash, timestampMs, stateRoot, proof: EMPTY_BYTES };
  }

  async #resume(stored: StoredTip, genesis: Block): Promise<Tip> {
    const { height } = stored;
    this.#env.log.info("confirm executor status");
    const first = await requireRecord(this.#storage, Regions.FULL_BLOCK, 0n);
    if (!equalBytes(first, encode(Block, genesis))) {
      this.#env.log.warn("[genesis_block] is not what the stored chain began with: no effect");
    }
    const { storage, executor } = this.#env.ports;
    const context = { storage, executor, log: this.#env.log };
    const { isFresh } = await this.#execGenesis(first);
    const warn = warnOfChange(this.#env.log);
    await untilReady(async () => {
      // an executor that had no genesis has nothing: no use in asking it for the newest block
      const isAligned = isFresh
        ? await replayBlocks(context, 1n, height)
        : await alignExecutor(context, height);
      if (isAligned) return true;
      warn("executor server not ready! Retrying.");
      return null;
    }, this.retry);
    const stateRoot = await requireRecord(this.#storage, Regions.RESULT, height);
    return { ...stored, stateRoot };
  }

  async #execGenesis(encoded: Bytes): Promise<{ stateRoot: Bytes; isFresh: boolean }> {
    const { ports, log } = this.#env;
    const warn = warnOfChange(log);
    const { code, stateRoot } = await untilReady(async () => {
      const executed = await ports.executor.exec(encoded);
      if (executed.code !== StatusCode.ExecuteServerNotReady) return executed;
      warn("executor server not ready! Retrying.");
      return null;
    }, this.retry);
    const isFresh = code === StatusCode.Success;
    if (isFresh || code === StatusCode.ReenterBlock) return { stateRoot, isFresh };
    throw new ChainDataError(
      `Cannot use the executor: it answers ${statusName(code)} to the genesis block, so it holds ` +
        "another chain",
      MEND_EXECUTOR,
    );
  }
}
