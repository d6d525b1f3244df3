/**
 * Lets one task at a time pass, in order of arrival: a commit must not interleave with a proposal,
 * another commit or a synced block (spec/controller.md, 6).
 */
export class Lock {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs the task once those before it have ended, however they ended. */
  run<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {}); // whoever asked for the task hears of its failure
    return result;
  }

  /** Resolves once the tasks that have been asked for so far have ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
