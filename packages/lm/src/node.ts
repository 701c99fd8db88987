/** What Node adds: models from a folder, threads for our WASM engine, and where tfjs's WASM files are installed. */
import { access, open, readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import type { Tokenizer } from "./data/tokenizer.ts";
import type { ByteSource } from "./files/bytes.ts";
import { type LoadedModel, loadModel, loadTokenizer, type ModelFolder } from "./files/model-files.ts";

export { nodeHost } from "./engines/wasm/node-host.ts";

/** Reads a model folder in the Hugging Face layout. @throws one line with the path of the file that is missing or wrong. */
export const readModel = (directory: string): Promise<LoadedModel> => readFrom(directory, loadModel);

/** Its tokenizer alone, without the weights. @throws likewise */
export const readTokenizer = async (directory: string): Promise<Tokenizer> =>
  (await readFrom(directory, loadTokenizer)).tokenizer;

async function readFrom<T>(directory: string, load: (folder: ModelFolder) => Promise<T>): Promise<T> {
  try {
    return await load({
      read: (name) => ifThere(join(directory, name), (path) => readFile(path)),
      open: (name) => ifThere(join(directory, name), bytesOfFile),
    });
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`model: ${join(directory, "/")}${problem}${await inOtherForm(directory, problem)}`, {
      cause,
    });
  }
}

async function ifThere<T>(path: string, read: (path: string) => Promise<T>): Promise<T | null> {
  try {
    return await read(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    throw new Error(`${basename(path)}: cannot be read (${code})`, { cause });
  }
}

/** A file on disk, opened for each part that is read of it: who holds a model holds no file open. */
async function bytesOfFile(path: string): Promise<ByteSource> {
  const { size: byteLength } = await stat(path);
  return {
    byteLength,
    async read(begin, end) {
      const file = await open(path);
      try {
        const bytes = new Uint8Array(end - begin);
        const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, begin);
        if (bytesRead !== bytes.byteLength)
          throw new Error(`${path}: expected ${bytes.byteLength} bytes from ${begin} on, got ${bytesRead}`);
        return bytes;
      } finally {
        await file.close();
      }
    },
  };
}

/** Other forms in which a folder may hold what is missing, with what to do about it. */
const OTHER_FORMS = [
  {
    file: "pytorch_model.bin",
    instead: "model.safetensors",
    say: "pytorch_model.bin is there: convert it to safetensors first",
  },
  {
    file: "vocab.txt",
    instead: "tokenizer.json",
    say: "vocab.txt is there: save the tokenizer as a fast one first",
  },
  {
    file: "tokenizer.model",
    instead: "tokenizer.json",
    say: "tokenizer.model is there: save the tokenizer as a fast one first",
  },
] as const;

async function inOtherForm(directory: string, problem: string): Promise<string> {
  for (const { file, instead, say } of OTHER_FORMS) {
    if (problem !== `${instead}: there is no such file`) continue;
    const isThere = await access(join(directory, file)).then(
      () => true,
      () => false,
    );
    if (isThere) return `, but ${say}`;
  }
  return "";
}

/** Folder with tfjs-backend-wasm's .wasm files, ending in "/": `tfjsWasm` in Node; undefined where tfjs, the fall-back,
 *  is not installed. */
export function wasmDirectory(): string | undefined {
  try {
    const packageJson = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json");
    return `${join(dirname(packageJson), "wasm-out")}/`;
  } catch {
    return undefined;
  }
}
