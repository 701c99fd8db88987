/** The command line asks for something that cannot be; its message alone is shown, with the way to `--help`. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
