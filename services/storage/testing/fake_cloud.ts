import type { Bytes } from "../../../shared/bytes/mod.ts";
import { type Cloud, CloudError } from "../engines/layered/cloud.ts";

/** A cloud in memory that fails when it is told to; several nodes may share its objects. */
export class FakeCloud implements Cloud {
  readonly objects: Map<string, Bytes>;
  /** Which calls fail, the next one being 0. */
  #fails: (index: number) => boolean = () => false;
  #callCount = 0;
  readCount = 0;

  constructor(objects = new Map<string, Bytes>()) {
    this.objects = objects;
  }

  /** From now on calls fail as told, the next one being 0. */
  fail(fails: (index: number) => boolean): void {
    this.#fails = fails;
    this.#callCount = 0;
  }

  get(name: string): Promise<Bytes | null> {
    this.readCount += 1;
    return this.#unlessFailing(() => this.objects.get(name)?.slice() ?? null);
  }

  put(name: string, content: Bytes): Promise<void> {
    return this.#unlessFailing(() => {
      this.objects.set(name, content.slice());
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #unlessFailing<Result>(action: () => Result): Promise<Result> {
    if (this.#fails(this.#callCount++)) {
      return Promise.reject(new CloudError("away", "the cloud is away"));
    }
    return Promise.resolve(action());
  }
}
