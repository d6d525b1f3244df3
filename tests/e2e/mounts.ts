/** File systems of their own for tests that fill one or forbid writing; only root can have them. */

/** A mounted folder; disposal removes the mount. */
export interface Mount extends AsyncDisposable {
  readonly path: string;
}

/** Mounts a small file system in memory; null, with the reason printed, where that is refused. */
export function mountTmpfs(path: string, size: string): Promise<Mount | null> {
  return mount(path, [["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]]);
}

/** Makes a folder read-only, also for root; null, with the reason printed, where that is refused. */
export function mountReadOnly(path: string): Promise<Mount | null> {
  return mount(path, [["--bind", path, path], ["-o", "remount,ro,bind", path]]);
}

async function mount(path: string, steps: readonly (readonly string[])[]): Promise<Mount | null> {
  for (const args of steps) {
    const { success, stderr } = await new Deno.Command("mount", { args: [...args] }).output();
    if (success) continue;
    console.log(`skipped: mount is refused here: ${new TextDecoder().decode(stderr).trim()}`);
    return null;
  }
  return {
    path,
    async [Symbol.asyncDispose]() {
      await new Deno.Command("umount", { args: [path] }).output();
    },
  };
}
