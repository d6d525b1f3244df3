import { port, type ValuesOf } from "../../shared/config/mod.ts";

/** Keys of every flavour's table. */
export const PORT_KEYS = {
  storage_port: port({ default: 50003, doc: "gRPC port of this service, on 127.0.0.1" }),
  kms_port: port({ default: 50005, doc: "port of the kms on this host, asked for block hashes" }),
};

/** Values of {@linkcode PORT_KEYS}. */
export type StoragePorts = ValuesOf<typeof PORT_KEYS>;
