import { type Bytes, fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { type Engine, type EngineBatch, EngineError } from "../../engine.ts";

/** Keeps records while the process lives: for tests and as the baseline of benchmarks. */
export class MemoryEngine implements Engine {
  readonly #valueByPlace = new Map<string, Bytes>();
  #isClosed = false;

  get(region: number, key: Bytes): Promise<Bytes | null> {
    return this.#whileOpen(() => this.#read(region, key));
  }

  getMany(region: number, keys: readonly Bytes[]): Promise<(Bytes | null)[]> {
    return this.#whileOpen(() => keys.map((key) => this.#read(region, key)));
  }

  async *scan(region: number): AsyncIterable<readonly [key: Bytes, value: Bytes]> {
    const prefix = `${region}:`;
    const places = await this.#whileOpen(() => [...this.#valueByPlace.keys()].sort());
    for (const place of places) {
      if (!place.startsWith(prefix)) continue;
      const value = this.#valueByPlace.get(place);
      if (value !== undefined) yield [fromHex(place.slice(prefix.length)), value.slice()];
    }
  }

  write({ puts, deletes }: EngineBatch): Promise<void> {
    return this.#whileOpen(() => {
      for (const { region, key, value } of puts) {
        this.#valueByPlace.set(placeOf(region, key), value.slice());
      }
      for (const { region, key } of deletes) this.#valueByPlace.delete(placeOf(region, key));
    });
  }

  compact(): Promise<void> {
    return this.#whileOpen(() => {});
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  #read(region: number, key: Bytes): Bytes | null {
    return this.#valueByPlace.get(placeOf(region, key))?.slice() ?? null;
  }

  #whileOpen<Result>(action: () => Result): Promise<Result> {
    if (this.#isClosed) return Promise.reject(new EngineError("Cannot use a closed engine"));
    return Promise.resolve(action());
  }
}

function placeOf(region: number, key: Bytes): string {
  return `${region}:${toHex(key)}`;
}
