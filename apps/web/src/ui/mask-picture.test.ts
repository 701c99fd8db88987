import { drawDropoutMask } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { maskPicture } from "./mask-picture.ts";

const modules = [{ name: "m", inFeatures: 4, outFeatures: 10 }];
const mask = [{ keptColumns: Uint32Array.of(0, 3), keptRows: Uint32Array.of(0, 1, 2, 9) }];

describe("maskPicture", () => {
  it("lights kept columns of A and kept rows of B", () => {
    const [picture] = maskPicture(modules, mask, 100);
    const [a, b] = picture!.strips;
    expect([...a.cells]).toEqual([1, 0, 0, 1]);
    expect([...b.cells]).toEqual([1, 1, 1, 0, 0, 0, 0, 0, 0, 1]);
    expect([b.kept, b.size]).toEqual([4, 10]);
  });

  it("bins wide factors into cells that may differ in size", () => {
    // 10 rows in 4 cells: {0,1,2} {3,4} {5,6,7} {8,9}
    const [, b] = maskPicture(modules, mask, 4)[0]!.strips;
    expect([...b.cells]).toEqual([1, 0, 0, 0.5]);
  });

  it("shows the drawn share on average, whatever the binning", () => {
    const wide = [{ name: "w", inFeatures: 2048, outFeatures: 512 }];
    const adapter = { rank: 2, alpha: 4, modules: wide, dense: [] };
    const drawn = drawDropoutMask(adapter, { seed: "0", round: 1, participantId: "p1", dropoutRate: 0.25 });
    for (const { cells } of maskPicture(wide, drawn, 128)[0]!.strips)
      expect(cells.reduce((sum, cell) => sum + cell, 0) / cells.length).toBeCloseTo(0.75, 6);
  });

  it("refuses a mask of another adapter", () => {
    expect(() => maskPicture(modules, [], 10)).toThrow("expected 1 modules, got 0");
  });
});
