/**
 * Contracts of `testing/contracts`, compiled once per process: those of `v0_4` by solc 0.4.24, those
 * of `v0_8` by a compiler of today for the last fork whose instructions the chain has.
 *
 * @module
 */

import assert from "node:assert/strict";
import solc04 from "solc";
import solc08 from "solc-0.8";
import { toHex } from "../../../shared/bytes/mod.ts";

const FOLDER = new URL("contracts/", import.meta.url);

/** What a compiler knows of a contract. */
export interface Compiled {
  /** Hex init code, without constructor arguments; libraries are `__$...$__`. */
  readonly code: string;
  /** Hex code that is deployed. */
  readonly deployed: string;
  /** Selectors by signature. */
  readonly selectors: Readonly<Record<string, string>>;
  /** Where addresses of libraries belong in {@linkcode code}, in bytes. */
  readonly links: readonly number[];
}

/** Contracts by name. */
export type Contracts = Readonly<Record<string, Compiled>>;

interface Output {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts: Readonly<Record<string, Readonly<Record<string, ContractOutput>>>>;
}

interface ContractOutput {
  readonly evm: {
    readonly bytecode: {
      readonly object: string;
      readonly linkReferences: Readonly<
        Record<string, Readonly<Record<string, readonly { readonly start: number }[]>>>
      >;
    };
    readonly deployedBytecode: { readonly object: string };
    readonly methodIdentifiers: Readonly<Record<string, string>>;
  };
}

let compiled04: Contracts | null = null;
let compiled08: Contracts | null = null;

/** The contracts that solc 0.4.24 compiles. */
export function contracts04(): Contracts {
  return compiled04 ??= compile("v0_4", "byzantium", solc04.compileStandardWrapper);
}

/** The contracts that solc 0.8 compiles. */
export function contracts08(): Contracts {
  return compiled08 ??= compile(
    "v0_8",
    "istanbul",
    (input) => solc08.compile(input, { import: readPackage }),
  );
}

type Compiler = (input: string) => string;

function compile(folder: string, evmVersion: string, compiler: Compiler): Contracts {
  const files = [...Deno.readDirSync(new URL(`${folder}/`, FOLDER))].map(({ name }) => name);
  const sources = files.map((name) => {
    const content = Deno.readTextFileSync(new URL(`${folder}/${name}`, FOLDER));
    return [name, { content }] as const;
  });
  const outputs = ["evm.bytecode", "evm.deployedBytecode.object", "evm.methodIdentifiers"];
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(sources),
    settings: {
      evmVersion,
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { "*": { "*": outputs } },
    },
  };
  const output: Output = JSON.parse(compiler(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter(({ severity }) => severity === "error");
  assert.deepEqual(errors.map(({ formattedMessage }) => formattedMessage), []);
  const contracts = files.flatMap((name) => Object.entries(output.contracts[name] ?? {}));
  return Object.fromEntries(contracts.map(([name, contract]) => [name, compiledOf(contract)]));
}

/** Gives the compiler a file of OpenZeppelin. */
function readPackage(path: string): { contents: string } {
  return { contents: Deno.readTextFileSync(new URL(import.meta.resolve(path))) };
}

function compiledOf({ evm }: ContractOutput): Compiled {
  const { object, linkReferences } = evm.bytecode;
  const links = Object.values(linkReferences).flatMap((library) => Object.values(library).flat());
  return {
    code: object,
    deployed: evm.deployedBytecode.object,
    selectors: evm.methodIdentifiers,
    links: links.map(({ start }) => start),
  };
}

/** Init code that uses one library. */
export function link({ code, links }: Compiled, library: string): string {
  assert(links.length > 0);
  return links.reduce(
    (linked, start) => linked.slice(0, 2 * start) + library + linked.slice(2 * start + 40),
    code,
  );
}

/** A value of Solidity: numbers and booleans in a word, hex text of an address, bytes or a string. */
export type Value = number | bigint | boolean | string | Uint8Array | readonly Value[];

/** Calldata of a function by its signature. */
export function calldata({ selectors }: Compiled, signature: string, ...values: Value[]): string {
  const selector = selectors[signature];
  assert(selector !== undefined, `${signature} is none of ${Object.keys(selectors).join(" ")}`);
  return selector + encode(...values);
}

/** Encodes values; text of 40 digits is an address, `Uint8Array` is bytes or string. */
export function encode(...values: readonly Value[]): string {
  const head: string[] = [];
  let tail = "";
  for (const value of values) {
    if (!(value instanceof Uint8Array) && !Array.isArray(value)) {
      head.push(wordText(value as number));
      continue;
    }
    head.push(wordText(32 * values.length + tail.length / 2));
    tail += value instanceof Uint8Array
      ? encodeBytes(value)
      : encodeArray(value as readonly Value[]);
  }
  return head.join("") + tail;
}

function encodeBytes(bytes: Uint8Array): string {
  const text = toHex(bytes);
  return wordText(bytes.length) + text.padEnd(64 * Math.ceil(bytes.length / 32), "0");
}

function encodeArray(values: readonly Value[]): string {
  return wordText(values.length) + encode(...values);
}

/** A value of one word. */
function wordText(value: number | bigint | boolean | string): string {
  if (typeof value === "string") return value.padStart(64, "0");
  return BigInt.asUintN(256, BigInt(value)).toString(16).padStart(64, "0");
}

/** A text as bytes, for `string`. */
export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
