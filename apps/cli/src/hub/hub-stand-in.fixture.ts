/** A hub on loopback for tests: its routes, headers, redirects and hashes, and on demand its failures. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface StandIn {
  readonly endpoint: string;
  /** Of what happened: "GET /path range=… authorization=…", the store's requests beginning with "store". */
  readonly requests: string[];
  readonly commit: string;
  close(): Promise<void>;
}

export interface StandInOptions {
  readonly id: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Only with this token; what others hear. */
  readonly token?: string;
  readonly gated?: boolean;
  /** The large files' connection is cut after so many bytes, this many times, when they have come. */
  readonly cuts?: { readonly after: number; readonly times: number; readonly when?: () => Promise<void> };
  /** Sends nothing more after the first bytes, this many times. */
  readonly stalls?: number;
  /** One byte of the large files is another, this many times. */
  readonly damages?: number;
  /** HTTP 503 before anything else, this many times. */
  readonly busy?: number;
  /** Of the large files' store: whether it knows ranges. */
  readonly ranges?: boolean;
}

/** Larger files are kept apart from git, as on the hub. */
const LARGE_BYTES = 10_000;

export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  const { id, files, token, gated = false, ranges = true } = options;
  let { cuts = { after: 0, times: 0 }, stalls = 0, damages = 0, busy = 0 } = options;
  const requests: string[] = [];
  const commit = createHash("sha1")
    .update(JSON.stringify(Object.keys(files)))
    .digest("hex");
  const note = (who: string, { method, url, headers }: IncomingMessage): void => {
    const { range, authorization } = headers;
    requests.push(
      [who, method, url, range && `range=${range}`, authorization && `authorization=${authorization}`]
        .filter(Boolean)
        .join(" "),
    );
  };

  const store = await listen((request, response) => {
    note("store", request);
    const bytes = files[
      decodeURIComponent((request.url ?? "").slice(1).split("?")[0] as string)
    ] as Uint8Array;
    const begin = ranges ? beginOf(request) : 0;
    const body = Buffer.from(bytes.subarray(begin));
    if (damages > 0) {
      damages--;
      body[body.length - 1] = (body[body.length - 1] as number) ^ 1;
    }
    head(response, begin, bytes.length);
    if (cuts.times > 0) {
      const { after, when = async () => {} } = cuts;
      cuts = { ...cuts, times: cuts.times - 1 };
      // Before they have come it would take back what is under way.
      response.write(body.subarray(0, after), () => void when().finally(() => response.destroy()));
    } else if (stalls > 0) {
      stalls--;
      response.write(body.subarray(0, 100));
    } else response.end(body);
  });

  const hub = await listen((request, response) => {
    note("hub", request);
    const refuse = (status: number, code: string): void =>
      void response.writeHead(status, { "x-error-code": code }).end(JSON.stringify({ error: code }));
    if (busy > 0) {
      busy--;
      return refuse(503, "");
    }
    const path = decodeURIComponent((request.url ?? "").split("?")[0] as string);
    if (!path.startsWith(`/api/models/${id}/`) && !path.startsWith(`/${id}/`))
      return refuse(404, "RepoNotFound");
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      return refuse(401, gated ? "GatedRepo" : "RepoNotFound");
    const [, revision] = new RegExp(`^/api/models/${id}/revision/(.+)$`).exec(path) ?? [];
    if (revision !== undefined) {
      if (!["main", "v1", commit].includes(revision)) return refuse(404, "RevisionNotFound");
      const siblings = Object.entries(files).map(([rfilename, bytes]) => ({
        rfilename,
        size: bytes.length,
        blobId: createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex"),
        ...(bytes.length > LARGE_BYTES && {
          lfs: {
            sha256: createHash("sha256").update(bytes).digest("hex"),
            size: bytes.length,
            pointerSize: 134,
          },
        }),
      }));
      return void response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ id, sha: commit, siblings }));
    }
    const [, name] = new RegExp(`^/${id}/resolve/${commit}/(.+)$`).exec(path) ?? [];
    const bytes = files[name ?? ""];
    if (name === undefined || bytes === undefined) return refuse(404, "EntryNotFound");
    if (bytes.length > LARGE_BYTES)
      return void response
        .writeHead(302, {
          location: `${store.url}/${name}?signature=1`,
          "x-linked-size": bytes.length,
          "x-repo-commit": commit,
        })
        .end();
    head(response, beginOf(request), bytes.length);
    response.end(bytes.subarray(beginOf(request)));
  });

  return {
    endpoint: hub.url,
    requests,
    commit,
    async close() {
      await Promise.all([hub.close(), store.close()]);
    },
  };
}

const beginOf = (request: IncomingMessage): number =>
  Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);

function head(response: ServerResponse, begin: number, length: number): void {
  response.writeHead(begin > 0 ? 206 : 200, {
    "content-length": length - begin,
    ...(begin > 0 && { "content-range": `bytes ${begin}-${length - 1}/${length}` }),
  });
}

async function listen(answer: RequestListener) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
