/** The attention of Llama's kin: query, key and value apart, heads in groups, positions that turn. */
import { attention, type Columns, linear, rmsNorm, rotary } from "../plan/layers.ts";
import type { Network, Value } from "../plan/network.ts";
import type { ParameterList } from "./parameters.ts";

export interface GroupedHeads {
  readonly headCount: number;
  readonly keyValueHeads: number;
  readonly headWidth: number;
  /** Of query, key and value. */
  readonly inputBias: boolean;
  /** Norms of each query and key head; null without. */
  readonly headNorm: { readonly epsilon: number; readonly gainOffset: number } | null;
}

/** Query, key and value of one layer, [d → heads · headWidth] each, and the norms of their heads. */
export function declareProjections(
  list: ParameterList,
  name: string,
  width: number,
  { headCount, keyValueHeads, headWidth, inputBias, headNorm }: GroupedHeads,
): void {
  list.linear(`${name}.q_proj`, width, headCount * headWidth, inputBias);
  list.linear(`${name}.k_proj`, width, keyValueHeads * headWidth, inputBias);
  list.linear(`${name}.v_proj`, width, keyValueHeads * headWidth, inputBias);
  if (headNorm === null) return;
  list.rmsNorm(`${name}.q_norm`, headWidth);
  list.rmsNorm(`${name}.k_norm`, headWidth);
}

/** @param window tokens that a query reaches back, itself counted. @returns [N, heads · headWidth], before the output matrix */
export function groupedAttention(
  net: Network,
  x: Value,
  layer: number,
  name: string,
  heads: GroupedHeads,
  {
    scale,
    window,
    frequencies,
  }: { readonly scale: number; readonly window: number; readonly frequencies: string },
): Value {
  const { headCount, keyValueHeads, headWidth, inputBias: bias, headNorm } = heads;
  const project = (which: "q" | "k" | "v", count: number): Value =>
    linear(net, x, `${name}.${which}_proj`, count * headWidth, { bias });
  const turned = (which: "q" | "k", count: number): Columns => {
    const plain = project(which, count);
    const normed = headNorm ? normHeads(net, plain, `${name}.${which}_norm`, headWidth, headNorm) : plain;
    rotary(net, columnsOf(normed), frequencies, { heads: count, headWidth, pairs: headWidth / 2 });
    return columnsOf(normed);
  };
  const [q, k] = [turned("q", headCount), turned("k", keyValueHeads)];
  const v = columnsOf(project("v", keyValueHeads));
  const shape = { heads: headCount, keyValueHeads, headWidth, scale, before: window - 1, after: 0 };
  return attention(net, layer, [q, k, v], shape);
}

const columnsOf = (of: Value): Columns => ({ of, offset: 0, width: of.width });

/** An RMS norm of every head by itself: rows of headWidth in the same buffer. */
function normHeads(
  net: Network,
  x: Value,
  name: string,
  headWidth: number,
  { epsilon, gainOffset }: { readonly epsilon: number; readonly gainOffset: number },
): Value {
  const heads = { ...x, rows: (x.rows * x.width) / headWidth, width: headWidth };
  return { ...rmsNorm(net, heads, name, epsilon, gainOffset), rows: x.rows, width: x.width };
}
