import assert from "node:assert/strict";
import { SYSTEM_CLOCK } from "../../../../shared/clock/mod.ts";
import { S3_KEYS, S3Server } from "../../testing/s3_server.ts";
import { CloudError } from "./cloud.ts";
import { baseUrl, S3Bucket } from "./s3.ts";

let server: S3Server;
Deno.test.beforeAll(async () => {
  server = await S3Server.start();
});
Deno.test.afterAll(() => server[Symbol.asyncDispose]());

const CONTENT = Uint8Array.of(1, 2, 3);

Deno.test("S3Bucket gives back what was put, empty and large contents too", async () => {
  const bucket = server.open();
  assert.equal(await bucket.get("absent"), null);
  for (const content of [CONTENT, new Uint8Array(0), new Uint8Array(20_000_000).fill(7)]) {
    await bucket.put("object", content);
    assert.deepEqual(await bucket.get("object"), content);
  }
  assert.deepEqual(
    await Deno.stat(`${server.objects}/node/data/object`).then(({ size }) => size),
    20_000_000,
  );
});

for (
  const [what, overrides, text] of [
    ["a wrong key", { secretAccessKey: "guess" }, /answers 403 SignatureDoesNotMatch/],
    ["an unknown user", { accessKeyId: "nobody" }, /answers 40[34] \w+/],
    ["a bucket that is not there", { bucket: "nowhere" }, /bucket "nowhere".* 404 NoSuchBucket/],
    ["another region", { region: "eu-central-1" }, /answers 400 .*region/],
  ] as const
) {
  Deno.test(`S3Bucket tells of ${what}, when it reads and when it writes`, async () => {
    const bucket = server.open(overrides);
    const calls = [() => bucket.get("object"), () => bucket.put("object", CONTENT)];
    for (const call of calls) {
      await assert.rejects(
        call(),
        (error) =>
          error instanceof CloudError && error.reason === "refused" && text.test(error.message) &&
          !error.message.includes(S3_KEYS.secretAccessKey),
      );
    }
  });
}

Deno.test("S3Bucket ends a call in time when nothing answers, and works again afterwards", async () => {
  const bucket = server.open({ callTimeoutMs: 500 });
  server.freeze();
  const startMs = SYSTEM_CLOCK.monotonicMs();
  const calls = Array.from({ length: 200 }, () => bucket.get("absent"));
  for (const call of await Promise.allSettled(calls)) {
    assert(call.status === "rejected");
    assert.match(call.reason.message, /no answer within 500 ms/);
  }
  assert(SYSTEM_CLOCK.monotonicMs() - startMs < 3_000);
  server.thaw();
  assert.equal(await server.open().get("absent"), null);
});

Deno.test("S3Bucket names what the network says when the server is away", async () => {
  const bucket = server.open({ endpoint: "http://127.0.0.1:1", callTimeoutMs: 2_000 });
  await assert.rejects(bucket.get("object"), /at http:\/\/127\.0\.0\.1:1: .*[Cc]onnection refused/);
  const nowhere = server.open({ endpoint: "http://nowhere.invalid", callTimeoutMs: 2_000 });
  await assert.rejects(nowhere.get("object"), /dns error/);
});

Deno.test("S3Bucket refuses a server whose certificate is not trusted, at once", async () => {
  const folder = new URL("../../testing/tls/", import.meta.url).pathname;
  const [cert, key] = ["server.pem", "server.key"].map((name) =>
    Deno.readTextFileSync(folder + name)
  );
  assert(cert !== undefined && key !== undefined);
  const options = { hostname: "127.0.0.1", port: 0, cert, key, onListen() {} };
  const https = Deno.serve(options, () => new Response(CONTENT));
  const bucket = server.open({ endpoint: `https://localhost:${https.addr.port}` });
  await assert.rejects(
    bucket.get("object"),
    (error) => error instanceof CloudError && error.reason === "refused",
  );
  await https.shutdown();
});

Deno.test("S3Bucket.close() ends calls under way and refuses others", async () => {
  const bucket = server.open();
  server.freeze();
  const waiting = assert.rejects(bucket.get("object"), /it is closed/);
  await bucket.close();
  await waiting;
  server.thaw();
  await assert.rejects(bucket.get("object"), /it is closed/);
});

/** A server that answers with each of the statuses once, then with 200. */
async function withAnswers(
  statuses: number[],
  use: (bucket: S3Bucket) => Promise<void>,
): Promise<void> {
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    const status = statuses.shift() ?? 200;
    return new Response(status === 200 ? CONTENT : "<Error><Code>Busy</Code></Error>", { status });
  });
  try {
    await use(server.open({ endpoint: `http://127.0.0.1:${http.addr.port}` }));
  } finally {
    await http.shutdown();
  }
}

Deno.test("S3Bucket tries again when the server is busy, a few times", async () => {
  await withAnswers([503, 429, 500], async (bucket) => {
    assert.deepEqual(await bucket.get("object"), CONTENT);
  });
  await withAnswers([503, 503, 503, 503], async (bucket) => {
    await assert.rejects(bucket.put("object", CONTENT), /answers 503 Busy/);
  });
  const answers = [400, 200];
  await withAnswers(answers, async (bucket) => {
    await assert.rejects(bucket.get("object"), /answers 400 Busy/);
    assert.deepEqual(answers, [200], "what is wrong stays wrong");
  });
  await withAnswers([404], async (bucket) => {
    await assert.rejects(
      bucket.get("object"),
      /answers 404 Busy/,
      "no object is what NoSuchKey says",
    );
  });
});

Deno.test("baseUrl() has the bucket in the path or in the host", () => {
  const options = { endpoint: "https://cloud.test:9000/", bucket: "chain", root: "a/b" };
  const inPath = baseUrl({ ...options, isBucketInHost: false });
  assert.equal(inPath, "https://cloud.test:9000/chain/a/b/");
  assert.equal(baseUrl({ ...options, isBucketInHost: true }), "https://chain.cloud.test:9000/a/b/");
  assert.equal(
    baseUrl({ ...options, root: "", isBucketInHost: true }),
    "https://chain.cloud.test:9000/",
  );
});
