import { type Bytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { parseDocument, readTable } from "../../../shared/config/mod.ts";
import type { SuiteName } from "../../../shared/crypto/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { connectRaw } from "../../../shared/rpc/mod.ts";
import { CRYPTO_SM_TABLE } from "../sm/config.ts";
import { startCrypto } from "../start.ts";

/** Calls a method of a service of `kms` with an encoded request; both sides in hex. */
export type CallHex = (method: string, requestHex: string) => Promise<string>;

/** Calls a gRPC service on a port of this machine while `test` runs. */
export async function withRawCalls(
  { port, service }: { readonly port: number; readonly service: string },
  test: (call: CallHex) => Promise<void>,
): Promise<void> {
  const client = connectRaw({ port });
  try {
    await test(async (method, requestHex) =>
      toHex(await client.call(`/${service}/${method}`, fromHex(requestHex)))
    );
  } finally {
    client.close();
  }
}

/** Serves the flavour `[crypto_*]` with this key while `test` runs. */
export async function withServedCrypto(
  { suite, secretKey }: { readonly suite: SuiteName; readonly secretKey: Bytes },
  test: (port: number) => Promise<void>,
): Promise<void> {
  const privateKeyPath = await Deno.makeTempFile();
  await Deno.writeTextFile(privateKeyPath, `0x${toHex(secretKey)}\n`);
  const defaults = readTable(CRYPTO_SM_TABLE, parseDocument("[crypto_sm]", "config.toml"));
  const config = { ...defaults, crypto_port: 0 };
  const context = { config, privateKeyPath, clock: SYSTEM_CLOCK, log: SILENT_LOGGER };
  try {
    const crypto = await startCrypto(suite, context);
    try {
      await test(crypto.port);
    } finally {
      await crypto.stop();
    }
  } finally {
    await Deno.remove(privateKeyPath);
  }
}
