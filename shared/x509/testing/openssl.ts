/** Runs openssl with a text as its input; gives what it printed, or null when it is not there. */
export async function openssl(args: readonly string[], input = ""): Promise<string | null> {
  const command = new Deno.Command("openssl", {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
  let process: Deno.ChildProcess;
  try {
    process = command.spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await process.output();
  if (code !== 0) throw new Error(`openssl: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
