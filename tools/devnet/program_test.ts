import assert from "node:assert/strict";
import { findBasePort } from "../../tests/free_ports.ts";
import { FakeBin } from "./testing/fake_bin.ts";

interface Status {
  readonly crypto: string;
  readonly nodes: readonly {
    readonly running: boolean;
    readonly height: number | null;
    readonly hash: string | null;
    readonly round: number | null;
    readonly peers: number | null;
    readonly txs: number | null;
    readonly rss_kib: number;
    readonly ports: Readonly<Record<string, number>>;
    readonly processes: readonly {
      readonly role: string;
      readonly pid: number | null;
      readonly running: boolean;
    }[];
  }[];
}

async function statusOf(bin: FakeBin): Promise<Status> {
  const { code, out, err } = await bin.run(["status", "--json"]);
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

function pidOf(status: Status, role: string): number {
  return status.nodes[0]?.processes.find((process) => process.role === role)?.pid ?? 0;
}

const oneNode = (...flags: string[]) => [
  "up",
  "--nodes=1",
  `--base-port=${findBasePort(1)}`,
  ...flags,
];

// the processes are children of the test and outlive single steps on purpose
const options = { sanitizeOps: false, sanitizeResources: false };

Deno.test("up --detach makes a chain, starts it and leaves it running", options, async () => {
  await using bin = new FakeBin();
  const { code, out, err } = await bin.run(oneNode("--crypto=eth", "--detach"));
  assert.equal(code, 0, err);
  assert.match(out, /^creating a chain of 1 nodes \(eth, bft, p2p\) in /);
  assert.match(out, /\nnode 0: started kms \d+, storage \d+, network \d+, executor \d+, /);
  assert.match(out, /\nwaiting for the first block\n(.*\n)*block \d+ after \d+\.\d s\n/);
  assert.match(out, /cldi -r localhost:\d+ -e localhost:\d+ --crypto ETH get block-number/);

  const status = await statusOf(bin);
  const [node] = status.nodes;
  assert.equal(status.crypto, "eth");
  assert.ok(node !== undefined && node.running);
  assert.ok((node.height ?? 0) > 0 && node.rss_kib > 0);
  assert.deepEqual([node.hash, node.round, node.peers, node.txs], [
    `0x${"07".repeat(32)}`,
    5,
    3,
    2,
  ]);
  const base = node.ports["network"] ?? 0;
  assert.deepEqual(node.ports, {
    network: base,
    consensus: base + 1,
    executor: base + 2,
    storage: base + 3,
    controller: base + 4,
    kms: base + 5,
    listen: base + 10,
    metrics: base + 14,
    consensus_metrics: base + 11,
    executor_metrics: base + 12,
    network_metrics: base + 16,
  });
  assert.ok(out.includes(`\n  curl localhost:${base + 14}/metrics\n`));
  assert.match((await bin.run(["status"])).out, /\n +0 +\d+ +5 +3 +2 +\d+ {2}running\n$/);

  const again = await bin.run(["up", "--detach"]);
  assert.equal(again.code, 1);
  assert.match(again.err, /6 of its processes run already/);
});

Deno.test("nodes and single services stop and start again", options, async () => {
  await using bin = new FakeBin();
  await bin.run(oneNode("--detach"));
  const before = await statusOf(bin);
  assert.equal((await bin.run(["stop-node", "0", "--kill"])).out, "node 0: stopped 6 processes\n");
  const stopped = await statusOf(bin);
  assert.deepEqual(
    stopped.nodes[0]?.processes.map(({ pid, running }) => [pid, running]),
    Array(6).fill([null, false]),
  );
  assert.equal(stopped.nodes[0]?.height, null);
  assert.match((await bin.run(["status"])).out, /\n +0 +- +- +- +- +0 {2}stopped\n$/);

  assert.match((await bin.run(["start-node", "0"])).out, /^node 0: started kms \d+, storage/);
  const after = await statusOf(bin);
  assert.notEqual(pidOf(after, "kms"), pidOf(before, "kms"));
  Deno.kill(pidOf(after, "kms"), "SIGKILL");
  while ((await statusOf(bin)).nodes[0]?.running);
  assert.match((await bin.run(["status"])).out, / {2}kms died\n$/);
  assert.match((await bin.run(["start-node", "0"])).out, /^node 0: started kms \d+\n$/);
  assert.equal((await bin.run(["start-node", "0"])).out, "node 0: runs already\n");
  assert.equal((await bin.run(["down"])).out, "stopped 6 processes\n");
  assert.equal((await bin.run(["down"])).out, "nothing was running\n");

  const restart = await bin.run(["up", "--detach", "--nodes=1", "--crypto=sm"]);
  assert.equal(restart.code, 0, restart.err);
  assert.match(restart.out, /^starting the chain in .* again\n/);
});

Deno.test("up says when a process dies, and stops everything when told to", options, async () => {
  await using bin = new FakeBin();
  let step = 0;
  const result = await bin.run(oneNode(), (out) => {
    if (step === 0 && /\nheight \d+, /.test(out)) {
      step = 1;
      Deno.kill(Number(/executor (\d+)/.exec(out)?.[1]), "SIGKILL");
    } else if (step === 1 && out.includes("starts it again")) {
      step = 2;
      bin.stop.abort();
    }
  });
  assert.equal(result.code, 0, result.err);
  assert.match(
    result.out,
    /\nnode 0: executor \(pid \d+\) died\n {2}its log: .*\/logs\/executor-service\.log\nnode 0: "devnet start-node 0" starts it again\n/,
  );
  assert.match(result.out, /\nstopping everything\nstopped 5 processes\n$/);
  const status = await statusOf(bin);
  assert.ok(status.nodes[0]?.processes.every((process) => !process.running));
});

Deno.test("up ends with 1 when no process is left", options, async () => {
  await using bin = new FakeBin();
  bin.writeExecutable("controller", "#!/bin/sh\necho 'no disk left' >&2\nexit 1\n");
  for (const role of ["kms", "storage", "network", "executor", "consensus"]) {
    bin.writeExecutable(role, "#!/bin/sh\nexit 1\n");
  }
  const result = await bin.run(oneNode());
  assert.equal(result.code, 1);
  assert.match(result.out, /controller \(pid \d+\) died\n(.*\n)* {2}controller: no disk left\n/);
  assert.equal(result.err, "Error: Cannot go on: all processes have ended\n");
});

Deno.test("up refuses what it cannot run, before it makes anything", options, async () => {
  await using bin = new FakeBin();
  for (
    const [flags, expected] of [
      [["--base-port=65000"], "Cannot give node 1 its ports"],
    ] as const
  ) {
    const { code, err } = await bin.run(["up", ...flags]);
    assert.equal(code, 1);
    assert.ok(err.startsWith("Error: ") && err.includes(expected), err);
  }
  for (const flag of ["--nodes=0", "--nodes=x", "--crypto=rsa", "--base-port=65536"]) {
    assert.equal((await bin.run(["up", flag])).code, 2, flag);
  }
  assert.match((await bin.run(["status"])).err, /Cannot find a chain in ".*"/);
  Deno.writeTextFileSync(`${bin.chainPath}/notes`, "");
  assert.match((await bin.run(["up"])).err, /it must be empty, got "notes"/);
  Deno.removeSync(`${bin.chainPath}/notes`);

  const port = findBasePort(1);
  using _listener = Deno.listen({ hostname: "127.0.0.1", port: port + 3 });
  const inUse = await bin.run(["up", "--nodes=1", `--base-port=${port}`]);
  assert.equal(inUse.code, 1);
  assert.match(
    inUse.err,
    new RegExp(`Cannot use port ${port + 3} \\(node 0, storage\\): it is in`),
  );

  for (
    const [flag, expected] of [
      ["--nodes=4", "with --nodes 4: it has 1"],
      ["--crypto=eth", "with --crypto eth: it has sm"],
      ["--base-port=1", `with --base-port 1: it has ${port}`],
    ] as const
  ) {
    const { code, err } = await bin.run(["up", flag]);
    assert.equal(code, 1);
    assert.ok(err.includes(expected), err);
  }
  assert.match(
    (await bin.run(["logs", "1"])).err,
    /Cannot find node 1 in ".*": it must be in 0\.\.0/,
  );
  Deno.removeSync(`${bin.path}/kms`);
  assert.match((await bin.run(["up"])).err, /Cannot find the executable ".*\/kms"/);
});

for (const network of ["tls", "quic"]) {
  Deno.test(
    `up --network ${network} makes a chain of nodes with certificates`,
    options,
    async () => {
      await using bin = new FakeBin();
      const flags = [`--network=${network}`, "--nodes=2", `--base-port=${findBasePort(2)}`];
      const { code, out, err } = await bin.run(["up", ...flags, "--detach"]);
      assert.equal(code, 0, err);
      assert.match(out, new RegExp(`^creating a chain of 2 nodes \\(sm, bft, ${network}\\) in `));
      const config = Deno.readTextFileSync(`${bin.chainPath}/test-chain-1/config.toml`);
      const { network: port = 0, listen, network_metrics } =
        (await statusOf(bin)).nodes[1]?.ports ?? {};
      const table = `\\[network_${network}\\]\nmetrics_port = ${network_metrics}\nca_cert = """`;
      assert.match(config, new RegExp(`^${table}`, "m"));
      assert.match(config, new RegExp(`^grpc_port = ${port}\nlisten_port = ${listen}$`, "m"));
      assert.match(config, /^domain = 'test-chain-0'\nhost = '127\.0\.0\.1'\nport = \d+$/m);

      await bin.run(["down"]);
      const added = await bin.run(["add-node"]);
      assert.equal(added.code, 0, added.err);
      const grown = Deno.readTextFileSync(`${bin.chainPath}/test-chain-0/config.toml`);
      assert.match(grown, /^domain = 'test-chain-2'$/m);
      const again = await bin.run(["up", "--network=p2p"]);
      assert.match(again.err, new RegExp(`with --network p2p: it has ${network};`));
    },
  );
}

Deno.test("logs prints the ends of the log files and follows them", options, async () => {
  await using bin = new FakeBin();
  await bin.run(oneNode("--detach"));
  const path = `${bin.chainPath}/test-chain-0/logs/executor-service.log`;
  Deno.writeTextFileSync(path, "one\ntwo\nthr");
  assert.equal((await bin.run(["logs", "0", "executor"])).out, "one\ntwo\n");
  const all = await bin.run(["logs", "0"]);
  assert.match(all.out, /^executor: one\nexecutor: two\ncontroller stderr: this is a fake\n$/);
  const followed = await bin.run(["logs", "-f", "0", "executor"], (out) => {
    if (out === "one\ntwo\n") Deno.writeTextFileSync(path, "ee\n", { append: true });
    else bin.stop.abort();
  });
  assert.equal(followed.out, "one\ntwo\nthree\n");
  assert.equal((await bin.run(["logs", "0", "wallet"])).code, 2);
});
