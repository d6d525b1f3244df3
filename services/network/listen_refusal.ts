import { StartRefusal } from "../../shared/service/mod.ts";

/** Refuses a start whose port for other nodes cannot be listened on; one line tells the operator. */
export function listenRefusal(port: number, cause: unknown): StartRefusal {
  const got = cause instanceof Error ? cause.message : String(cause);
  const text = `Cannot listen on 0.0.0.0:${port}: it must be free, got "${got}"`;
  return new StartRefusal(text, 1, { cause });
}
