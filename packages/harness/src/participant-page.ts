/**
 * What the kit needs of the participant page, and nothing else of it:
 *
 * - The button `join-button`, which joins when it is enabled.
 * - URL parameters: `join` (join at once, without a tap), `nickname`, `backend` (`webgpu`, `wasm` or `cpu`; absent
 *   lets the page choose); fragment `code` (the room's).
 * - Attributes on `<html>`: `data-state` (a `ParticipantView` state once joined, `error` with `data-error` when the
 *   page gave up), `data-participant-id`, `data-backend`, `data-backend-reason` (why this one, in words),
 *   `data-round`.
 */
import type { Page } from "playwright-core";

export type Backend = "webgpu" | "wasm" | "cpu";

/** Undefined for what the page has not said yet. */
export interface PageState {
  readonly state: string | undefined;
  readonly participantId: string | undefined;
  readonly backend: string | undefined;
  readonly backendReason: string | undefined;
  readonly round: number | undefined;
  readonly error: string | undefined;
}

export interface PageOptions {
  /** False waits for a tap; by default the page joins at once. */
  readonly joins?: boolean;
  readonly nickname: string;
  readonly backend?: Backend | undefined;
  /** Of the room, where it needs one. */
  readonly code?: string | undefined;
}

export function participantPageUrl(url: string, options: PageOptions): string {
  const address = new URL(url);
  if (options.joins ?? true) address.searchParams.set("join", "");
  address.searchParams.set("nickname", options.nickname);
  if (options.backend) address.searchParams.set("backend", options.backend);
  if (options.code) address.hash = new URLSearchParams({ code: options.code }).toString();
  return address.href;
}

export async function readPageState(page: Page): Promise<PageState> {
  const { state, participantId, backend, backendReason, round, error } = await page.evaluate(() => ({
    ...document.documentElement.dataset,
  }));
  return {
    state,
    participantId,
    backend,
    backendReason,
    round: round === undefined ? undefined : Number(round),
    error,
  };
}
