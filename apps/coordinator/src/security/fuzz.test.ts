import { expect, it } from "vitest";
import { attack } from "../../../../bench/fuzz/attack.ts";

// The command for a million is `npx tsx bench/fuzz.ts`.
it("lives through a few thousand hostile messages of every kind", async () => {
  const { sent, replies } = await attack({ seed: "unit", count: 3000 });
  for (const [kind, count] of Object.entries(sent)) expect(count, kind).toBeGreaterThan(100);
  for (const reply of ["bad-message", "unknown-participant", "wrong-state", "HTTP 401", "HTTP 404"])
    expect(replies[reply], reply).toBeGreaterThan(0);
}, 120_000);
