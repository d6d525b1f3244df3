import { type Bytes, concatBytes } from "../../../../shared/bytes/mod.ts";
import { PLAIN_MODE, readIfThere, replaceFile } from "../../../../shared/files/mod.ts";
import { type Authorities, decodeAuthorities, encodeAuthorities } from "../core/validators.ts";

/** Keeps the validators and those before their last change (spec/consensus.md, section 6.1). */
export interface AuthorityStore {
  /** Resolves when they are on disk. */
  save(authorities: Authorities): Promise<void>;
}

const FILE_NAME = "authorities_old";
const HEADER_SIZE = 5;
const RECORD_TYPE = 1;

/** Opens or creates the folder `authority_path`; null for a file that is absent or not whole. */
export async function openAuthorityFile(
  folder: string,
): Promise<{ readonly store: AuthorityStore; readonly authorities: Authorities | null }> {
  await Deno.mkdir(folder, { recursive: true });
  const path = `${folder}/${FILE_NAME}`;
  const bytes = await readIfThere(path);
  const authorities = bytes === null ? null : readAuthorityRecord(bytes);
  const save = (changed: Authorities) => replaceFile(path, authorityRecord(changed), PLAIN_MODE);
  return { store: { save }, authorities };
}

/** The content of the file: u32 LE body length, u8 type, body. */
function authorityRecord(authorities: Authorities): Bytes {
  const body = encodeAuthorities(authorities);
  const header = new Uint8Array(HEADER_SIZE);
  new DataView(header.buffer).setUint32(0, body.length, true);
  header[4] = RECORD_TYPE;
  return concatBytes(header, body);
}

/** Reads the content of the file; null when it is not whole. */
function readAuthorityRecord(bytes: Bytes): Authorities | null {
  if (bytes.length <= HEADER_SIZE) return null;
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const body = bytes.subarray(HEADER_SIZE);
  return body.length < size ? null : decodeAuthorities(body.subarray(0, size));
}
