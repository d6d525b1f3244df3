import type { Bytes } from "../bytes/mod.ts";
import { type DerReader, encodeDer, TAG } from "./der.ts";
import { CertificateError } from "./errors.ts";

/** Times before 2050 have two digits of the year, later ones four (RFC 5280, 4.1.2.5). */
const SHORT_YEARS_END_MS = Date.UTC(2050, 0);

/** Bytes of the longer form; of a wrong time no more is shown. */
const TIME_SIZE_MAX = 15;

const SHORT_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const LONG_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** Reads a time of a certificate, in milliseconds; throws a {@linkcode CertificateError}. */
export function readTime(reader: DerReader): number {
  const { tag, content } = reader.any();
  const pattern = tag === TAG.utcTime ? SHORT_TIME : LONG_TIME;
  const text = new TextDecoder("latin1").decode(content);
  const fields = pattern.exec(text);
  if (fields === null || (tag !== TAG.utcTime && tag !== TAG.generalizedTime)) {
    throw wrongTime(text);
  }
  const [digits = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields.slice(1)
    .map(Number);
  const year = tag === TAG.utcTime ? digits + (digits >= 50 ? 1900 : 2000) : digits;
  // Date.UTC() turns the years 0 to 99 into those of the 20th century, setUTCFullYear() does not.
  const date = new Date(Date.UTC(2000, month - 1, day, hour, minute, second));
  date.setUTCFullYear(year, month - 1, day);
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 &&
    minute < 60 && second < 60;
  if (!isReal) throw wrongTime(text);
  return date.getTime();
}

function wrongTime(text: string): CertificateError {
  const isLong = text.length > TIME_SIZE_MAX;
  const shown = JSON.stringify(isLong ? `${text.slice(0, TIME_SIZE_MAX)}...` : text);
  return new CertificateError(
    "malformed",
    `Cannot read the time ${shown}: it must be YYMMDDhhmmssZ or YYYYMMDDhhmmssZ`,
  );
}

/** Writes a time of a certificate, whole seconds. */
export function encodeTime(timeMs: number): Bytes {
  const digits = new Date(timeMs).toISOString().replace(/\.\d+|[-:T]/g, "");
  const isShort = timeMs < SHORT_YEARS_END_MS;
  return encodeDer(
    isShort ? TAG.utcTime : TAG.generalizedTime,
    new TextEncoder().encode(isShort ? digits.slice(2) : digits),
  );
}
