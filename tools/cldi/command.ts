import { InvalidArgumentError, Option } from "../../shared/cli/mod.ts";
import type { CryptoType } from "./account.ts";
import type { Session } from "./session.ts";

/** Turns a function of a session into the action of a command. */
export type InSession = <Args extends unknown[]>(
  act: (session: Session, ...args: Args) => Promise<void> | void,
) => (...args: Args) => Promise<void>;

/** An option that takes a crypto type in any case. */
export function cryptoOption(description: string): Option {
  const choices: readonly CryptoType[] = ["SM", "ETH"];
  return new Option("--crypto <crypto-type>", description).choices(choices).argParser((text) => {
    const choice = choices.find((name) => name === text.toUpperCase());
    if (choice !== undefined) return choice;
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
  });
}
