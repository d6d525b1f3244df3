import { InvalidArgumentError, type Program } from "../../../shared/cli/mod.ts";
import { ChainFolder } from "../folder.ts";
import { LOG_LEVELS } from "../log_files.ts";

/** Flags of every command. */
export interface ChainFlags {
  readonly chainName: string;
  readonly configDir: string;
}

/** Declares a command with the flags that say which chain it works on. */
export function chainCommand(program: Program, name: string, about: string): Program {
  const command = program.command(name).description(about);
  command.option("--chain-name <CHAIN_NAME>", "name of the chain", "test-chain");
  command.option("--config-dir <CONFIG_DIR>", "folder that holds the folders of the chain", ".");
  return command;
}

/** The folders that the flags name. */
export function folderOf({ configDir, chainName }: ChainFlags): ChainFolder {
  return new ChainFolder(configDir, chainName);
}

/** Items of a comma list, as they are: an empty text is one empty item. */
export function splitList(text: string): string[] {
  return text.split(",");
}

/** Value parser of `--log-level`. */
export function logLevel(text: string): string {
  if (LOG_LEVELS.includes(text.toLowerCase())) return text;
  throw new InvalidArgumentError(`it must be one of ${LOG_LEVELS.join(", ")}`);
}
