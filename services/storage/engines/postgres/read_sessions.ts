import { PostgresError } from "./errors.ts";
import { placeOf, Session, type SessionOptions } from "./session.ts";

/** A caller that waits for a session. */
type Waiter = (session: Session | null) => void;

/** So many sessions at most, opened when they are needed and used by one caller at a time. */
export class ReadSessions {
  readonly #options: SessionOptions;
  readonly #countMax: number;
  readonly #open = new Set<Session>();
  #idle: Session[] = [];
  #waiting: Waiter[] = [];
  /** Sessions that are open or being opened. */
  #count = 0;
  #isClosed = false;

  constructor(options: SessionOptions, countMax: number) {
    this.#options = options;
    this.#countMax = countMax;
  }

  /**
   * Lets `use` work with a session. One that turns out to be broken is replaced, and the work, which
   * must change nothing, is done again.
   */
  async use<Result>(use: (session: Session) => Promise<Result>): Promise<Result> {
    try {
      return await this.#useOnce(use);
    } catch (error) {
      const isBroken = error instanceof PostgresError && error.reason === "lost";
      if (!isBroken || this.#isClosed) throw error;
      return await this.#useOnce(use);
    }
  }

  /** Ends all sessions; calls under way fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const give of this.#waiting.splice(0)) give(null);
    await Promise.all([...this.#open].map((session) => session.close()));
  }

  async #useOnce<Result>(use: (session: Session) => Promise<Result>): Promise<Result> {
    const session = await this.#take();
    try {
      return await use(session);
    } finally {
      this.#giveBack(session);
    }
  }

  async #take(): Promise<Session> {
    if (this.#isClosed) throw this.#closedError();
    const idle = this.#takeIdle();
    if (idle !== undefined) return idle;
    if (this.#count < this.#countMax) return await this.#openAnother();
    return await this.#waitInLine();
  }

  #takeIdle(): Session | undefined {
    this.#idle = this.#idle.filter((session) => !session.isEnded);
    return this.#idle.pop();
  }

  async #openAnother(): Promise<Session> {
    this.#count += 1;
    try {
      const session = await Session.open(this.#options);
      if (this.#isClosed) {
        await session.close();
        throw this.#closedError();
      }
      this.#open.add(session);
      void session.ended.then(() => this.#forget(session));
      return session;
    } catch (error) {
      this.#count -= 1;
      this.#wakeNext();
      throw error;
    }
  }

  #forget(session: Session): void {
    this.#open.delete(session);
    this.#count -= 1;
    this.#wakeNext();
  }

  async #waitInLine(): Promise<Session> {
    const { clock, callTimeoutMs, address } = this.#options;
    const { promise, resolve } = Promise.withResolvers<Session | null>();
    this.#waiting.push(resolve);
    const finished = new AbortController();
    const late = clock.sleep(callTimeoutMs, finished.signal).then(() => "late" as const);
    const turn = await Promise.race([promise, late]);
    finished.abort();
    if (turn === "late") {
      this.#waiting = this.#waiting.filter((waiter) => waiter !== resolve);
      const text = `all ${this.#countMax} connections were busy for ${callTimeoutMs} ms`;
      const message = `Cannot read PostgreSQL at ${placeOf(address)}: ${text}`;
      throw new PostgresError("timeout", message, null);
    }
    return turn ?? await this.#take();
  }

  #giveBack(session: Session): void {
    if (session.isEnded) return;
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(session);
    else next(session);
  }

  /** There is room for a session: whoever waits longest opens it. */
  #wakeNext(): void {
    this.#waiting.shift()?.(null);
  }

  #closedError(): PostgresError {
    const place = placeOf(this.#options.address);
    return new PostgresError("lost", `Cannot read PostgreSQL at ${place}: it is closed`, null);
  }
}
