/**
 * Runs an action for every item, so many at a time; rejects with the first error, after those under
 * way have ended. Begins no further one once `isStopped` says so.
 */
export async function forEachOf<Item>(
  items: readonly Item[],
  action: (item: Item, index: number) => Promise<void>,
  { atATime, isStopped = () => false }: { atATime: number; isStopped?: () => boolean },
): Promise<void> {
  let next = 0;
  let hasFailed = false;
  const runSome = async () => {
    while (next < items.length && !hasFailed && !isStopped()) {
      const index = next++;
      const item = items[index];
      if (item === undefined) continue;
      try {
        await action(item, index);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const runs = await Promise.allSettled(Array.from({ length: atATime }, runSome));
  for (const run of runs) if (run.status === "rejected") throw run.reason;
}
