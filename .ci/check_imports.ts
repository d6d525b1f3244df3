/**
 * Checks the import rule of docs/architecture.md: layers, no cycles, one owner per outside package.
 *
 * @module
 */

import process from "node:process";

const ROOT = new URL("../", import.meta.url).pathname;
const FOLDERS = ["proto/gen", "shared", "services", "tools", "tests", "bench"];

/** The layer of every shared package; a package may import lower layers only, or its own. */
const SHARED_LAYERS: readonly (readonly string[])[] = [
  ["bytes", "clock", "status", "assert", "workers"],
  ["codec", "crypto", "files", "x509"],
  ["block", "config", "cli", "log", "rpc", "level", "kms_db", "wal", "metrics"],
  ["service"],
];

/** Outside packages and the only folders that may import them. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  "@bufbuild/protobuf": ["shared/codec", "proto/gen"],
  "@noble/ciphers": ["shared/crypto"],
  "@noble/curves": ["shared/crypto"],
  "@noble/hashes": ["shared/crypto"],
  "hash-wasm": ["shared/crypto"],
  "secp256k1": ["shared/crypto"],
  "smol-toml": ["shared/config"],
  "commander": ["shared/cli"],
  "yaml": ["shared/log"],
  "classic-level": ["shared/level"],
  "prom-client": ["shared/metrics"],
  "pg": ["services/storage/engines/postgres"],
  "aws4fetch": ["services/storage/engines/layered"],
};

/** Names that a core must not use: it has no clock, no I/O and no randomness of its own. */
const IMPURE =
  /\bDeno\.|\bfetch\(|\bsetTimeout\(|\bsetInterval\(|\bDate\b|\bMath\.random\b|\bperformance\.|\bconsole\./;

/** Folders and files of protocol logic besides the folders named `core`. */
const PURE_PATHS = [
  "services/consensus/raft/log/operation.ts",
  "services/consensus/raft/log/state.ts",
  "services/consensus/raft/mailbook.ts",
  "services/consensus/raft/node/",
  "services/consensus/rules.ts",
  "services/controller/auth/",
  "services/controller/chain/",
  "services/controller/node_manager/",
  "services/controller/pool/",
  "services/controller/stall/",
  "services/controller/sync/",
  "services/controller/system_config/",
  "services/executor/evm/interpreter/",
  "services/executor/evm/precompiles/",
  "services/executor/evm/rlp/",
  "services/executor/evm/state/",
  "services/executor/evm/transaction/",
  "services/executor/evm/trie/",
];

/** Sources of time and randomness, allowed in shared/clock and shared/crypto only. */
const TIME = /\bDate\.now\(|\bsetTimeout\(|\bsetInterval\(|\bMath\.random\(|\bgetRandomValues\(/;
const TIME_OWNERS = ["shared/clock/", "shared/crypto/"];

interface Source {
  /** Path below the root. */
  readonly path: string;
  readonly text: string;
  /** Paths below the root, or names of outside packages. */
  readonly imports: readonly string[];
}

function listSources(folder: string): string[] {
  const paths: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(`${ROOT}${folder}`)) {
    const path = `${folder}/${name}`;
    if (isDirectory) paths.push(...listSources(path));
    else if (path.endsWith(".ts")) paths.push(path);
  }
  return paths;
}

function readSource(path: string): Source {
  const text = Deno.readTextFileSync(`${ROOT}${path}`);
  const specifiers = [...text.matchAll(/(?:^|[\s;(])(?:from|import)\s*\(?\s*"([^"]+)"/gm)]
    .map(([, name]) => name ?? "");
  const imports = specifiers.map((specifier) =>
    specifier.startsWith(".") ? new URL(specifier, `file:///${path}`).pathname.slice(1) : specifier
  );
  return { path, text, imports };
}

const isTest = (path: string) => path.endsWith("_test.ts") || path.includes("/testing/");

/** The unit that the rule speaks of: `services/kms`, `shared/rpc`, `tests`, ... */
function unitOf(path: string): string {
  const [top = "", second = ""] = path.split("/");
  return ["services", "tools", "shared", "proto"].includes(top) ? `${top}/${second}` : top;
}

function sharedLayer(unit: string): number {
  return SHARED_LAYERS.findIndex((layer) => layer.includes(unit.slice("shared/".length)));
}

function layerProblem(from: Source, target: string): string | null {
  const [fromUnit, toUnit] = [unitOf(from.path), unitOf(target)];
  if (fromUnit === toUnit || toUnit === "proto/gen") return null;
  const [fromTop = ""] = from.path.split("/");
  const [toTop = ""] = target.split("/");
  if (["tests", "bench"].includes(fromTop)) return null;
  if (fromTop === "proto") return "generated code imports nothing of ours";
  if (toTop !== "shared") {
    return isTest(from.path) && toTop === "tests" ? null : `${fromUnit} may import shared only`;
  }
  if (!/^shared\/[a-z0-9_]+\/(mod\.ts|testing\/.*)$/.test(target)) {
    return "a shared package is imported through its mod.ts";
  }
  if (target.includes("/testing/") && !isTest(from.path)) return "testing/ is for tests only";
  if (fromTop !== "shared" || isTest(from.path)) return null;
  const [fromLayer, toLayer] = [sharedLayer(fromUnit), sharedLayer(toUnit)];
  if (fromLayer < 0 || toLayer < 0) {
    return "a shared package has no layer: add it to SHARED_LAYERS";
  }
  return fromLayer >= toLayer ? null : `${fromUnit} is below ${toUnit}`;
}

function packageProblem(from: Source, specifier: string): string | null {
  if (specifier.startsWith("node:") || isTest(from.path)) return null;
  if (from.path.startsWith("tests/") || from.path.startsWith("bench/")) {
    return null;
  }
  const name = specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  const owners = OWNERS[name];
  if (owners === undefined) return "the package has no owner: add it to OWNERS";
  return owners.some((owner) => from.path.startsWith(`${owner}/`))
    ? null
    : `only ${owners.join(", ")} may import it`;
}

function importProblems(source: Source): string[] {
  const isOurs = (target: string) => FOLDERS.some((folder) => target.startsWith(`${folder}/`));
  return source.imports.flatMap((target) => {
    const problem = isOurs(target)
      ? layerProblem(source, target)
      : target.startsWith("toolchain/")
      ? null
      : packageProblem(source, target);
    return problem === null ? [] : [`${source.path} imports ${target}: ${problem}`];
  });
}

function purityProblems({ path, text, imports }: Source): string[] {
  if (isTest(path) || !/^(shared|services|tools)\//.test(path)) return [];
  const problems: string[] = [];
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
  if (path.includes("/core/") || PURE_PATHS.some((pure) => path.startsWith(pure))) {
    const found = IMPURE.exec(code);
    if (found !== null) problems.push(`${path} is a core and uses ${found[0]}`);
    const io = imports.find((target) => target.startsWith("node:"));
    if (io !== undefined) problems.push(`${path} is a core and imports ${io}`);
  }
  const time = TIME.exec(code);
  if (
    time !== null && !TIME_OWNERS.some((owner) => path.startsWith(owner)) &&
    !isRpcDeadline(path)
  ) {
    problems.push(`${path} uses ${time[0]}...): take a Clock of shared/clock`);
  }
  if (/\bconsole\./.test(code)) {
    problems.push(`${path} uses console: take a Logger, or the Output of shared/cli`);
  }
  return problems;
}

/** gRPC wants an absolute wall-clock deadline and a forced close: transport matters, no logic. */
const isRpcDeadline = (path: string) => path.startsWith("shared/rpc/");

function cycles(sources: readonly Source[]): string[] {
  const graph = new Map<string, Set<string>>();
  for (const { path, imports } of sources) {
    if (isTest(path)) continue;
    const targets = imports.filter((target) => target.endsWith(".ts") && target !== path);
    graph.set(path, new Set(targets));
  }
  const state = new Map<string, "open" | "done">();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      found.push(
        `import cycle: ${[...trail.slice(trail.indexOf(path)), path].join(" -> ")}`,
      );
      return;
    }
    state.set(path, "open");
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    state.set(path, "done");
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

const sources = FOLDERS.flatMap(listSources).map(readSource);
const problems = [
  ...sources.flatMap(importProblems),
  ...sources.flatMap(purityProblems),
  ...cycles(sources.filter(({ path }) => !path.startsWith("proto/gen/"))),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
