/** Rows that all invocations of a workgroup go through together, read in one of three ways, as WGSL text. */
import { type ProgramText, repeat } from "../program.ts";

export type WalkVariant =
  /** Four invocations share each read (needs subgroups), and each owns two rows, so that half as much is shared. */
  | { readonly kind: "quads" }
  | { readonly kind: "registers" }
  /** A workgroup keeps a tile of the walked rows in its memory. */
  | { readonly kind: "tiles" };

const REGISTER_WORKGROUP = 8;
const TILE_WORKGROUP = 64;
/** Every device has this much. */
const WORKGROUP_BYTES = 16384;

export const workgroupOf = ({ kind }: WalkVariant): number =>
  kind === "tiles" ? TILE_WORKGROUP : REGISTER_WORKGROUP;

/** Rows that an invocation does its own work for, `workgroup` apart. */
export const ownedRows = ({ kind }: WalkVariant): number => (kind === "quads" ? 2 : 1);

/** One array of rows that all invocations of a workgroup walk over together. */
interface Walked {
  readonly name: string;
  readonly array: string;
  /** Text of a row's first element. */
  readonly start: (row: string) => string;
}

/** Walks rows `low … high` (uniform in the workgroup) as `j`; the body reads element vectors by `walked.name`. */
export function walk(
  text: ProgramText,
  variant: WalkVariant,
  width: number,
  walked: readonly Walked[],
  low: string,
  high: string,
  body: string,
): string {
  const vectors = Math.ceil(width / 4);
  const components = (value: (c: number, e: number) => string): string =>
    repeat(walked.length, (w) =>
      repeat(
        vectors,
        (c) =>
          `let ${(walked[w] as Walked).name}${c} = vec4<f32>(${[0, 1, 2, 3].map((e) => (4 * c + e < width ? value(w, 4 * c + e) : "0.0")).join(", ")});`,
      ),
    );
  const begin = (w: number, row: string): string => `let start${w} = ${(walked[w] as Walked).start(row)};`;
  switch (variant.kind) {
    case "quads":
      text.enable("subgroups");
      return `for (var j = ${low}; j <= ${high}; j++) {
        ${repeat(walked.length, (w) => {
          const { name, array } = walked[w] as Walked;
          return `${begin(w, "j")} ${repeat(vectors, (c) => {
            const place =
              4 * c + 4 <= width ? `${4 * c}u + local % 4u` : `min(${4 * c}u + local % 4u, ${width - 1}u)`;
            return `let part${name}${c} = ${array}[start${w} + ${place}];`;
          })}`;
        })}
        ${components((w, e) => `quadBroadcast(part${(walked[w] as Walked).name}${e >> 2}, ${e % 4}u)`)}
        ${body}
      }`;
    case "registers":
      return `for (var j = ${low}; j <= ${high}; j++) {
        ${repeat(walked.length, (w) => begin(w, "j"))}
        ${components((w, e) => `${(walked[w] as Walked).array}[start${w} + ${e}u]`)}
        ${body}
      }`;
    case "tiles": {
      const rows = Math.max(1, Math.min(32, Math.floor(WORKGROUP_BYTES / (4 * width * walked.length))));
      text.declare(repeat(walked.length, (w) => `var<workgroup> tile${w} : array<f32, ${rows * width}>;`));
      return `for (var first = ${low}; first <= ${high}; first += ${rows}u) {
        workgroupBarrier();
        for (var e = local; e < ${rows * width}u; e += ${TILE_WORKGROUP}u) {
          let row = min(first + e / ${width}u, ${high});
          ${repeat(walked.length, (w) => `${begin(w, "row")} tile${w}[e] = ${(walked[w] as Walked).array}[start${w} + e % ${width}u];`)}
        }
        workgroupBarrier();
        for (var j = first; j <= min(${high}, first + ${rows - 1}u); j++) {
          ${components((w, e) => `tile${w}[(j - first) * ${width}u + ${e}u]`)}
          ${body}
        }
      }`;
    }
    default:
      return variant satisfies never;
  }
}
