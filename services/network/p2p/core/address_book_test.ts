import assert from "node:assert/strict";
import {
  AddressBook,
  BOOK_SIZE_MAX,
  type BookOptions,
  TELL_INTERVAL_MIN_MS,
  TOLD_COUNT_MAX,
} from "./address_book.ts";

const OWN = "/dns4/own/tcp/1";
const A = "/dns4/a/tcp/1";
const B = "/dns4/b/tcp/1";
const C = "/dns4/c/tcp/1";

function openBook(options: Partial<BookOptions> = {}): AddressBook {
  return new AddressBook({
    nodeId: 1n,
    advertised: OWN,
    configured: [],
    needsDomain: false,
    ...options,
  });
}

const told = (address: string, nodeId = 0n) => ({ address, nodeId });
const dueAt = (book: AddressBook, nowMs: number) => book.due(nowMs).map(({ text }) => text);

Deno.test("AddressBook dials what neighbours tell, once", () => {
  const book = openBook();
  book.opened(1n, null);
  assert.equal(book.told(1n, [told(A, 2n), told(B, 3n), told(C)], 0), false);
  assert.deepEqual(dueAt(book, 0), [A, B, C]);
  assert.deepEqual(dueAt(book, 1), [], "they are being dialled");
  book.opened(2n, A);
  assert.deepEqual(dueAt(book, 10_000), [B, C], "A is connected");
});

Deno.test("AddressBook tells itself first, then what it has reached", () => {
  const book = openBook();
  assert.deepEqual(book.tell(), [told(OWN, 1n)]);
  book.opened(1n, null);
  book.opened(2n, A);
  book.told(1n, [told(B, 3n)], 0);
  assert.deepEqual(book.tell(), [told(OWN, 1n), told(A)], "B is hearsay");
  book.told(2n, [told("", 7n)], 0);
  assert.deepEqual(book.tell(), [told(OWN, 1n), told(A, 7n)]);
  book.ended(2n, 0);
  assert.deepEqual(book.tell(), [told(OWN, 1n)]);
  assert.deepEqual(openBook({ advertised: null }).tell(), [told("", 1n)]);
});

Deno.test("AddressBook dials back a node that has dialled it, but no node twice", () => {
  const book = openBook();
  book.opened(1n, null);
  book.told(1n, [told(A, 2n)], 0);
  assert.deepEqual(dueAt(book, 0), [A], "so that each has dialled the other");
  book.opened(2n, "/dns4/configured/tcp/1");
  book.told(2n, [told(A, 2n)], 0);
  assert.deepEqual(dueAt(book, 10_000), [], "the same node under another address");
  book.ended(2n, 10_000);
  assert.deepEqual(dueAt(book, 10_000), [A]);
});

Deno.test("AddressBook ends no session for a number that another neighbour has claimed", () => {
  const book = openBook({ configured: [A] });
  book.opened(1n, A);
  book.told(1n, [told("", 2n), told(B)], 0);
  assert.deepEqual(dueAt(book, 0), [B]);
  book.opened(2n, B);
  assert.equal(book.told(2n, [told("", 2n)], 0), false, "the node of A may have lied");
});

Deno.test("AddressBook dials local addresses only when it has configured peers on such", () => {
  const local = [
    "/ip4/127.0.0.1/tcp/1",
    "/ip4/127.9.9.9/tcp/1",
    "/ip4/169.254.169.254/tcp/80",
    "/ip6/::1/tcp/1",
    "/ip6/fe80::1/tcp/1",
    "/ip6/::ffff:127.0.0.1/tcp/1",
    "/dns4/LOCALHOST/tcp/1",
    "/dns4/a.localhost./tcp/1",
    "/dns4/127.0.0.1/tcp/1",
  ];
  const rememberedWith = (configured: string[]) => {
    const book = openBook({ configured });
    book.opened(1n, null);
    book.told(1n, [...local, A].map((address) => told(address)), 0);
    return book.addresses;
  };
  assert.deepEqual(rememberedWith([B, "foo"]), [A]);
  assert.deepEqual(rememberedWith(["/dns4/localhost/tcp/2"]), [...local, A]);
});

Deno.test("AddressBook never ends a session to a configured address", () => {
  const book = openBook({ configured: [A, B] });
  book.opened(1n, A);
  book.opened(2n, B);
  assert.equal(book.told(1n, [told("", 2n)], 0), false);
  assert.equal(book.told(2n, [told("", 2n)], 0), false);
});

