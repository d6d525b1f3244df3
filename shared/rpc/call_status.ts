import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import { RpcCode } from "./status.ts";

/** How a call ended. */
export interface CallStatus {
  /** The gRPC status code; {@linkcode RpcCode} names the usual ones. */
  readonly code: number;
  readonly details: string;
}

/** Reads the status in trailers, or in headers that are the whole answer; null without one. */
export function readStatus(headers: IncomingHttpHeaders): CallStatus | null {
  const status = headers["grpc-status"];
  if (typeof status !== "string") return null;
  const code = /^\d{1,3}$/.test(status) ? Number(status) : RpcCode.Unknown;
  const message = headers["grpc-message"];
  return { code, details: typeof message === "string" ? decodePercent(message) : "" };
}

/** Texts of a status are percent-encoded UTF-8; what is not is given as it is. */
function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The status of a call in trailers, or in headers that are the whole answer. */
export function statusHeaders({ code, details }: CallStatus): OutgoingHttpHeaders {
  return { "grpc-status": String(code), "grpc-message": encodePercent(details) };
}

/** Leaves printable ASCII but the percent sign as it is. */
function encodePercent(text: string): string {
  // half of a surrogate pair has no encoding
  return text.toWellFormed().replace(/[^ -$&-~]+/gu, encodeURIComponent);
}

/** HTTP statuses by which something that is no gRPC service refuses, and what they mean in gRPC. */
const CODES_BY_HTTP_STATUS: Readonly<Record<number, RpcCode>> = {
  400: RpcCode.Internal,
  404: RpcCode.Unimplemented,
  429: RpcCode.Unavailable,
  502: RpcCode.Unavailable,
  503: RpcCode.Unavailable,
  504: RpcCode.Unavailable,
};

/** The status of an answer by its headers, when they are not those of a gRPC service; else null. */
export function refusalOf(headers: IncomingHttpHeaders): CallStatus | null {
  const status = Number(headers[":status"]);
  if (status !== 200) {
    const code = CODES_BY_HTTP_STATUS[status] ?? RpcCode.Unknown;
    return { code, details: `the service answered HTTP status ${status}` };
  }
  const type = headers["content-type"] ?? "";
  if (type.startsWith("application/grpc")) return null;
  return { code: RpcCode.Unknown, details: `the service answered content of type "${type}"` };
}

const CODES_BY_RESET: Readonly<Record<number, RpcCode>> = {
  [constants.NGHTTP2_REFUSED_STREAM]: RpcCode.Unavailable,
  [constants.NGHTTP2_CANCEL]: RpcCode.Cancelled,
  [constants.NGHTTP2_ENHANCE_YOUR_CALM]: RpcCode.ResourceExhausted,
};

/** The status of a call that the service ended with an HTTP/2 error code. */
export function statusOfReset(code: number): CallStatus {
  const details = code === constants.NGHTTP2_NO_ERROR
    ? "the answer ended without a status"
    : `the service ended the call with HTTP/2 code ${code}`;
  return { code: CODES_BY_RESET[code] ?? RpcCode.Internal, details };
}
