/** A device's round as one object that takes every step once and in order; what it refused ends it. */
import {
  type Advertised,
  advertise,
  maskChanges,
  type OwnPart,
  type ReadyToSend,
  reveal,
  type Shared,
  type Signed,
  share,
  signSurvivors,
  takeShares,
} from "./device.ts";
import type { RandomBytes } from "./keys.ts";
import { type FromDevice, type Refusal, refused, type ToDevice } from "./messages.ts";
import type { Coverage } from "./roster.ts";

type State =
  | Advertised
  | Shared
  | ReadyToSend
  | { readonly kind: "sent"; readonly part: ReadyToSend }
  | Signed
  | { readonly kind: "done" }
  | { readonly kind: "ended" };

const NEXT: Readonly<Record<ToDevice["kind"], State["kind"]>> = {
  roster: "advertised",
  sealed: "shared",
  survivors: "sent",
  signatures: "signed",
};

export interface DeviceSession {
  readonly keys: Extract<FromDevice, { kind: "keys" }>;
  /** What to answer; null after `sealed`, which is answered by the input when there is one. */
  receive(message: ToDevice): FromDevice | Refusal | null;
  /** Places of the values to send and how they are covered, once `sealed` has come. */
  readonly toSend: { readonly indices: Uint32Array; readonly coverage: Coverage } | null;
  /** Once. @param noise grains for each value, or null */
  mask(changes: Float32Array, noise: Float64Array | null): Extract<FromDevice, { kind: "input" }>;
}

export function openSession(own: OwnPart, randomBytes: RandomBytes): DeviceSession {
  const first = advertise(own, randomBytes);
  let state: State = first.state;

  function step(message: ToDevice): FromDevice | Refusal | null {
    if (state.kind !== NEXT[message.kind])
      return refused(`${message.kind}: not in this step (${state.kind})`);
    switch (message.kind) {
      case "roster": {
        const next = share(state as Advertised, message, randomBytes);
        if (next.kind === "refused") return next;
        state = next.state;
        return { kind: "shares", bytes: next.bytes };
      }
      case "sealed": {
        const next = takeShares(state as Shared, message);
        if (next.kind === "refused") return next;
        state = next;
        return null;
      }
      case "survivors": {
        const next = signSurvivors((state as Extract<State, { kind: "sent" }>).part, message);
        if (next.kind === "refused") return next;
        state = next.state;
        return { kind: "signature", bytes: next.bytes };
      }
      case "signatures": {
        const next = reveal(state as Signed, message);
        if (next.kind === "refused") return next;
        state = { kind: "done" };
        return { kind: "reveal", bytes: next.bytes };
      }
      default:
        return message satisfies never;
    }
  }

  return {
    keys: { kind: "keys", bytes: first.bytes },
    get toSend() {
      if (state.kind !== "ready-to-send") return null;
      return { indices: state.indices, coverage: state.coverage };
    },
    receive(message) {
      const answer = step(message);
      if (answer?.kind === "refused") state = { kind: "ended" };
      return answer;
    },
    mask(changes, noise) {
      if (state.kind !== "ready-to-send")
        throw new Error(`mask: expected a round that is ready to send, got ${state.kind}`);
      const bytes = maskChanges(state, changes, noise);
      state = { kind: "sent", part: state };
      return { kind: "input", bytes };
    },
  };
}
