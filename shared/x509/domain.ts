/** Longest name and longest label, in characters (RFC 1034, section 3.1). */
const NAME_LENGTH_MAX = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;
const IS_NUMBER = /^[0-9]+$/;

/** A wildcard stands for one label only and has at least two behind it. */
const WILDCARD = "*.";
const LABELS_AFTER_WILDCARD_MIN = 2;

/**
 * Whether a text is a DNS name that a peer may be known by (spec/network.md, 4.3): ASCII letters,
 * digits, `-` and `_`, labels of 1 to 63 characters without `-` at their ends, the last one no
 * number, so that an IPv4 address is none. A dot may follow.
 */
export function isDnsName(text: string): boolean {
  return isRelativeName(text.endsWith(".") ? text.slice(0, -1) : text, text.length);
}

function isRelativeName(text: string, length: number): boolean {
  if (length > NAME_LENGTH_MAX) return false;
  const labels = text.split(".");
  return labels.every((label) => LABEL.test(label)) &&
    !IS_NUMBER.test(labels.at(-1) ?? "");
}

/**
 * Whether a DNS name of a certificate is that of a peer, compared without case. `*.` at its begin
 * stands for exactly one label, when at least two follow; a name that ends with a dot never matches.
 */
export function matchesDomain(presented: string, domain: string): boolean {
  if (!isDnsName(domain)) return false;
  const wanted = (domain.endsWith(".") ? domain.slice(0, -1) : domain).toLowerCase();
  if (!presented.startsWith(WILDCARD)) {
    return isRelativeName(presented, presented.length) && presented.toLowerCase() === wanted;
  }
  const parent = presented.slice(WILDCARD.length);
  return isRelativeName(parent, presented.length) &&
    parent.split(".").length >= LABELS_AFTER_WILDCARD_MIN &&
    wanted.slice(wanted.indexOf(".") + 1) === parent.toLowerCase();
}
