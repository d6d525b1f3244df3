import { EngineError } from "../../engine.ts";

/** What becomes of a session after an error. */
export type PostgresErrorReason =
  /** The server refused a statement; the session goes on. */
  | "refused"
  /** The connection broke, or was never made. */
  | "lost"
  /** The server did not answer in time; the session was given up. */
  | "timeout"
  /** Another storage has the table. */
  | "locked";

/** A failure at the database; the text names the server and the reason. */
export class PostgresError extends EngineError {
  override name = "PostgresError";

  constructor(
    readonly reason: PostgresErrorReason,
    message: string,
    /** The five characters that SQL has for the kind of the error; null when it is not from SQL. */
    readonly sqlState: string | null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What {@linkcode postgresError} is told about the place of an error. */
export interface ErrorContext {
  /** As in `connect`, `read` or `write`. */
  readonly action: string;
  /** As in `127.0.0.1:5432/cita_cloud`. */
  readonly place: string;
}

/** Classes of SQL errors after which the server ends the session. */
const ENDS_SESSION = /^(08|57P)/;

/** The error for whatever the driver threw. */
export function postgresError(thrown: unknown, { action, place }: ErrorContext): PostgresError {
  if (thrown instanceof PostgresError) return thrown;
  const { text, sqlState, isTimeout } = inspect(thrown);
  const message = `Cannot ${action} PostgreSQL at ${place}: ${text}`;
  const reason = isTimeout
    ? "timeout"
    : sqlState === null || ENDS_SESSION.test(sqlState)
    ? "lost"
    : "refused";
  return new PostgresError(reason, message, sqlState, { cause: thrown });
}

function inspect(thrown: unknown) {
  if (!(thrown instanceof Error)) return { text: String(thrown), sqlState: null, isTimeout: false };
  const code = "code" in thrown && typeof thrown.code === "string" ? thrown.code : null;
  const isFromSql = "severity" in thrown && code !== null;
  const isTimeout = /timeout/.test(thrown.message) && !isFromSql;
  if (isTimeout) return { text: "it did not answer in time", sqlState: null, isTimeout };
  const text = textOf(thrown, code);
  return {
    text: isFromSql ? `it says "${text}" (${code})` : text,
    sqlState: isFromSql ? code : null,
    isTimeout,
  };
}

/** Codes of a certificate that is not accepted. */
const CERTIFICATE = /CERT|VERIFY|SELF_SIGNED/;

/** Errors of a host with several addresses have an empty message, those of TLS are no sentences. */
function textOf(thrown: Error, code: string | null): string {
  if (code !== null && CERTIFICATE.test(code)) return `its certificate is not trusted (${code})`;
  return thrown.message !== "" ? thrown.message : code ?? thrown.name;
}

/** SQL states of a start that waiting does not mend: login, database, permissions, names. */
const NEEDS_OPERATOR = /^(28|3D|3F|42|0LP)/;

/** Whether only an operator can mend what kept a session from being opened. */
export function needsOperator(error: PostgresError): boolean {
  if (error.reason === "locked") return true;
  if (error.sqlState !== null) return NEEDS_OPERATOR.test(error.sqlState);
  return /certificate is not trusted|does not support SSL/.test(error.message);
}
