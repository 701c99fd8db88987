/** Builds the pages and their worker into apps/web/dist; `vite` alone serves them beside a running coordinator. */
import { readFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Least size of a file that is worth it: below, it takes one packet either way. */
const LEAST_BYTES = 1024;

/**
 * Beside each file that shrinks a .br, and a .gz for plain http, where browsers take nothing newer. Whoever starts a run
 * waits for the build: the qualities are those after which little is gained.
 */
function precompressed(): Plugin {
  const [toBrotli, toGzip] = [promisify(brotliCompress), promisify(gzip)];
  return {
    name: "precompressed",
    apply: "build",
    async writeBundle({ dir = "" }) {
      const entries = await readdir(dir, { recursive: true, withFileTypes: true });
      const files = entries
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name));
      await Promise.all(
        files.map(async (file) => {
          const bytes = await readFile(file);
          if (bytes.length < LEAST_BYTES) return;
          const params = {
            [constants.BROTLI_PARAM_QUALITY]: 9,
            [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
          };
          const [brotli, gzipped] = await Promise.all([
            toBrotli(bytes, { params }),
            toGzip(bytes, { level: 9 }),
          ]);
          if (brotli.length < bytes.length) await writeFile(`${file}.br`, brotli);
          if (gzipped.length < bytes.length) await writeFile(`${file}.gz`, gzipped);
        }),
      );
    },
  };
}

/** A page says what is its own; `<!-- src/parts/NAME.html -->` in it is what the pages share. */
function sharedParts(): Plugin {
  return {
    name: "shared-parts",
    transformIndexHtml: {
      order: "pre",
      handler: (html) =>
        html.replaceAll(/ *<!-- (src\/parts\/[a-z-]+\.html) -->\n/g, (_, part: string) =>
          readFileSync(path(`apps/web/${part}`), "utf8"),
        ),
    },
  };
}

/** The coordinator serves host.html at /host; so does the development server. */
function hostPage(): Plugin {
  return {
    name: "host-page",
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        request.url = request.url?.replace(/^\/host(?=$|[?#])/, "/host.html");
        next();
      });
    },
  };
}

const coordinator = process.env.FEDLODROP_URL ?? "http://localhost:7860";

export default defineConfig({
  root: path("apps/web"),
  base: "./", // the pages may stand under any path of a proxy
  plugins: [sharedParts(), hostPage(), precompressed()],
  logLevel: "warn",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  worker: { format: "es" },
  build: {
    outDir: path("apps/web/dist"),
    emptyOutDir: true,
    target: "es2023",
    reportCompressedSize: false,
    chunkSizeWarningLimit: 4096, // the worker carries tfjs
    rolldownOptions: {
      input: ["index", "host", "replay"].map((name) => path(`apps/web/${name}.html`)),
      checks: { pluginTimings: false }, // the worker is most of the build, and that is no news
    },
  },
  server: {
    proxy: {
      "/socket.io": { target: coordinator, ws: true },
      "/api": coordinator,
      "/models": coordinator,
    },
  },
});
