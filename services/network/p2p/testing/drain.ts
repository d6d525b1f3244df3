import assert from "node:assert/strict";

/** Reads until the other side closes the connection, which it must; tells how much there was. */
export async function drain(socket: Deno.Conn): Promise<number> {
  const buffer = new Uint8Array(65_536);
  let size = 0;
  try {
    for (let read = await socket.read(buffer); read !== null; read = await socket.read(buffer)) {
      size += read;
    }
  } catch (cause) {
    assert(cause instanceof Deno.errors.ConnectionReset);
  }
  socket.close();
  return size;
}
