import { METHODS } from "@fedlodrop/run";
import { h, type VNode } from "preact";
import { afterEach, describe, expect, it } from "vitest";
import { CHINESE } from "../words/chinese.fixture.ts";
import { ENGLISH } from "../words/english.fixture.ts";
import { shownOf } from "../words/shown.fixture.ts";
import type { Message } from "../words/words.ts";
import { forResearchers, SymbolsToggle, Term, term, termInDocuments } from "./symbols.tsx";

const show = (checked: boolean): void => {
  const [box] = SymbolsToggle().props.children as [
    VNode<{ onChange(event: { currentTarget: { checked: boolean } }): void }>,
  ];
  box.props.onChange({ currentTarget: { checked } });
};

describe("researchers' terms", () => {
  afterEach(() => show(false));

  it("stand behind the plain words where they are wanted", () => {
    expect(term("method.p-sca")).toBe("Best rates, nearly");
    expect(forResearchers("In nats.")).toBe("");
    show(true);
    expect(term("method.p-sca")).toBe("Best rates, nearly (P-SCA)");
    expect(term("rate.dropout")).toBe("Dropout rate (γ)");
    expect(term("settings.rank")).toBe("Width of the add-on (rank r)");
    expect(forResearchers("In nats.")).toBe("In nats.");
  });

  it("are always told to who points at a name", () => {
    expect(shownOf(h(Term, { of: "loss.held-out" }))).toBe("Mistakes on unseen texts");
    expect(termInDocuments("loss.held-out")).toBe("In the documents: held-out loss");
  });

  it("belong to every method", () => {
    for (const method of METHODS) expect(termInDocuments(`method.${method}`)).toMatch(/: .+/);
  });
});

/** Where researchers are spoken to; `base.` and `files.` are names of formats. */
const TOLD_TO_RESEARCHERS = /^(term|loss\.unit|base)\.|\.terms$|^figures\.(f1|matthews|spearman)$/;
const JARGON =
  /\b(P-SCA|branch and bound|greedy|objective|nats?|bounds? of|the bound|held-out|loss(es)?|Dirichlet|Pearson|Spearman|Matthews|optimum|tokens?|adapters?|(Fed)?LoRA|PEFT|gradients?|modell?ed|aggregat\w+|uplink|batch(es)?|seeds?|modules?|weights)\b|[εδγ]|分支定界|贪心|目标值|奈特|上界|留出集|损失|狄利克雷|最优|词元|适配器|梯度|聚合|建模|种子|模块|权重/i;

it.each([
  ["English", ENGLISH],
  ["Chinese", CHINESE],
])("are in no other text, in %s", (_, messages) => {
  const found = Object.entries<Message>(messages).filter(
    ([key, message]) =>
      !TOLD_TO_RESEARCHERS.test(key) &&
      (typeof message === "string" ? [message] : Object.values(message)).some((text) =>
        JARGON.test(text.replace(/\{.*?\}/g, "")),
      ),
  );
  expect(found).toEqual([]);
});
