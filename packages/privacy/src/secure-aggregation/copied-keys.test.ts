/** A device that announces another's public keys as its own has no secret of them, and may still try to make masks cancel. */
import { adapterSize, atOnce } from "@fedlodrop/run";
import { concatBytes } from "@noble/hashes/utils.js";
import { expect, it } from "vitest";
import { COVERS } from "./company.ts";
import { advertise, maskChanges, maskCommitment, ownMask, share, takeShares } from "./device.ts";
import { toWords, unpackNumbers } from "./fixed-point.ts";
import { KEY_BYTES, SEALED_BYTES, sign, signingKeys } from "./keys.ts";
import { addMask } from "./mask-stream.ts";
import { seededBytes, testTerms } from "./rehearsal.fixture.ts";
import { advertised } from "./roster.ts";

const size = adapterSize(testTerms.shape);

it.each(["mendable", "firm"] as const)("cannot take the %s masks off a neighbour's changes", (cover) => {
  const part = (id: string) => ({
    ...{ terms: testTerms, id, weight: 1, dropoutRate: 0, known: new Map<string, Uint8Array>() },
    identity: signingKeys(seededBytes("identity", id)),
  });
  // Around the one that is attacked, so that its masks with the two would have opposite signs.
  const [copied, attacked, copier] = [part("p1"), part("p2"), part("p3")];
  const randomBytes = seededBytes("attacked");
  const theirs = advertise(copied, seededBytes("copied"));
  const mine = advertise(attacked, randomBytes);
  const fields = concatBytes(
    copier.identity.publicKey,
    theirs.bytes.subarray(KEY_BYTES, 3 * KEY_BYTES),
    maskCommitment(new Uint8Array(KEY_BYTES)),
  );
  const forged = concatBytes(fields, sign(advertised(testTerms, copier.id, fields), copier.identity));
  const entries = [
    { id: "p1", weight: 1, dropoutRate: 0, advertisement: theirs.bytes },
    { id: "p2", weight: 1, dropoutRate: 0, advertisement: mine.bytes },
    { id: "p3", weight: 1, dropoutRate: 0, advertisement: forged },
  ];
  const shared = share(mine.state, { kind: "roster", entries }, randomBytes);
  if (shared.kind === "refused") throw new Error(shared.message);
  const senders = ["p1", "p2", "p3"];
  const sealed = new Uint8Array(2 * SEALED_BYTES);
  const ready = takeShares(shared.state, { kind: "sealed", senders, bytes: sealed });
  if (ready.kind === "refused") throw new Error(ready.message);
  const covered = { ...ready.coverage, cover: ready.coverage.cover.map(() => COVERS.indexOf(cover)) };
  const { format } = covered.roster;
  const changes = new Float32Array(size).fill(0.25);
  const input = unpackNumbers(maskChanges({ ...ready, coverage: covered }, changes), format);
  // What the coordinator can do once it has the shares of a survivor's seed.
  const everything = Uint32Array.from({ length: size }, (_, at) => at);
  atOnce(addMask(input, format.words, everything, ownMask(mine.state.secrets.maskSeed, covered.roster), -1));
  const bare = toWords(changes, 1, format);
  const same = input.filter((word, at) => word === bare[at]).length;
  expect(same).toBeLessThan(0.05 * input.length);
});
