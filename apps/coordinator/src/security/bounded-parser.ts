/** Socket.IO's own parser, but for texts that no message needs: parsing megabytes of JSON would hold everybody up. */
import { Decoder, Encoder } from "socket.io-parser";

/** A host's settings with a limit for each of ten thousand devices take 250 kB; a participant's message takes two. */
const MAX_TEXT_CHARACTERS = 256 * 1024;

class BoundedDecoder extends Decoder {
  /** @throws which closes the connection */
  override add(message: unknown): void {
    if (typeof message === "string" && message.length > MAX_TEXT_CHARACTERS)
      throw new Error(`message: expected at most ${MAX_TEXT_CHARACTERS} characters, got ${message.length}`);
    super.add(message);
  }
}

export const boundedParser = { Encoder, Decoder: BoundedDecoder };
