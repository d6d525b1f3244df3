/** Items in the order of their arrival; a test takes them one by one and waits for the next. */
export class Inbox<Item> {
  readonly #items: Item[] = [];
  #waiter: ((item: Item) => void) | null = null;

  /** How many wait to be taken. */
  get size(): number {
    return this.#items.length;
  }

  /** Adds an item. */
  readonly push = (item: Item): void => {
    const waiter = this.#waiter;
    this.#waiter = null;
    if (waiter === null) this.#items.push(item);
    else waiter(item);
  };

  /** The next item, as soon as there is one. */
  next(): Promise<Item> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve) => this.#waiter = resolve);
  }

  /** The next items. */
  async take(count: number): Promise<Item[]> {
    const items: Item[] = [];
    while (items.length < count) items.push(await this.next());
    return items;
  }
}
