/**
 * Builds executables into bin/: `build.ts [NAME...]`, all without a name.
 *
 * Each entry is bundled first and the bundle compiled: `deno compile` would otherwise embed every
 * package of the import map. Native addons cannot be bundled and are embedded as packages.
 *
 * @module
 */

import process from "node:process";
import { createHash } from "node:crypto";
import { basename } from "node:path";

const ROOT = new URL("../", import.meta.url).pathname;
const ESBUILD = `${ROOT}.toolchain/node_modules/@esbuild/linux-x64/bin/esbuild`;

/** Packages with native code; embedded only where the bundle imports them. */
const NATIVE_PACKAGES = ["classic-level", "secp256k1"];

/** Native libraries that an executable carries beside its bundle, in `.toolchain/lib`. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  network: ["libnetwork_engine.so"],
};

/** What every service does: reads its configuration, writes logs, talks to its neighbours. */
const SERVICE_PERMISSIONS = ["net", "read", "write", "env", "sys"];

/** The least that each executable needs (`--allow-...`). */
const PERMISSIONS: Readonly<Record<string, readonly string[]>> = {
  // ffi: for native code that the executable carries; where it lies depends on TMPDIR and its name
  network: [...SERVICE_PERMISSIONS, "ffi"],
  consensus: [...SERVICE_PERMISSIONS, "ffi"],
  executor: [...SERVICE_PERMISSIONS, "ffi"],
  storage: [...SERVICE_PERMISSIONS, "ffi"],
  controller: [...SERVICE_PERMISSIONS, "ffi"],
  kms: [...SERVICE_PERMISSIONS, "ffi"],
  cldi: ["net", "read", "write", "env", "sys", "ffi"],
  "cloud-config": ["read", "write", "env", "sys", "ffi"],
  // starts programs, which may do anything, and reads /proc, which no narrower permission allows
  devnet: ["all"],
};

/** Parts of Deno that are not stable yet and that an executable uses (`--unstable-...`). */
const UNSTABLE: Readonly<Record<string, readonly string[]>> = {
  network: ["net"], // UDP
};

/** How the engine of an executable is tuned. */
const V8_FLAGS: Readonly<Record<string, readonly string[]>> = {
  // the heap may grow by half before it is cleaned up, not to its fourfold: what a block leaves
  // behind would otherwise pile up to hundreds of megabytes
  executor: ["--heap-growing-percent=50"],
};

interface Entry {
  readonly name: string;
  readonly path: string;
  /** Modules that run in threads of their own: every `*_worker.ts` of the entry's folder. */
  readonly workers: readonly string[];
}

function findEntries(): Entry[] {
  const entries: Entry[] = [];
  for (const folder of ["services", "tools"]) {
    for (const { name, isDirectory } of Deno.readDirSync(`${ROOT}${folder}`)) {
      const path = `${ROOT}${folder}/${name}/main.ts`;
      if (!isDirectory || !isFile(path)) continue;
      entries.push({ name, path, workers: findWorkers(`${ROOT}${folder}/${name}`) });
    }
  }
  return entries.sort((left, right) => left.name.localeCompare(right.name));
}

