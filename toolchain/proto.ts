/**
 * Makes proto/gen from proto/*.proto; with `--check` only says whether it is current.
 *
 * @module
 */

import process from "node:process";

const TOOLS = new URL("../.toolchain/node_modules/", import.meta.url).pathname;
const PROTO = new URL("../proto/", import.meta.url).pathname;

/** What is of use only with the library that ts-proto writes services for; `shared/rpc` is ours. */
const SERVICE_CODE: readonly (readonly [RegExp, string])[] = [
  [/import \{[^}]*\} from "@grpc\/grpc-js";\n/g, ""],
  [/export interface \w+ extends UntypedServiceImplementation \{[^}]*\}\n\n/g, ""],
  [/export interface \w+ extends Client \{[^}]*\}\n\n/g, ""],
  [/export const \w+ = makeGenericClientConstructor\([\s\S]*?\n\};\n\n?/g, ""],
  [
    /Serialize: (\(value: \w+\)): Buffer =>\s+Buffer\.from\((.*)\),\n/g,
    "Serialize: $1: Uint8Array => $2,\n",
  ],
  [/Deserialize: \(value: Buffer\)/g, "Deserialize: (value: Uint8Array)"],
];

/**
 * ts-proto reads leniently: it ends at a zero byte, passes over known fields of another wire type,
 * reads beyond the end of a sub-message, and drops what of a number does not fit 64 bits. The wire
 * format calls all of that malformed, and the reference services refuse it.
 */
const STRICTNESS: readonly (readonly [RegExp, string])[] = [
  [
    /const tag = reader\.uint32\(\);/g,
    // the strict reader of tags makes an array of each: only the odd ones are left to it
    "const start = reader.pos;\n" +
    "        const tag = reader.uint32();\n" +
    "        if (tag < 8 || reader.pos - start > 4) {\n" +
    "          reader.pos = start;\n" +
    "          reader.tag();\n" +
    "        }",
  ],
  [
    /(if \(tag !== \d+\) \{\n\s*)break;/g,
    '$1throw new globalThis.Error("protobuf field of another wire type");',
  ],
  [/ *if \(\(tag & 7\) === 4 \|\| tag === 0\) \{\n\s*break;\n\s*\}\n/g, ""],
  [/reader\.skip\(tag & 7\)/g, "reader.skip(tag & 7, tag >>> 3)"],
  [
    /(\n *)return message;(\s*\} finally \{)/g,
    '$1if (reader.pos !== end) throw new globalThis.Error("protobuf message is cut off");' +
    "$1return message;$2",
  ],
  [/(?<!const tag )= reader\.uint32\(\);/g, "= fit(reader, reader.pos, reader.uint32());"],
  [/reader\.(uint64|int32|bool)\(\)/g, "fit(reader, reader.pos, reader.$1())"],
];

/** What {@linkcode STRICTNESS} calls: of ten bytes of a number the last holds one bit. */
const FIT = `
function fit<T>(reader: BinaryReader, start: number, value: T): T {
  if (reader.pos - start === 10 && (reader as any).buf[reader.pos - 1] > 1) {
    throw new globalThis.Error("protobuf number of more than 64 bits");
  }
  return value;
}
`;

function patch(text: string): string {
  const patched = [...SERVICE_CODE, ...STRICTNESS].reduce(
    (patched, [found, wanted]) => patched.replace(found, wanted),
    text,
  );
  return patched.includes("fit(reader,") ? patched + FIT : patched;
}

async function generate(outFolder: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(
    `${TOOLS}@bufbuild/buf-linux-x64/bin/buf`,
    {
      args: ["generate", "--output", outFolder],
      cwd: PROTO,
    },
  ).output();
  if (!success) {
    throw new Error(`buf generate failed: ${new TextDecoder().decode(stderr)}`);
  }
  for (const entry of Deno.readDirSync(`${outFolder}/gen`)) {
    const path = `${outFolder}/gen/${entry.name}`;
    Deno.writeTextFileSync(path, patch(Deno.readTextFileSync(path)));
  }
}

function readFolder(folder: string): Map<string, string> {
  const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
  return new Map(
    names.map((name) => [name, Deno.readTextFileSync(`${folder}/${name}`)]),
  );
}

async function isCurrent(): Promise<boolean> {
  const folder = await Deno.makeTempDir();
  try {
    await generate(folder);
    const wanted = readFolder(`${folder}/gen`);
    const found = readFolder(`${PROTO}gen`);
    return JSON.stringify([...wanted]) === JSON.stringify([...found]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (!process.argv.includes("--check")) {
  await generate(PROTO);
} else if (!await isCurrent()) {
  console.error(
    "proto/gen is not what proto/*.proto gives: run `make proto` and commit it",
  );
  process.exit(1);
}
