import { expect, it, vi } from "vitest";

/** The page anew, with nothing in its memory. */
async function load(): Promise<typeof import("./kept.ts")> {
  vi.resetModules();
  return import("./kept.ts");
}

/** As a tab's, with room for so many characters. */
function storageFor(most: number) {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => {
      if (value.length <= most) kept.set(key, value);
    },
  };
}

it("is there again after a reload, until it is cleared", async () => {
  const storage = storageFor(10);
  (await load()).keptText("draft", storage).value = "my text";
  const { keptText, isAllKept } = await load();
  const again = keptText("draft", storage);
  expect(again.value).toBe("my text");
  again.value = "";
  expect(isAllKept()).toBe(true);
  expect((await load()).keptText("draft", storage).value).toBe("");
});

it("says what a reload would lose, and brings nothing older back in its place", async () => {
  const storage = storageFor(10);
  const { keptText, isAllKept } = await load();
  const draft = keptText("draft", storage);
  draft.value = "short";
  expect(isAllKept()).toBe(true);
  draft.value = "more than there is room for";
  expect(isAllKept()).toBe(false);
  expect((await load()).keptText("draft", storage).value).toBe("");
  draft.value = "";
  expect(isAllKept()).toBe(true);
});
