/**
 * Security headers of every response, Socket.IO's polling and its refusals included: what is not ours is neither run,
 * framed, nor told where the visitor came from. COOP and COEP make the pages cross-origin isolated (where the context
 * is secure: https or localhost), which shared memory, and so threads in WASM, needs.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import helmet from "helmet";

const headers = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      // Compiling WebAssembly is not evaluating text; that stays forbidden.
      scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
      // tfjs starts the threads of its WASM back end from a blob of its own code.
      workerSrc: ["'self'", "blob:"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", "data:", "blob:"],
      fontSrc: ["'self'"],
      connectSrc: ["'self'"],
      manifestSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  crossOriginEmbedderPolicy: { policy: "require-corp" },
  crossOriginOpenerPolicy: { policy: "same-origin" },
  crossOriginResourcePolicy: { policy: "same-origin" },
  referrerPolicy: { policy: "no-referrer" },
  xFrameOptions: { action: "deny" },
  // Plain http is how a class-room joins; whoever terminates TLS decides on HSTS.
  strictTransportSecurity: false,
});

/** Everything else that a browser could hand a page stays off. */
const PERMISSIONS = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), bluetooth=()";

export function setSecurityHeaders(request: IncomingMessage, response: ServerResponse): void {
  headers(request, response, () => {});
  response.setHeader("permissions-policy", PERMISSIONS);
}
