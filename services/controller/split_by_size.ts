/** How {@linkcode splitBySize} measures. */
export interface SplitOptions<Item> {
  readonly sizeOf: (item: Item) => number;
  /** Of a group, unless its only item is larger. */
  readonly sizeMax: number;
}

/** Groups of items, in order, none of them larger than a limit; at least one item in each. */
export function* splitBySize<Item>(
  items: readonly Item[],
  { sizeOf, sizeMax }: SplitOptions<Item>,
): Generator<Item[]> {
  let group: Item[] = [];
  let size = 0;
  for (const item of items) {
    const more = sizeOf(item);
    if (group.length > 0 && size + more > sizeMax) {
      yield group;
      group = [];
      size = 0;
    }
    group.push(item);
    size += more;
  }
  if (group.length > 0) yield group;
}
