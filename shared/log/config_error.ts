/** A logging file that cannot be used; the text names file and field. */
export class LogConfigError extends Error {
  override name = "LogConfigError";
}
