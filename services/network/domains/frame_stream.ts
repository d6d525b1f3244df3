import type { Bytes } from "../../../shared/bytes/mod.ts";
import { type Clock, createPause } from "../../../shared/clock/mod.ts";
import { FrameReader } from "../core/frame_reader.ts";
import type { ConnectionMemory } from "../core/memory_budget.ts";
import { MESSAGE_SIZE_MAX } from "./carrier.ts";

/** What frames are read from, and who takes them. */
export interface FrameStream {
  /** The next bytes, which are never changed afterwards; null at the end. */
  read(): Promise<Bytes | null>;
  /** Takes a message without its length prefix. */
  message(bytes: Bytes): void;
  /** Called when an unfinished frame makes no progress; it must make {@linkcode read} end. */
  stalled(reason: string): void;
  /** That of the connection. */
  readonly memory: ConnectionMemory;
  readonly clock: Clock;
}

/** How long an unfinished frame may make no progress. */
const STALL_TIMEOUT_MS = 30_000;

/** Small frames are handled at most so long before others may run; looked at every few frames. */
const SLICE_MS = 10;
const FRAMES_PER_LOOK = 32;

/**
 * Hands over the messages of a stream (spec/network.md, section 4.5). Rejects as `read` does.
 *
 * @returns why the rest of the stream is refused; null when it came to its end
 */
export async function readFrames(stream: FrameStream): Promise<string | null> {
  const { memory, clock } = stream;
  const frames = new FrameReader({ sizeMax: MESSAGE_SIZE_MAX, memory });
  const pause = createPause(clock, SLICE_MS);
  let count = 0;
  try {
    for (;;) {
      const chunk = await readChunk(stream, frames.isUnfinished);
      if (chunk === null) return null;
      frames.push(chunk);
      for (let frame = frames.next(); frame !== null; frame = frames.next()) {
        if (frame === "busy") {
          const less = memory.whenLess();
          if (less === null) return "too many unfinished messages of this peer wait for memory";
          await less;
          continue;
        }
        if (typeof frame === "string") return frame;
        stream.message(frame);
        count += 1;
        if (count % FRAMES_PER_LOOK === 0) await pause();
      }
    }
  } finally {
    frames.clear();
  }
}

async function readChunk(stream: FrameStream, isUnfinished: boolean): Promise<Bytes | null> {
  if (!isUnfinished) return await stream.read();
  const timer = stream.clock.setTimer(STALL_TIMEOUT_MS, () => {
    stream.stalled("an unfinished message makes no progress");
  });
  try {
    return await stream.read();
  } finally {
    timer.cancel();
  }
}
