/** Text files as people have them: UTF-8, UTF-16 with or without a byte-order mark, or Windows' Latin-1. */
import { TextFaultError } from "./text-fault.ts";

export type TextEncodingName = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

export interface DecodedText {
  readonly text: string;
  readonly encoding: TextEncodingName;
}

/** Throws for bytes that are no text. */
export function decodeText(bytes: Uint8Array, fileName: string): DecodedText {
  const encoding = guessEncoding(bytes);
  if (!encoding)
    throw new TextFaultError({ kind: "no-text-file" }, `${fileName}: expected a text file, got binary data`);
  try {
    return { text: new TextDecoder(encoding, { fatal: true }).decode(bytes), encoding };
  } catch (cause) {
    const message = `${fileName}: expected valid ${encoding} text, got broken characters`;
    throw new TextFaultError({ kind: "no-text-file" }, message, { cause });
  }
}

function guessEncoding(bytes: Uint8Array): TextEncodingName | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";

  const zeros = [0, 0];
  let controls = 0;
  for (const [index, byte] of bytes.entries()) {
    if (byte === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1;
    // Tab, line feed, form feed and carriage return are text; the other control characters hardly ever are.
    else if (byte < 32 && byte !== 9 && byte !== 10 && byte !== 12 && byte !== 13) controls++;
  }
  const [evenZeros = 0, oddZeros = 0] = zeros;
  // Western text in UTF-16 has a zero in nearly every other byte.
  if (oddZeros > bytes.length / 4 && evenZeros < bytes.length / 100) return "utf-16le";
  if (evenZeros > bytes.length / 4 && oddZeros < bytes.length / 100) return "utf-16be";
  if (evenZeros + oddZeros > 0 || controls > bytes.length / 100) return undefined;
  return isUtf8(bytes) ? "utf-8" : "windows-1252";
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
