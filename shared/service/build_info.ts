// Replaced by `make build` with the output of `git describe`; absent when run from source.
declare const BUILD_GIT_VERSION: string | undefined;

/** The version of the source that an executable was built from. */
export function gitVersion(): string {
  return typeof BUILD_GIT_VERSION === "string" ? BUILD_GIT_VERSION : "unbuilt source";
}
