/** The optimiser and the step's report, over flat vectors. */
import type { AdamW, Dot, Norm } from "../../../ops/adamw.ts";
import { literal, type Program, ProgramText } from "../program.ts";

const WORKGROUP = 64;

export function adamWProgram(call: AdamW): Program {
  const text = new ProgramText("adamw");
  const values = text.write(call.values);
  const gradient = text.read(call.gradient);
  const mean = text.write(call.mean);
  const variance = text.write(call.variance);
  const settings = text.read(call.settings);
  const mix = (beta: number, state: string, value: string): string =>
    `${literal(beta)} * ${state} + ${literal(1 - beta)} * ${value}`;
  return text.each(
    call.size,
    WORKGROUP,
    `let g = ${gradient}[index];
     let m = ${mix(call.beta1, `${mean}[index]`, "g")};
     let v = ${mix(call.beta2, `${variance}[index]`, "g * g")};
     ${mean}[index] = m; ${variance}[index] = v;
     ${values}[index] = ${settings}[2] * ${values}[index] - ${settings}[0] * m / (sqrt(${settings}[1] * v) + ${literal(call.epsilon)});`,
  );
}

export function dotProgram(call: Dot): Program {
  const text = new ProgramText("dot");
  const [a, b] = [text.read(call.a), text.read(call.b)];
  const out = text.write(call.out.buffer);
  return sumProgram(
    text,
    call.size,
    `${a}[i] * ${b}[i]`,
    (sum) => `${out}[${text.integer("place", call.out.offset)}] = ${sum};`,
  );
}

export function normProgram(call: Norm): Program {
  const text = new ProgramText("norm");
  const x = text.read(call.x);
  const out = text.write(call.out.buffer);
  return sumProgram(
    text,
    call.size,
    `${x}[i] * ${x}[i]`,
    (sum) => `${out}[${text.integer("place", call.out.offset)}] = sqrt(${sum});`,
  );
}

/** One workgroup: invocation p adds up terms p, p + WORKGROUP, …, then the parts are added pair by pair. */
function sumProgram(text: ProgramText, size: number, term: string, finish: (sum: string) => string): Program {
  text.declare(`var<workgroup> parts : array<f32, ${WORKGROUP}>;`);
  const end = text.integer("size", size);
  return text.grid(
    [1, 1, 1],
    WORKGROUP,
    `var sum = 0.0;
    for (var i = local; i < ${end}; i += ${WORKGROUP}u) { sum += ${term}; }
    parts[local] = sum;
    for (var half = ${WORKGROUP / 2}u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (local < half) { parts[local] += parts[local + half]; }
    }
    workgroupBarrier();
    if (local == 0u) { ${finish("parts[0]")} }`,
  );
}
