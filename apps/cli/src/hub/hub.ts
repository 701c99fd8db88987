/**
 * The routes of a Hugging Face hub that a model is fetched through: what a revision holds, and its files.
 *
 * | route                                             | answer                                                        |
 * |---------------------------------------------------|---------------------------------------------------------------|
 * | GET /api/models/ORG/NAME/revision/REV?blobs=true  | { sha, siblings: [{ rfilename, size, blobId, lfs?: { sha256 } }] } |
 * | GET /ORG/NAME/resolve/SHA/FILE                    | the bytes, by Range; large files by way of a redirect          |
 *
 * `@huggingface/hub` knows them too, but its downloads cannot be taken up again, check no hash and tell no progress.
 * Source: huggingface.co/docs/hub/api, and the error codes of huggingface_hub's `utils/_http.py`.
 */
import { createHash, type Hash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { inPlainWords } from "../plain-error.ts";
import type { ModelName } from "./model-name.ts";

export interface HubOptions {
  /** Of a mirror; HF_ENDPOINT, else huggingface.co. */
  readonly endpoint?: string;
}

export interface Hub {
  readonly endpoint: string;
  /** @throws one line that says what to do when there is no such model or it may not be read */
  describe(model: ModelName): Promise<HubModel>;
  /** A file's bytes from `begin` on: 206 with the rest, or 200 with all of it. */
  open(model: HubModel, file: HubFile, begin: number, signal: AbortSignal): Promise<Response>;
}

export interface HubModel {
  /** ORG/NAME. */
  readonly id: string;
  /** As it was asked for: a branch, a tag or a commit. */
  readonly revision: string;
  /** What the revision is now; its files never change. */
  readonly commit: string;
  readonly files: readonly HubFile[];
}

export interface HubFile {
  readonly name: string;
  readonly bytes: number;
  readonly checksum: Checksum;
}

/** Large files are known by the SHA-256 of their bytes, small ones by git's hash of them. */
interface Checksum {
  readonly kind: "sha256" | "git";
  /** Hexadecimal. */
  readonly digest: string;
}

const DEFAULT_ENDPOINT = "https://huggingface.co";
const COMMIT = /^[0-9a-f]{40}$/;
const SHA256 = /^[0-9a-f]{64}$/;

export function openHub({ endpoint = process.env.HF_ENDPOINT || DEFAULT_ENDPOINT }: HubOptions = {}): Hub {
  const root = readEndpoint(endpoint);
  const token = process.env.HF_TOKEN;
  // Fetch leaves it out where a redirect leads to another host.
  const authorization: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const get = async (
    path: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Response> => {
    try {
      return await fetch(`${root}${path}`, { headers: { ...authorization, ...headers }, signal });
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw new Error(`hub: ${root} cannot be reached (${reasonOf(cause)})`, { cause });
    }
  };
  return {
    endpoint: root,
    async describe({ id, revision }) {
      const path = `/api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`;
      for (let tries = 1; ; tries++)
        try {
          const response = await get(path, { accept: "application/json" }, AbortSignal.timeout(ANSWER_MS));
          if (!response.ok) throw refusal(response, root, id, revision);
          return { id, revision, ...readDescription(await response.json().catch(() => null), id) };
        } catch (error) {
          if (tries === DESCRIBE_TRIES || (error instanceof HubRefusal && error.isFinal)) throw error;
          await pause(DESCRIBE_PAUSE_MS * tries);
        }
    },
    async open({ id, commit, revision }, { name }, begin, signal) {
      const path = `/${id}/resolve/${commit}/${name.split("/").map(encodeURIComponent).join("/")}`;
      // A compressed body would have another length, and no part of it could be asked for.
      const headers = { "accept-encoding": "identity", ...(begin > 0 && { range: `bytes=${begin}-` }) };
      const response = await get(path, headers, signal);
      if (!response.ok) throw refusal(response, root, id, revision, name);
      return response;
    },
  };
}

const ANSWER_MS = 60_000;
const DESCRIBE_TRIES = 3;
const DESCRIBE_PAUSE_MS = 300;

/** What a hub that does not give something is taken to mean; `isFinal` where asking again cannot help. */
export class HubRefusal extends Error {
  override readonly name = "HubRefusal";
  readonly isFinal: boolean;
  constructor(message: string, isFinal: boolean) {
    super(message);
    this.isFinal = isFinal;
  }
}

function refusal(
  { status, headers }: Response,
  root: string,
  id: string,
  revision: string,
  file?: string,
): HubRefusal {
  const code = headers.get("x-error-code");
  const final = (message: string): HubRefusal => new HubRefusal(`hub: ${message}`, true);
  if (code === "GatedRepo")
    return final(
      `${id} wants its terms to be accepted: do so at ${root}/${id}, and set HF_TOKEN to a token of that account`,
    );
  if (code === "RevisionNotFound") return final(`${id} has no revision ${revision}`);
  if (code === "EntryNotFound" || (status === 404 && file !== undefined))
    return final(`${id} has no file ${file}`);
  if (status === 401 || status === 403)
    return final(
      process.env.HF_TOKEN
        ? `${root} gives ${id} to nobody with this HF_TOKEN: see whether the name and the token are right`
        : `${root} has no public model ${id}: see whether the name is right, or set HF_TOKEN where it is private`,
    );
  if (status === 404) return final(`${root} has no model ${id}`);
  const what = `hub: ${root} answered HTTP ${status} for ${file ?? id}`;
  return new HubRefusal(
    status === 429 ? `${what}: too many requests; try again later` : what,
    status < 500 && status !== 429,
  );
}

function readDescription(json: unknown, id: string): Pick<HubModel, "commit" | "files"> {
  const { sha, siblings } = (json ?? {}) as { readonly sha?: unknown; readonly siblings?: unknown };
  if (typeof sha !== "string" || !COMMIT.test(sha) || !Array.isArray(siblings))
    throw new Error(`hub: expected a description of ${id} with its commit and files, got something else`);
  return { commit: sha, files: siblings.map((sibling) => readFile(sibling, id)) };
}

function readFile(sibling: unknown, id: string): HubFile {
  const { rfilename, size, blobId, lfs } = (sibling ?? {}) as {
    readonly rfilename?: unknown;
    readonly size?: unknown;
    readonly blobId?: unknown;
    readonly lfs?: { readonly sha256?: unknown; readonly oid?: unknown } | null;
  };
  const sha256 = lfs?.sha256 ?? lfs?.oid;
  const isLarge = typeof sha256 === "string" && SHA256.test(sha256);
  const digest = isLarge ? sha256 : blobId;
  if (typeof rfilename !== "string" || !Number.isSafeInteger(size) || typeof digest !== "string")
    throw new Error(
      `hub: expected name, size and hash of each file of ${id}, got ${JSON.stringify(sibling)}`,
    );
  return { name: rfilename, bytes: size as number, checksum: { kind: isLarge ? "sha256" : "git", digest } };
}

/** Takes a file's bytes and ends in the digest that its checksum has. */
export function startChecksum({ bytes, checksum }: HubFile): Hash {
  return checksum.kind === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${bytes}\0`);
}

function readEndpoint(text: string): string {
  if (!/^https?:/.test(text) || !URL.canParse(text))
    throw new Error(`hub: expected an http or https address, got "${text}"`);
  return new URL(text).href.replace(/\/+$/, "");
}

/** Fetch says only "fetch failed": what failed is beneath. */
const reasonOf = (error: unknown): string => {
  const { cause, name } = error as { readonly cause?: { readonly code?: unknown }; readonly name?: unknown };
  if (name === "TimeoutError") return "no answer in a minute";
  return typeof cause?.code === "string" ? cause.code : inPlainWords(error as Error);
};
