/** Rows that an invocation keeps for itself, as WGSL text. */
import { repeat } from "../program.ts";

/** A head's row in vec4 registers, the last one filled up with zeros. */
export class Registers {
  readonly name: string;
  private readonly width: number;

  constructor(name: string, width: number) {
    this.name = name;
    this.width = width;
  }

  get vectors(): number {
    return Math.ceil(this.width / 4);
  }

  /** In a loop, as `store` is: every read that is written out takes its time to compile. */
  load(array: string, start: string): string {
    const { name, vectors, width } = this;
    const whole = width % 4 === 0;
    const value = (e: number): string =>
      whole
        ? `${array}[start + 4u * c + ${e}u]`
        : `select(0.0, ${array}[start + min(4u * c + ${e}u, ${width - 1}u)], 4u * c + ${e}u < ${width}u)`;
    return `var all${name} : array<vec4<f32>, ${vectors}>;
      { let start = ${start};
        for (var c = 0u; c < ${vectors}u; c++) { all${name}[c] = vec4<f32>(${[0, 1, 2, 3].map(value).join(", ")}); } }
      ${repeat(vectors, (c) => `let ${name}${c} = all${name}[${c}];`)}`;
  }

  zero(): string {
    return repeat(this.vectors, (c) => `var ${this.name}${c} = vec4<f32>(0.0);`);
  }

  store(array: string, start: string, factor = "1.0"): string {
    const { name, vectors, width } = this;
    const guard = (e: number): string => (width % 4 === 0 ? "" : `if (4u * c + ${e}u < ${width}u) `);
    return `{ let start = ${start};
      var all = array<vec4<f32>, ${vectors}>(${Array.from({ length: vectors }, (_, c) => `${name}${c}`).join(", ")});
      for (var c = 0u; c < ${vectors}u; c++) {
        let value = all[c] * ${factor};
        ${repeat(4, (e) => `${guard(e)}{ ${array}[start + 4u * c + ${e}u] = value[${e}]; }`)}
      } }`;
  }

  dot(row: (c: number) => string): string {
    return Array.from({ length: this.vectors }, (_, c) => `dot(${this.name}${c}, ${row(c)})`).join(" + ");
  }

  add(factor: string, row: (c: number) => string): string {
    return repeat(this.vectors, (c) => `${this.name}${c} += ${factor} * ${row(c)};`);
  }
}
