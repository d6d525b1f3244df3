import { type Bytes, fromHex } from "../../bytes/mod.ts";
import type { KeyCipher } from "../suite.ts";

/** The substitution table of GB/T 32907, section 6.2. */
const SBOX = fromHex(
  "d690e9fecce13db716b614c228fb2c052b679a762abe04c3aa441326498606999c4250f491ef987a33540b43edcfac62" +
    "e4b31ca9c908e89580df94fa758f3fa64707a7fcf37317ba83593c19e6854fa8686b81b27164da8bf8eb0f4b70569d35" +
    "1e240e5e6358d1a225227c3b01217887d40046579fd327524c3602e7a0c4c89eeabf8ad240c738b5a3f7f2cef96115a1" +
    "e0ae5da49b341a55ad933230f58cb1e31df6e22e8266ca60c02923ab0d534e6fd5db3745defd8e2f03ff6a726d6c5b51" +
    "8d1baf92bbddbc7f11d95c411f105ad80ac13188a5cd7bbd2d74d012b8e5b4b08969974a0c96777e65b9f109c56ec684" +
    "18f07dec3adc4d2079ee5f3ed7cb3948",
);

/** System parameter FK of the key schedule. */
const FK = [0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc] as const;

const ROUNDS = 32;

const BLOCK_SIZE = 16;

/** Fixed parameter CK of a round: its bytes are 7·(4·round + j) modulo 256. */
function roundConstant(round: number): number {
  let word = 0;
  for (let j = 0; j < 4; j++) word = (word << 8) | ((7 * (4 * round + j)) & 0xff);
  return word;
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function substitute(word: number): number {
  let result = 0;
  for (let shift = 24; shift >= 0; shift -= 8) {
    result = (result << 8) | (SBOX[(word >>> shift) & 0xff] ?? 0);
  }
  return result;
}

function mixKey(word: number): number {
  const b = substitute(word);
  return b ^ rotateLeft(b, 13) ^ rotateLeft(b, 23);
}

function mixData(word: number): number {
  const b = substitute(word);
  return b ^ rotateLeft(b, 2) ^ rotateLeft(b, 10) ^ rotateLeft(b, 18) ^ rotateLeft(b, 24);
}

type Words = [number, number, number, number];

function readWords(bytes: Bytes): Words {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12)];
}

function expandKey(key: Bytes): readonly number[] {
  let [a, b, c, d] = readWords(key);
  [a, b, c, d] = [a ^ FK[0], b ^ FK[1], c ^ FK[2], d ^ FK[3]];
  const roundKeys: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const next = a ^ mixKey(b ^ c ^ d ^ roundConstant(round));
    [a, b, c, d] = [b, c, d, next];
    roundKeys.push(next);
  }
  return roundKeys;
}

function encryptBlock(roundKeys: readonly number[], block: Bytes): Bytes {
  let [a, b, c, d] = readWords(block);
  for (const roundKey of roundKeys) {
    const next = a ^ mixData(b ^ c ^ d ^ roundKey);
    [a, b, c, d] = [b, c, d, next];
  }
  const result = new Uint8Array(BLOCK_SIZE);
  const view = new DataView(result.buffer);
  [d, c, b, a].forEach((word, i) => view.setInt32(4 * i, word));
  return result;
}

/** One block of SM4 (GB/T 32907): 16 bytes under a key of 16 bytes. */
export function encryptSm4Block(key: Bytes, block: Bytes): Bytes {
  return encryptBlock(expandKey(key), block);
}

/** Runs the cipher over the text; the feedback is the encrypted side of every block. */
function runCfb(key: Bytes, iv: Bytes, input: Bytes, isEncrypting: boolean): Bytes {
  const roundKeys = expandKey(key);
  const output = new Uint8Array(input.length);
  let feedback = iv;
  for (let start = 0; start < input.length; start += BLOCK_SIZE) {
    const mask = encryptBlock(roundKeys, feedback);
    const end = Math.min(start + BLOCK_SIZE, input.length);
    for (let i = start; i < end; i++) output[i] = (input[i] ?? 0) ^ (mask[i - start] ?? 0);
    feedback = (isEncrypting ? output : input).subarray(start, end);
  }
  return output;
}

/**
 * SM4 with 128-bit cipher feedback, OpenSSL's `sm4-cfb`. Its table look-ups are not constant-time:
 * for keys at rest, which are read when nobody else times the process, not for traffic.
 */
export const SM4_CFB: KeyCipher = {
  encrypt: (key, iv, plain) => runCfb(key, iv, plain, true),
  decrypt: (key, iv, encrypted) => runCfb(key, iv, encrypted, false),
};
