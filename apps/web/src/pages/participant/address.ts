/** What the page's address may ask for. */
import type { Backend } from "@fedlodrop/lm";

export interface PageAddress {
  /** `?join`: join at once, without a tap. */
  readonly joinAtOnce: boolean;
  /** `?nickname=…` */
  readonly nickname: string | null;
  /** `#code=…`, of the room */
  readonly code: string | null;
  /** `?backend=webgpu|wasm|cpu` */
  readonly backend: Backend | null;
}

/** @param fragment what follows `#`: browsers do not send it, so that no log of a proxy has the code */
export function readAddress(query: URLSearchParams, fragment: URLSearchParams): PageAddress {
  return {
    code: fragment.get("code"),
    joinAtOnce: query.has("join"),
    nickname: query.get("nickname"),
    backend: readBackend(query.get("backend")),
  };
}

function readBackend(value: string | null): Backend | null {
  switch (value) {
    case null:
    case "webgpu":
    case "wasm":
    case "cpu":
      return value;
    default:
      throw new UnknownBackendError(value);
  }
}

export class UnknownBackendError extends Error {
  override readonly name = "UnknownBackendError";
  readonly backend: string;

  constructor(backend: string) {
    super(`?backend: expected webgpu, wasm or cpu, got ${backend}`);
    this.backend = backend;
  }
}
