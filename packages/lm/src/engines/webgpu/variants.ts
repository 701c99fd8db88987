/** The kernels there are for one purpose, of which the probe picks the fastest on the adapter at hand. */
import { BASE_TYPES, type BaseType } from "../../plan/weight.ts";
import type { LoraVariant } from "./kernels/lora.ts";
import type { RowVariant } from "./kernels/norm.ts";
import type { ProductVariant } from "./kernels/product.ts";
import type { WalkVariant } from "./kernels/walk.ts";

/** The forms of every purpose. Products with weights of different base types are purposes of their own. */
interface Forms {
  readonly product: ProductVariant;
  readonly transposedProduct: ProductVariant;
  readonly attention: WalkVariant;
  readonly attentionBackward: WalkVariant;
  readonly loraDown: LoraVariant;
  readonly loraGradient: LoraVariant;
  readonly normRows: RowVariant;
  readonly lossRows: RowVariant;
}

export type Purpose = keyof Forms;

export type KernelVariants = {
  readonly [P in Purpose]: P extends "product" | "transposedProduct"
    ? Readonly<Record<BaseType, ProductVariant>>
    : Forms[P];
};

/** Every form of every purpose that a device can run. @param subgroups whether it has them */
export function formsOf(subgroups: boolean): { readonly [P in Purpose]: readonly Forms[P][] } {
  const ifQuads = <T>(...forms: readonly T[]): readonly T[] => (subgroups ? forms : []);
  const products: readonly ProductVariant[] = [
    ...ifQuads<ProductVariant>(
      { kind: "registers", quads: true, rows: 32, workgroup: 8 },
      { kind: "registers", quads: true, rows: 8, workgroup: 64 },
    ),
    { kind: "registers", quads: false, rows: 8, workgroup: 8 },
    { kind: "tiles", across: 8, down: 8 },
    { kind: "tiles", across: 16, down: 16 },
  ];
  const attention: readonly WalkVariant[] = [
    ...ifQuads<WalkVariant>({ kind: "quads" }),
    { kind: "registers" },
    { kind: "tiles" },
  ];
  const lora: readonly LoraVariant[] = [
    ...ifQuads<LoraVariant>({ kind: "quads" }),
    { kind: "registers" },
    { kind: "groups" },
  ];
  const rows: readonly RowVariant[] = [{ kind: "row-per-invocation" }, { kind: "row-per-workgroup" }];
  return {
    product: products,
    transposedProduct: products,
    attention,
    attentionBackward: attention,
    loraDown: lora,
    loraGradient: lora,
    normRows: rows,
    lossRows: rows,
  };
}

/** The same number of form for every purpose, counted round: what runs before anything is measured is form 0. */
export function variantsOf(subgroups: boolean, form: number): KernelVariants {
  const forms = formsOf(subgroups);
  const pick = <T>(of: readonly T[]): T => of[form % of.length] as T;
  const forAll = (variant: ProductVariant) =>
    Object.fromEntries(BASE_TYPES.map((base) => [base, variant])) as Record<BaseType, ProductVariant>;
  return {
    product: forAll(pick(forms.product)),
    transposedProduct: forAll(pick(forms.transposedProduct)),
    attention: pick(forms.attention),
    attentionBackward: pick(forms.attentionBackward),
    loraDown: pick(forms.loraDown),
    loraGradient: pick(forms.loraGradient),
    normRows: pick(forms.normRows),
    lossRows: pick(forms.lossRows),
  };
}

/** A form in a few words, for the page and for reports. */
export function formName(form: Forms[Purpose]): string {
  switch (form.kind) {
    case "registers":
      return "rows" in form && form.quads
        ? `quads, ${form.rows} rows, ${form.workgroup} invocations`
        : "registers";
    case "tiles":
      return "across" in form ? `tiles, ${form.across} × ${form.down} invocations` : "tiles";
    case "quads":
    case "groups":
      return form.kind;
    case "row-per-invocation":
      return "a row an invocation";
    case "row-per-workgroup":
      return "a row a workgroup";
    default:
      return form satisfies never;
  }
}

/** Whether a form lives on nothing of its neighbours', neither registers nor memory: what a driver gets right before all else. */
export const isPlain = (form: Forms[Purpose]): boolean =>
  form.kind === "row-per-invocation" || (form.kind === "registers" && !("quads" in form && form.quads));

/** Whether a form lives on workgroup memory and barriers. */
export function needsBarriers({ kind }: Forms[Purpose]): boolean {
  switch (kind) {
    case "tiles":
    case "groups":
    case "row-per-workgroup":
      return true;
    case "registers":
    case "quads":
    case "row-per-invocation":
      return false;
    default:
      return kind satisfies never;
  }
}
