import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { ROLES } from "../chain.ts";
import { runDevnet } from "../program.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** A service that does nothing but check how it was started, until it gets a signal. */
const SLEEPER = `#!/bin/sh
[ "$1 $2 $3 $4" = "run -c config.toml -l" ] && [ -f "$5" ] && [ -f config.toml ] || exit 9
exec sleep 600
`;

function denoScript(module: string): string {
  const deno = `"${Deno.execPath()}" run -A --no-check --quiet --config "${ROOT}deno.json"`;
  return `#!/bin/sh\nexec ${deno} "${ROOT}${module}" "$@"\n`;
}

/** What a command line did. */
export interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A folder with fake services, the real cloud-config, and room for a chain. */
export class FakeBin implements AsyncDisposable {
  readonly path = Deno.makeTempDirSync();
  readonly chainPath = `${this.path}/chain`;
  readonly stop = new AbortController();

  constructor() {
    for (const role of ROLES) this.writeExecutable(role, SLEEPER);
    this.writeExecutable("controller", denoScript("tools/devnet/testing/fake_controller.ts"));
    this.writeExecutable("cloud-config", denoScript("tools/cloud-config/main.ts"));
  }

  writeExecutable(name: string, text: string): void {
    Deno.writeTextFileSync(`${this.path}/${name}`, text);
    Deno.chmodSync(`${this.path}/${name}`, 0o755);
  }

  /** Runs a command on the chain; `onOut` sees what it prints while it runs. */
  async run(
    argv: readonly string[],
    onOut: (out: string) => void = () => {},
  ): Promise<Result> {
    let out = "";
    let err = "";
    const output = {
      out: (text: string) => {
        out += text;
        onOut(out);
      },
      err: (text: string) => {
        err += text;
      },
    };
    const [name = "", ...rest] = argv;
    const code = await runDevnet([name, "--dir", this.chainPath, ...rest], {
      clock: SYSTEM_CLOCK,
      output,
      terminal: null,
      binPath: this.path,
      signal: this.stop.signal,
    });
    return { code, out, err };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run(["down"]);
    Deno.removeSync(this.path, { recursive: true });
  }
}
