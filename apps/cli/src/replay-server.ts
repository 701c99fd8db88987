/** Serves the replay page and one report to this machine alone: a fixed list of files, nothing else. */
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, relative, sep } from "node:path";
import { setSecurityHeaders } from "@fedlodrop/coordinator";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};

interface ReplayServer {
  readonly url: string;
  close(): Promise<void>;
}

const BASE = "http://replay";

/** @param report JSON @param port 0 takes a free one */
export async function serveReplay(
  report: string,
  pagesDirectory: string,
  port: number,
): Promise<ReplayServer> {
  const entries = await readdir(pagesDirectory, { recursive: true, withFileTypes: true });
  const files: ReadonlyMap<string, string> = new Map(
    entries
      .filter((entry) => entry.isFile() && extname(entry.name) in TYPES)
      .map(({ parentPath, name }) => {
        const path = join(parentPath, name);
        return [`/${relative(pagesDirectory, path).split(sep).join("/")}`, path];
      }),
  );
  const server = createServer(async (request, response) => {
    setSecurityHeaders(request, response);
    const address = request.url ?? "/";
    const pathname = URL.canParse(address, BASE) ? new URL(address, BASE).pathname : "";
    const path = files.get(pathname === "/" ? "/replay.html" : pathname);
    if (pathname === "/replay.json") {
      response.writeHead(200, { "content-type": "application/json; charset=utf-8" }).end(report);
    } else if (path === undefined) {
      response.writeHead(404, { "content-type": "text/plain" }).end("nothing is here\n");
    } else {
      const bytes = await readFile(path).catch(() => null);
      if (bytes === null) response.writeHead(500).end();
      else response.writeHead(200, { "content-type": TYPES[extname(path)] }).end(bytes);
    }
  });
  await once(server.listen(port, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
