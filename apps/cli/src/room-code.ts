/** What newcomers to a run have to know. */
import { randomBytes } from "node:crypto";
import { readRoomCode } from "@fedlodrop/coordinator";

/** @param text a code as a host chooses it, or `random` @throws when it could be guessed in no time */
export const roomCode = (text: string): string =>
  readRoomCode(text, (bytes) => randomBytes(bytes).toString("base64url"));
