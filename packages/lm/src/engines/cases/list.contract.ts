/** Cases of every kernel kind: awkward sizes on purpose, and every option at least once. */
import { attentionCases } from "./attention.contract.ts";
import { CaseBuilder, type KernelCase } from "./case.contract.ts";
import { headCases } from "./heads.contract.ts";
import { productCases } from "./products.contract.ts";
import { rowCases } from "./rows.contract.ts";
import { vectorCases } from "./vectors.contract.ts";

export const kernelCases: readonly KernelCase[] = [
  ...rowCases,
  ...productCases,
  ...attentionCases,
  ...headCases,
  ...vectorCases,
].map((draw, i) => draw(new CaseBuilder(`${i}`)));
