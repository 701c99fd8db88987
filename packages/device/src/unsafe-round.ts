/** Taking part would give away more than was promised, or this device could not know whether. */
export class UnsafeRoundError extends Error {
  override readonly name = "UnsafeRoundError";
}
