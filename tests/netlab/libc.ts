/**
 * The few calls of the C library that the laboratory needs and Deno does not have: TUN devices,
 * waiting for several of them, and entering a network namespace.
 *
 * @module
 */

/** Memory that the kernel may read and write; no other thread has it. */
export type OwnBytes = Uint8Array<ArrayBuffer>;

/** Values of Linux on x86-64 and on arm64: <fcntl.h>, <poll.h>, <linux/if_tun.h>, <sched.h>. */
const O_RDONLY = 0;
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const POLLIN = 1;
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const CLONE_NEWNET = 0x40000000;

/** Layout of `struct ifreq` and `struct pollfd`. */
const IFREQ_SIZE = 40;
const IFREQ_NAME_SIZE = 16;
const POLLFD_SIZE = 8;
const POLLFD_REVENTS_OFFSET = 6;

const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  ioctl: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
} as const;

/** A TUN device that is open: what the kernel sends through it is read from the handle. */
export interface TunDevice {
  readonly handle: number;
  /** Name of the device, chosen by the kernel. */
  readonly name: string;
}

/** The loaded library; disposal unloads it. */
export class LibC implements Disposable {
  readonly #library = Deno.dlopen("libc.so.6", SYMBOLS);

  /** Opens a new TUN device, which lasts until its handle is closed. */
  openTun(): TunDevice {
    const handle = this.#open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    const request = new Uint8Array(IFREQ_SIZE);
    request.set(new TextEncoder().encode("netlab%d"));
    new DataView(request.buffer).setUint16(IFREQ_NAME_SIZE, IFF_TUN | IFF_NO_PI, true);
    if (this.#library.symbols.ioctl(handle, BigInt(TUNSETIFF), request) < 0) {
      this.close(handle);
      throw new Error("Cannot make a TUN device: it needs the rights of root");
    }
    const [name = ""] = new TextDecoder().decode(request.subarray(0, IFREQ_NAME_SIZE)).split("\0");
    return { handle, name };
  }

  close(handle: number): void {
    this.#library.symbols.close(handle);
  }

  /** Reads one packet into the buffer; gives its size, 0 when there is none. */
  readPacket(handle: number, buffer: OwnBytes): number {
    const size = this.#library.symbols.read(handle, buffer, BigInt(buffer.length));
    return Math.max(0, Number(size));
  }

  /** Writes one packet; the kernel may drop it, as any packet. */
  writePacket(handle: number, packet: OwnBytes): void {
    this.#library.symbols.write(handle, packet, BigInt(packet.length));
  }

  /** Blocks this thread until one of the handles can be read, or the time is over. */
  waitReadable(poll: PollSet, waitMs: number): void {
    this.#library.symbols.poll(poll.buffer, BigInt(poll.count), waitMs);
  }

  /** Moves this thread into a namespace: the sockets that it makes from now on belong to that. */
  enterNamespace(path: string): void {
    const handle = this.#open(path, O_RDONLY);
    const result = this.#library.symbols.setns(handle, CLONE_NEWNET);
    this.close(handle);
    if (result < 0) throw new Error(`Cannot enter the namespace "${path}": it needs root`);
  }

  #open(path: string, flags: number): number {
    const handle = this.#library.symbols.open(new TextEncoder().encode(`${path}\0`), flags);
    if (handle < 0) throw new Error(`Cannot open "${path}": it must be there, for root`);
    return handle;
  }

  [Symbol.dispose](): void {
    this.#library.close();
  }
}

/** Handles to wait for. */
export class PollSet {
  readonly buffer: OwnBytes;
  readonly #view: DataView;

  constructor(handles: readonly number[]) {
    this.buffer = new Uint8Array(handles.length * POLLFD_SIZE);
    this.#view = new DataView(this.buffer.buffer);
    for (const [index, handle] of handles.entries()) {
      this.#view.setInt32(index * POLLFD_SIZE, handle, true);
      this.#view.setInt16(index * POLLFD_SIZE + 4, POLLIN, true);
    }
  }

  get count(): number {
    return this.buffer.length / POLLFD_SIZE;
  }

  /** Whether the handle with this index could be read when {@linkcode LibC.waitReadable} ended. */
  isReadable(index: number): boolean {
    const offset = index * POLLFD_SIZE + POLLFD_REVENTS_OFFSET;
    return (this.#view.getInt16(offset, true) & POLLIN) !== 0;
  }
}