function findWorkers(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return findWorkers(path);
    return name.endsWith("_worker.ts") ? [path] : [];
  });
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function runTool(
  command: string,
  args: string[],
  cwd: string,
): Promise<string> {
  const output = await new Deno.Command(command, {
    args,
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  if (!output.success) {
    throw new Error(
      `${command} ${args[0]} failed:\n${decoder.decode(output.stderr)}`,
    );
  }
  return decoder.decode(output.stdout);
}

async function gitDescribe(): Promise<string> {
  try {
    return (await runTool(
      "git",
      ["describe", "--always", "--tags", "--dirty"],
      ROOT,
    )).trim();
  } catch {
    return "unknown"; // a source archive without history can be built as well
  }
}

/** Makes one self-contained module of a source file, beside the others of its entry. */
async function bundle(entry: Entry, path: string, version: string): Promise<string> {
  const file = `${basename(path, ".ts")}.js`;
  const outfile = `${ROOT}build/${entry.name}/${file}`;
  const requireShim = 'import { createRequire as __createRequire } from "node:module";' +
    "const require = __createRequire(import.meta.url);";
  await runTool(ESBUILD, [
    path,
    "--bundle",
    "--platform=node",
    "--format=esm",
    "--target=esnext",
    "--log-level=warning",
    `--outfile=${outfile}`,
    `--banner:js=${requireShim}`,
    `--define:BUILD_GIT_VERSION=${JSON.stringify(version)}`,
    ...NATIVE_PACKAGES.map((packageName) => `--external:${packageName}`),
  ], ROOT);
  return file;
}

/** The bundle's own configuration: only the native packages that it imports, locked as ours. */
function writeConfig(
  name: string,
  code: string,
  imports: Readonly<Record<string, string>>,
): void {
  // imported as a whole or a file of it, statically or when it is needed
  const used = NATIVE_PACKAGES.filter((packageName) =>
    new RegExp(`(from |import\\()"${packageName}["/]`).test(code)
  );
  const config = {
    nodeModulesDir: "none",
    imports: Object.fromEntries(
      used.map((packageName) => [packageName, imports[packageName]]),
    ),
  };
  Deno.writeTextFileSync(
    `${ROOT}build/${name}/deno.json`,
    JSON.stringify(config),
  );
  Deno.copyFileSync(`${ROOT}deno.lock`, `${ROOT}build/${name}/deno.lock`);
}

async function build(
  entry: Entry,
  version: string,
  imports: Readonly<Record<string, string>>,
) {
  const { name } = entry;
  const permissions = PERMISSIONS[name];
  if (permissions === undefined) {
    throw new Error(`Cannot build ${name}: it has no permission list`);
  }
  const v8Flags = V8_FLAGS[name] ?? [];
  const unstable = UNSTABLE[name] ?? [];
  const libraries = LIBRARIES[name] ?? [];
  const folder = `${ROOT}build/${name}`;
  const files: string[] = [];
  for (const path of [entry.path, ...entry.workers]) files.push(await bundle(entry, path, version));
  const code = files.map((file) => Deno.readTextFileSync(`${folder}/${file}`)).join("\n");
  const stampHash = createHash("sha256");
  stampHash.update(JSON.stringify([code, permissions, unstable, v8Flags, Deno.version]));
  for (const file of libraries) {
    Deno.copyFileSync(`${ROOT}.toolchain/lib/${file}`, `${folder}/${file}`);
    stampHash.update(Deno.readFileSync(`${folder}/${file}`));
  }
  const stamp = stampHash.digest("hex");
  const stampPath = `${folder}/stamp`;
  if (isFile(`${ROOT}bin/${name}`) && isFile(stampPath)) {
    if (Deno.readTextFileSync(stampPath) === stamp) return "unchanged";
  }
  writeConfig(name, code, imports);
  await runTool(Deno.execPath(), [
    "compile",
    "--no-check",
    "--no-prompt",
    ...permissions.map((permission) => `--allow-${permission}`),
    ...unstable.map((part) => `--unstable-${part}`),
    ...v8Flags.length === 0 ? [] : [`--v8-flags=${v8Flags.join(",")}`],
    ...[...files.slice(1), ...libraries].map((file) => `--include=${file}`),
    "--output",
    `${ROOT}bin/${name}.part`,
    "main.js",
  ], folder);
  Deno.renameSync(`${ROOT}bin/${name}.part`, `${ROOT}bin/${name}`);
  Deno.writeTextFileSync(stampPath, stamp);
  return "built";
}

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const entries = findEntries();
  const unknown = wanted.filter((name) => !entries.some((entry) => entry.name === name));
  if (unknown.length > 0) {
    throw new Error(`Cannot build ${unknown.join(", ")}: no such entry`);
  }
  const { imports } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`));
  const version = await gitDescribe();
  Deno.mkdirSync(`${ROOT}bin`, { recursive: true });
  for (const entry of entries) {
    if (wanted.length > 0 && !wanted.includes(entry.name)) continue;
    const startMs = performance.now();
    const outcome = await build(entry, version, imports);
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    console.log(`build: bin/${entry.name} ${outcome} (${seconds} s)`);
  }
}

await main();
