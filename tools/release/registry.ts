/**
 * A package registry on loopback, as far as `npm publish` and `npm install` need one: it holds what is published to it,
 * and sends whoever asks for anything else to the registry that npm is set up with. Gone when it is closed.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export interface Registry {
  readonly url: string;
  close(): void;
}

/** What `npm publish` sends. */
interface Publication {
  readonly name: string;
  readonly versions: Readonly<Record<string, object>>;
  readonly "dist-tags": Readonly<Record<string, string>>;
  readonly _attachments: Readonly<Record<string, { readonly data: string }>>;
}

/** @param elsewhere URL of the registry for everything that is not published here */
export async function openRegistry(elsewhere: string): Promise<Registry> {
  const documents = new Map<string, object>();
  const tarballs = new Map<string, Buffer>();
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://loopback").pathname).slice(1);
    const tarball = tarballs.get(path);
    const document = documents.get(path);
    if (request.method === "PUT") {
      const { _attachments, ...published } = JSON.parse(await textOf(request)) as Publication;
      if (document) return response.writeHead(409).end(JSON.stringify({ error: `${path} is there already` }));
      documents.set(path, published);
      for (const [file, { data }] of Object.entries(_attachments))
        tarballs.set(`${path}/-/${file.replace(/^@[^/]+\//, "")}`, Buffer.from(data, "base64"));
      return response.writeHead(201, { "content-type": "application/json" }).end("{}");
    }
    if (tarball) return response.writeHead(200, { "content-type": "application/octet-stream" }).end(tarball);
    if (document)
      return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(document));
    return response.writeHead(302, { location: new URL(request.url ?? "/", elsewhere).href }).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
