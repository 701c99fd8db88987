/**
 * Updates of the open round whose numbers are in gateways, which fold them: who has what, and how the parts come together
 * when the round closes. What a gateway does not answer for is folded here, from the bytes that it had kept; the sums are
 * exact, so that this makes no difference to anything.
 */
import type { FoldPart } from "@fedlodrop/federation";
import { decodeSparseValues } from "@fedlodrop/protocol";
import { type AdapterShape, keptValueCount, type Pieces, type RunConfig } from "@fedlodrop/run";
import type { StoredUpload } from "../store/run-store.ts";
import type { ArmNumbers } from "./arm-numbers.ts";
import type { FoldedUpdate, GatewayPart } from "./round-numbers.ts";

/** Where the numbers of an update are, and where its bytes. */
export interface KeptAt {
  readonly gateway: string;
  readonly upload: StoredUpload;
}

/** How an update is to be folded. */
export interface FoldOrder {
  readonly kind: "fold";
  /** By which its mask is drawn. */
  readonly maskRound: number;
  readonly dropoutRate: number;
  readonly weight: number;
  readonly isLeftOut: boolean;
}

/** What a run asks of gateways. Each rejects when the gateway is gone, or has something else than what was asked for. */
export interface PartKeepers {
  part(gateway: string, round: number, participantIds: readonly string[]): Promise<GatewayPart>;
  agreements(
    gateway: string,
    round: number,
    sketches: Float64Array | null,
  ): Promise<readonly (readonly [participantId: string, agreement: number | null])[]>;
  /** Waits for a store that is away. */
  upload(round: number, participantId: string, upload: StoredUpload): Promise<Uint8Array>;
}

export interface Elsewhere {
  hold(participantId: string, at: KeptAt): void;
  drop(participantId: string): void;
  /** False for an update that is to be folded here. */
  takes(update: FoldedUpdate): boolean;
  /** Of an update that was taken in the open round. */
  order(participantId: string): FoldOrder | null;
  /** Merges into the numbers whatever was taken. @returns the agreements of updates that were folded elsewhere */
  gather(round: number): Promise<ReadonlyMap<string, number | null>>;
}

export interface ElsewhereRooms {
  readonly shape: AdapterShape;
  readonly numbers: ArmNumbers;
  readonly keepers: PartKeepers;
  config(): Pick<RunConfig, "valueType">;
  work<T>(pieces: Pieces<T>): Promise<T>;
}

interface Taken {
  readonly update: FoldedUpdate;
  readonly at: KeptAt;
  readonly order: FoldOrder;
}

export function createElsewhere({ shape, numbers, keepers, config, work }: ElsewhereRooms): Elsewhere {
  const held = new Map<string, KeptAt>();
  let taken = new Map<string, Taken>();
  let open = 0;

  async function foldHere({ update, at }: Taken): Promise<void> {
    const { round, participantId, dropoutRate } = update;
    const bytes = await keepers.upload(round, participantId, at.upload);
    const valueCount = keptValueCount(shape, dropoutRate);
    const decoded = decodeSparseValues(bytes, { round, valueCount, valueType: config().valueType });
    if (decoded.kind === "refused")
      throw new Error(`the kept upload of ${participantId} in round ${round}: ${decoded.message}`);
    numbers.hold(participantId, decoded.values);
    const folded = work(numbers.fold(update));
    numbers.drop(participantId);
    await folded;
  }

  return {
    hold: (participantId, at) => {
      held.set(participantId, at);
    },
    drop: (participantId) => {
      held.delete(participantId);
    },
    takes(update) {
      const at = held.get(update.participantId);
      if (at === undefined) return false;
      if (open !== update.round) taken = new Map();
      open = update.round;
      const { participantId, dropoutRate, weight } = update;
      const maskRound = numbers.maskRound(update.round);
      const isLeftOut = numbers.isLeftOut(participantId);
      const order = { kind: "fold", maskRound, dropoutRate, weight, isLeftOut } as const;
      taken.set(participantId, { update, at, order });
      return true;
    },
    order: (participantId) => taken.get(participantId)?.order ?? null,
    async gather(round) {
      const byGateway = new Map<string, Taken[]>();
      for (const one of open === round ? taken.values() : []) {
        const own = byGateway.get(one.at.gateway);
        if (own === undefined) byGateway.set(one.at.gateway, [one]);
        else own.push(one);
      }
      const parts = new Map<string, GatewayPart>();
      const lost: Taken[] = [];
      await Promise.all(
        [...byGateway].map(async ([gateway, own]) => {
          const ids = own.map(({ update }) => update.participantId);
          const part = await keepers.part(gateway, round, ids).catch(() => null);
          if (part === null) lost.push(...own);
          else parts.set(gateway, part);
        }),
      );
      for (const one of lost) await foldHere(one);
      const sketches = sketchesOf([
        await work(numbers.part()),
        ...[...parts.values()].map(({ part }) => part),
      ]);
      const agreements = new Map<string, number | null>();
      await Promise.all(
        [...parts].map(async ([gateway, part]) => {
          const told = await keepers.agreements(gateway, round, sketches).catch(() => null);
          if (told !== null) {
            for (const [id, agreement] of told) agreements.set(id, agreement);
            await work(numbers.merge(part));
          } else for (const one of byGateway.get(gateway) ?? []) await foldHere(one);
        }),
      );
      return agreements;
    },
  };
}

function sketchesOf(parts: readonly FoldPart[]): Float64Array | null {
  let all: Float64Array | null = null;
  for (const { sketches } of parts) {
    if (sketches === null) continue;
    all ??= new Float64Array(sketches.length);
    for (let i = 0; i < all.length; i++) all[i] = (all[i] as number) + (sketches[i] as number);
  }
  return all;
}
