/**
 * Answers what arrives at a port, by UDP and by TCP, with the same bytes: `echo.ts ADDRESS PORT`.
 * Prints a line when it listens.
 *
 * @module
 */

const [hostname = "", port = ""] = Deno.args;
const options = { hostname, port: Number(port) };
const datagrams = Deno.listenDatagram({ ...options, transport: "udp" });
const listener = Deno.listen(options);
console.log("listening");

async function echoDatagrams(): Promise<void> {
  for await (const [bytes, from] of datagrams) await datagrams.send(bytes, from);
}

async function echoStreams(): Promise<void> {
  for await (const connection of listener) {
    connection.readable.pipeTo(connection.writable).catch(() => {});
  }
}

await Promise.all([echoDatagrams(), echoStreams()]);
