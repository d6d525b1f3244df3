import assert from "node:assert/strict";
import { type Lab, labTest, openLab } from "./mod.ts";
import { ip, namespaceName } from "./namespaces.ts";
import type { Answer } from "./testing/probe.ts";

const SEED = 8;
const PORT = 5000;

/** A program of `testing/`, with what Deno needs to run it. */
function program(name: string, ...args: string[]): [string, ...string[]] {
  const path = new URL(`testing/${name}.ts`, import.meta.url).pathname;
  return [Deno.execPath(), "run", "-A", "--no-check", "--quiet", "--unstable-net", path, ...args];
}

/** Starts the echo at a node and waits until it listens. */
async function startEcho(lab: Lab, node: number, address = lab.address(node)): Promise<void> {
  const echo = lab.spawn(node, program("echo", address, String(PORT)), { stdout: "piped" });
  const reader = echo.stdout.getReader();
  await reader.read();
  await reader.cancel();
}

/** What comes back when node 0 sends datagrams to node 1. */
async function probe(lab: Lab, count: number, intervalMs = 2): Promise<Answer[]> {
  const args = [lab.address(1), PORT, count, intervalMs].map(String);
  return JSON.parse(await lab.run(0, program("probe", ...args)));
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN;
}

labTest("openLab() gives links with the delay that was asked for", async () => {
  await using lab = await openLab({ nodes: 2, link: { delayMs: 50, jitterMs: 5 }, seed: SEED });
  await startEcho(lab, 1);
  const answers = await probe(lab, 200);
  assert.deepEqual(answers.map(({ serial }) => serial), Array.from({ length: 200 }, (_, i) => i));
  const roundTripMs = median(answers.map(({ roundTripMs }) => roundTripMs));
  assert(roundTripMs >= 98 && roundTripMs < 120, `median ${roundTripMs} ms`);
});

labTest("openLab() gives links that lose and reorder packets", async () => {
  const link = { delayMs: 10, loss: 0.1, reorder: 0.1 };
  await using lab = await openLab({ nodes: 2, link, seed: SEED });
  await startEcho(lab, 1);
  const serials = (await probe(lab, 500)).map(({ serial }) => serial);
  // 0.9 * 0.9 of 500 come back: 405, with a deviation of 9
  assert(serials.length > 350 && serials.length < 460, `${serials.length} came back`);
  const overtaken = serials.filter((serial, i) => serial < (serials[i - 1] ?? 0)).length;
  assert(overtaken > 20, `${overtaken} were overtaken`);
});

labTest("Lab.cut() stops all packets until Lab.heal()", async () => {
  await using lab = await openLab({ nodes: 2, link: { delayMs: 1 }, seed: SEED });
  await startEcho(lab, 1);
  lab.cut(1, 0);
  assert.deepEqual(await probe(lab, 10), []);
  lab.heal();
  assert.equal((await probe(lab, 10)).length, 10);
});

labTest("Lab.openWindow() reaches services at 127.0.0.1 of a node", async () => {
  await using lab = await openLab({ nodes: 1, link: { delayMs: 1 }, seed: SEED });
  await startEcho(lab, 0, "127.0.0.1");
  const [port = 0] = await lab.openWindow(0, [PORT]);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new Uint8Array([1, 2, 3]));
  const answer = new Uint8Array(8);
  assert.equal(await connection.read(answer), 3);
});

labTest(
  "Lab leaves nothing behind, and the next one clears up after a killed process",
  async () => {
    const before = await ip("netns", "list");
    {
      await using lab = await openLab({ nodes: 2, link: { delayMs: 1 }, seed: SEED });
      await startEcho(lab, 1);
    }
    assert.equal(await ip("netns", "list"), before);

    const code = `
    const { openLab } = await import("${new URL("mod.ts", import.meta.url)}");
    const lab = await openLab({ nodes: 1, link: { delayMs: 1 }, seed: 1 });
    lab.spawn(0, ["sleep", "600"], { stdout: "null", stderr: "null" });
    Deno.kill(Deno.pid, "SIGKILL");`;
    const args = ["eval", "--no-check", "--ext=ts", code];
    const { signal } = await new Deno.Command(Deno.execPath(), { args }).output();
    assert.equal(signal, "SIGKILL");
    assert.notEqual(await ip("netns", "list"), before, "the killed one left something");
    await using lab = await openLab({ nodes: 1, link: { delayMs: 1 }, seed: SEED });
    const left = (await ip("netns", "list")).split("\n").filter((line) => line.includes("netlab"));
    assert.equal(left.length, before.split("netlab").length, `${left} with ${lab.address(0)}`);
    assert(left.every((line) => line.startsWith(namespaceName(0, 0).replace(/-\d+-\d+$/, ""))));
  },
);
