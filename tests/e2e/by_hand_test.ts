import assert from "node:assert/strict";
import { RPCServiceService as ControllerService } from "../../proto/gen/controller.ts";
import { connect } from "../../shared/rpc/mod.ts";
import { executablePath, succeed } from "./executables.ts";
import { findBasePort } from "../free_ports.ts";
import { waitFor } from "./wait.ts";

/** Any order must do: a service waits for those that it needs. */
const ROLES = ["controller", "consensus", "network", "executor", "storage", "kms"] as const;

const CONTROLLER_PORT_OFFSET = 4;
const BLOCKS_TIMEOUT_MS = 60_000;

function killIfRunning(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended already
  }
}

for (const crypto of ["sm", "eth"] as const) {
  Deno.test(`every role runs by hand in a folder of cloud-config create-dev, ${crypto}`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "by-hand-" });
    const node = `${folder}/demo-0`;
    const basePort = findBasePort(1);
    const controller = connect(ControllerService, { port: basePort + CONTROLLER_PORT_OFFSET });
    const processes: Deno.ChildProcess[] = [];
    try {
      await succeed("cloud-config", [
        "create-dev",
        ...["--chain-name", "demo", "--config-dir", folder, "--peers-count", "1", "--is-bft"],
        ...["--base-port", String(basePort)],
        ...crypto === "eth" ? ["--is-eth"] : [],
      ]);
      for (const role of ROLES) {
        const args = ["run", "-c", "config.toml", "-l", `${role}-log4rs.yaml`];
        const command = new Deno.Command(executablePath(role), {
          args,
          cwd: node,
          stdin: "null",
          stdout: "null",
          stderr: "null",
        });
        processes.push(command.spawn());
      }
      const height = await waitFor(
        async () => {
          const { blockNumber } = await controller.getBlockNumber({ flag: false });
          return blockNumber >= 3n ? blockNumber : null;
        },
        { what: "block 3", timeoutMs: BLOCKS_TIMEOUT_MS },
      );
      assert(height >= 3n);
      for (const process of processes) process.kill("SIGTERM");
      const codes = await Promise.all(processes.map(async ({ status }) => (await status).code));
      assert.deepEqual(codes, ROLES.map(() => 0), `exit codes of ${ROLES.join(", ")}`);
    } finally {
      controller.close();
      for (const process of processes) killIfRunning(process);
      await Promise.all(processes.map(({ status }) => status));
      await Deno.remove(folder, { recursive: true });
    }
  });
}