Deno.test("AddressBook does not dial itself", () => {
  const book = openBook();
  book.opened(1n, null);
  book.told(1n, [told(OWN), told(A, 1n), told(B)], 0);
  assert.deepEqual(dueAt(book, 0), [B]);
  book.opened(2n, B);
  assert.equal(book.told(2n, [told("", 1n)], 0), true, "B turns out to be this node");
  book.ended(2n, 0);
  assert.deepEqual(dueAt(book, 100_000), []);
});

Deno.test("AddressBook tries again with growing pauses, then forgets", () => {
  const book = openBook();
  book.opened(1n, null);
  book.told(1n, [told(A)], 0);
  let nowMs = 0;
  for (const pauseMs of [10_000, 20_000, 40_000, 80_000, 160_000]) {
    assert.deepEqual(dueAt(book, nowMs), [A]);
    book.failed(A, nowMs);
    assert.deepEqual(dueAt(book, nowMs + pauseMs - 1), []);
    nowMs += pauseMs;
  }
  book.failed(A, nowMs);
  assert.deepEqual(book.addresses, []);
  book.failed(B, nowMs); // others than its own are no matter
});

Deno.test("AddressBook forgets failures once a session was open", () => {
  const book = openBook();
  book.opened(1n, null);
  book.told(1n, [told(A)], 0);
  for (let count = 0; count < 5; count++) book.failed(A, 0);
  book.opened(2n, A);
  book.ended(2n, 0);
  book.failed(A, 0);
  assert.deepEqual(book.addresses, [A]);
});

Deno.test("AddressBook takes one message a minute of a neighbour, of at most 64 addresses", () => {
  const book = openBook();
  book.opened(1n, null);
  book.told(1n, [told(A)], 0);
  book.told(1n, [told(B)], TELL_INTERVAL_MIN_MS - 1);
  assert.deepEqual(book.addresses, [A]);
  book.told(1n, [told(B)], TELL_INTERVAL_MIN_MS);
  assert.deepEqual(book.addresses, [A, B]);
  book.opened(2n, null);
  const many = Array.from({ length: TOLD_COUNT_MAX + 1 }, (_, port) => told(`/dns4/x/tcp/${port}`));
  book.told(2n, many, 0);
  assert.equal(book.addresses.length, 2);
  book.told(9n, [told(C)], 0);
  assert.equal(book.addresses.length, 2, "no such session");
});

Deno.test("AddressBook remembers 256 addresses; one that failed makes room", () => {
  const book = openBook();
  const tell = (origin: bigint, from: number) => {
    book.opened(origin, null);
    const many = Array.from({ length: 64 }, (_, index) => told(`/dns4/x/tcp/${from + index}`));
    book.told(origin, many, 0);
  };
  for (let part = 0; part < 5; part++) tell(BigInt(part), 1 + part * 64);
  assert.equal(book.addresses.length, BOOK_SIZE_MAX);
  book.opened(9n, null);
  book.told(9n, [told(A)], 0);
  assert(!book.addresses.includes(A));
  book.failed("/dns4/x/tcp/7", 0);
  book.told(9n, [told(A)], TELL_INTERVAL_MIN_MS);
  assert(book.addresses.includes(A));
  assert(!book.addresses.includes("/dns4/x/tcp/7"));
  assert.equal(book.addresses.length, BOOK_SIZE_MAX);
});

Deno.test("AddressBook begins eight dials at once, and keeps at most 64 sessions that way", () => {
  const book = openBook();
  book.opened(0n, null);
  const many = Array.from({ length: 64 }, (_, index) => told(`/dns4/x/tcp/${1 + index}`));
  book.told(0n, many, 0);
  book.opened(100n, null);
  book.told(100n, [told(A)], 0);
  let origin = 0n;
  for (let look = 0; look < 8; look++) {
    const due = dueAt(book, look);
    assert.equal(due.length, 8);
    for (const address of due) book.opened(origin += 1n, address);
  }
  assert.deepEqual(dueAt(book, 100_000), []);
});

Deno.test("AddressBook remembers no address that cannot be dialled", () => {
  const useless = [
    "",
    "foo",
    "/memory/1",
    "/ip4/1.2.3.4",
    "/ip4/1.2.3.4/tcp/0",
    "/ip4/0.0.0.0/tcp/1",
    "/ip6/::/tcp/1",
    `/dns4/${"a".repeat(300)}/tcp/1`,
  ];
  for (const needsDomain of [false, true]) {
    const book = openBook({ needsDomain, configured: [C, `${C}/tls/c`] });
    book.opened(1n, null);
    const both = [A, C, `${B}/tls/b`, `${C}/tls/c`];
    book.told(1n, [...useless, ...both].map((address) => told(address)), 0);
    assert.deepEqual(book.addresses, needsDomain ? [`${B}/tls/b`] : [A]);
  }
});
