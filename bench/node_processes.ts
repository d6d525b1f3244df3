/** The services of a node of `cloud-config create-dev`, each started by hand. */

import { type DevNode, type Role, ROLES } from "../tools/devnet/chain.ts";
import { executablePath } from "../tests/e2e/executables.ts";
import type { Service } from "./chain_processes.ts";

export { type Role, ROLES };

const LOG_SETTINGS = `
appenders: {file: {kind: file, path: node.log}}
root: {level: info, appenders: [file]}
`;

/** Running services of one node; disposal ends them. */
export class NodeProcesses implements AsyncDisposable {
  readonly #processes = new Map<Role, Deno.ChildProcess>();

  constructor(readonly node: DevNode) {}

  /** Starts services of the node. */
  start(roles: readonly Role[]): void {
    for (const role of roles) {
      const folder = `${this.node.path}/${role}`;
      Deno.writeTextFileSync(
        `${folder}-log4rs.yaml`,
        LOG_SETTINGS.replace("node.log", `${role}.log`),
      );
      const command = new Deno.Command(executablePath(role), {
        args: ["run", "-c", "config.toml", "-l", `${role}-log4rs.yaml`],
        cwd: this.node.path,
        stdin: "null",
        stdout: "null",
      });
      this.#processes.set(role, command.spawn());
    }
  }

  /** Ends services of the node in an orderly way. */
  async stop(roles: readonly Role[]): Promise<void> {
    for (const role of roles) {
      const process = this.#processes.get(role);
      this.#processes.delete(role);
      process?.kill("SIGTERM");
      await process?.status;
    }
  }

  /** The services that run. */
  get services(): Service[] {
    return [...this.#processes].map(([role, { pid }]) => ({ node: this.node.index, role, pid }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // those that others wait for come last
    await this.stop([...ROLES].reverse());
  }
}
