/**
 * Attention forward and backward without a [T, T] buffer. An invocation owns a query or two (forward, dq) or keys (dk, dv) and
 * keeps their rows in registers; the rows that it walks over are the same for its neighbours, so they are read together.
 */
import type { Attention, AttentionBackward, CachedAttention } from "../../../ops/attention.ts";
import type { Rows } from "../../../ops/buffer.ts";
import { type Program, ProgramText, repeat } from "../program.ts";
import { Registers } from "./registers.ts";
import { ownedRows, type WalkVariant, walk, workgroupOf } from "./walk.ts";

/** Below every score, and its difference to one is finite. */
const LOWEST = "-1e30";

/** Bindings and sizes of both directions; `group` is (tile of T, head, sequence). */
function openAttention(call: Attention | AttentionBackward, text: ProgramText) {
  const { length, heads, keyValueHeads, headWidth } = call;
  const place = (name: string, { offset, stride }: Rows): ((row: string, head: string) => string) => {
    const [first, step] = [text.integer(`${name}Offset`, offset), text.integer(`${name}Stride`, stride)];
    return (row, head) => `${first} + (sequence * ${T} + ${row}) * ${step} + (${head}) * ${headWidth}u`;
  };
  const T = text.integer("length", length);
  const H = text.integer("heads", heads);
  return {
    T,
    H,
    group: text.integer("groupHeads", heads / keyValueHeads),
    scale: text.float("scale", call.scale),
    before: text.integer("before", Math.min(call.before, length)),
    after: text.integer("after", Math.min(call.after, length)),
    q: text.read(call.q.buffer),
    k: text.read(call.k.buffer),
    v: text.read(call.v.buffer),
    lengths: call.lengths === null ? null : text.read(call.lengths, "i32"),
    placeQ: place("q", call.q),
    placeK: place("k", call.k),
    placeV: place("v", call.v),
    place,
    /** Of a [N, heads · headWidth] buffer. */
    placeOut: (row: string, head: string) => `((sequence * ${T} + ${row}) * ${H} + ${head}) * ${headWidth}u`,
    /** Of a [batch, heads, length] buffer. */
    placeRow: (row: string, head: string) => `(sequence * ${H} + ${head}) * ${T} + ${row}`,
  };
}

/** Declares `real`, the number of keys that may be seen, first and last walked rows, and rows `own0` … with whether they are there. */
function range(
  { T, lengths }: { T: string; lengths: string | null },
  variant: WalkVariant,
  back: string,
  ahead: string,
): string {
  const [workgroup, owned] = [workgroupOf(variant), ownedRows(variant)];
  return `let sequence = group.z;
    let real = ${lengths === null ? T : `u32(${lengths}[sequence])`};
    let firstOwn = group.x * ${workgroup * owned}u; let lastOwn = min(firstOwn + ${workgroup * owned - 1}u, ${T} - 1u);
    ${repeat(owned, (o) => `let place${o} = firstOwn + ${o * workgroup}u + local; let own${o} = min(place${o}, ${T} - 1u); let isOwn${o} = place${o} < ${T};`)}
    let low = firstOwn - min(firstOwn, ${back}); let high = min(lastOwn + ${ahead}, ${T} - 1u);`;
}

/** Workgroups along the rows that are owned. */
const groupsOf = (length: number, variant: WalkVariant): number =>
  Math.ceil(length / (workgroupOf(variant) * ownedRows(variant)));

export function attentionProgram(call: Attention, variant: WalkVariant): Program {
  const text = new ProgramText(`attention, ${variant.kind}`);
  const open = openAttention(call, text);
  const out = text.write(call.out);
  const logSumExp = text.write(call.logSumExp);
  const each = (part: (o: number, query: Registers, sums: Registers) => string): string =>
    repeat(ownedRows(variant), (o) =>
      part(o, new Registers(`q${o}_`, call.headWidth), new Registers(`sum${o}_`, call.headWidth)),
    );
  const loop = walk(
    text,
    variant,
    call.headWidth,
    [
      { name: "k", array: open.k, start: (row) => open.placeK(row, "keyHead") },
      { name: "v", array: open.v, start: (row) => open.placeV(row, "keyHead") },
    ],
    "low",
    "high",
    each(
      (o, query, sums) => `{
     let seen = j + ${open.before} >= own${o} && j <= own${o} + ${open.after} && j < real;
     let score = select(${LOWEST}, ${open.scale} * (${query.dot((c) => `k${c}`)}), seen);
     if (score > top${o}) {
       let shrink = exp(top${o} - score); top${o} = score; total${o} *= shrink;
       ${repeat(sums.vectors, (c) => `${sums.name}${c} *= shrink;`)}
     }
     let weight = select(0.0, exp(score - top${o}), seen);
     total${o} += weight;
     ${sums.add("weight", (c) => `v${c}`)} }`,
    ),
  );
  return text.grid(
    [groupsOf(call.length, variant), call.heads, call.batch],
    workgroupOf(variant),
    `let head = group.y; let keyHead = head / ${open.group};
    ${range(open, variant, open.before, open.after)}
    ${each((o, query, sums) => `${query.load(open.q, open.placeQ(`own${o}`, "head"))} ${sums.zero()} var top${o} = ${LOWEST}; var total${o} = 0.0;`)}
    ${loop}
    ${each(
      (o, _, sums) => `if (isOwn${o}) {
      let inverse = select(0.0, 1.0 / total${o}, total${o} > 0.0);
      ${sums.store(out, open.placeOut(`own${o}`, "head"), "inverse")}
      ${logSumExp}[${open.placeRow(`own${o}`, "head")}] = top${o} + log(total${o});
    }`,
    )}`,
  );
}

/** δ and dq over queries, then dk and dv over keys. */
export function attentionBackwardPrograms(call: AttentionBackward, variant: WalkVariant): readonly Program[] {
  return [queryGradient(call, variant), keyGradient(call, variant)];
}

function queryGradient(call: AttentionBackward, variant: WalkVariant): Program {
  const text = new ProgramText(`attention backward to q, ${variant.kind}`);
  const open = openAttention(call, text);
  const [out, dOut] = [text.read(call.out), text.read(call.dOut)];
  const logSumExp = text.read(call.logSumExp);
  const delta = text.write(call.delta);
  const dq = text.write(call.dq.buffer);
  const placeDq = open.place("dq", call.dq);
  const each = (part: (o: number, query: Registers, upstream: Registers, gradient: Registers) => string) =>
    repeat(ownedRows(variant), (o) => {
      const [query, upstream, gradient] = ["q", "d", "sum"].map(
        (name) => new Registers(`${name}${o}_`, call.headWidth),
      ) as [Registers, Registers, Registers];
      return part(o, query, upstream, gradient);
    });
  const loop = walk(
    text,
    variant,
    call.headWidth,
    [
      { name: "k", array: open.k, start: (row) => open.placeK(row, "keyHead") },
      { name: "v", array: open.v, start: (row) => open.placeV(row, "keyHead") },
    ],
    "low",
    "high",
    each(
      (o, query, upstream, gradient) => `{
     let seen = j + ${open.before} >= own${o} && j <= own${o} + ${open.after} && j < real;
     let weight = select(0.0, exp(${open.scale} * (${query.dot((c) => `k${c}`)}) - norm${o}), seen);
     let slope = ${open.scale} * weight * (${upstream.dot((c) => `v${c}`)} - drift${o});
     ${gradient.add("slope", (c) => `k${c}`)} }`,
    ),
  );
  return text.grid(
    [groupsOf(call.length, variant), call.heads, call.batch],
    workgroupOf(variant),
    `let head = group.y; let keyHead = head / ${open.group};
    ${range(open, variant, open.before, open.after)}
    ${each((o, query, upstream, gradient) => {
      const result = new Registers(`o${o}_`, call.headWidth);
      return `${query.load(open.q, open.placeQ(`own${o}`, "head"))}
    ${upstream.load(dOut, open.placeOut(`own${o}`, "head"))}
    ${result.load(out, open.placeOut(`own${o}`, "head"))}
    let norm${o} = ${logSumExp}[${open.placeRow(`own${o}`, "head")}];
    let drift${o} = ${upstream.dot((c) => `${result.name}${c}`)};
    ${gradient.zero()}`;
    })}
    ${loop}
    ${each(
      (o, _query, _upstream, gradient) => `if (isOwn${o}) {
      ${delta}[${open.placeRow(`own${o}`, "head")}] = drift${o};
      ${gradient.store(dq, placeDq(`own${o}`, "head"))}
    }`,
    )}`,
  );
}

function keyGradient(call: AttentionBackward, variant: WalkVariant): Program {
  const text = new ProgramText(`attention backward to k and v, ${variant.kind}`);
  const open = openAttention(call, text);
  const dOut = text.read(call.dOut);
  const logSumExp = text.read(call.logSumExp);
  const delta = text.read(call.delta);
  const [dk, dv] = [text.write(call.dk.buffer), text.write(call.dv.buffer)];
  const [placeDk, placeDv] = [open.place("dk", call.dk), open.place("dv", call.dv)];
  const each = (
    part: (o: number, key: Registers, value: Registers, keySums: Registers, valueSums: Registers) => string,
  ): string =>
    repeat(ownedRows(variant), (o) => {
      const [key, value, keySums, valueSums] = ["k", "v", "dk", "dv"].map(
        (name) => new Registers(`${name}${o}_`, call.headWidth),
      ) as [Registers, Registers, Registers, Registers];
      return part(o, key, value, keySums, valueSums);
    });
  const loop = walk(
    text,
    variant,
    call.headWidth,
    [
      { name: "q", array: open.q, start: (row) => open.placeQ(row, "head") },
      { name: "d", array: dOut, start: (row) => open.placeOut(row, "head") },
    ],
    "low",
    "high",
    `let at = ${open.placeRow("j", "head")}; let norm = ${logSumExp}[at]; let drift = ${delta}[at];
     ${each(
       (o, key, value, keySums, valueSums) => `{
     let seen = own${o} + ${open.before} >= j && own${o} <= j + ${open.after} && own${o} < real;
     let weight = select(0.0, exp(${open.scale} * (${key.dot((c) => `q${c}`)}) - norm), seen);
     let slope = ${open.scale} * weight * (${value.dot((c) => `d${c}`)} - drift);
     ${valueSums.add("weight", (c) => `d${c}`)}
     ${keySums.add("slope", (c) => `q${c}`)} }`,
     )}`,
  );
  return text.grid(
    [groupsOf(call.length, variant), call.keyValueHeads, call.batch],
    workgroupOf(variant),
    // Key j is seen by queries j − after … j + before.
    `let keyHead = group.y;
    ${range(open, variant, open.after, open.before)}
    ${each(
      (o, key, value, keySums, valueSums) => `${key.load(open.k, open.placeK(`own${o}`, "keyHead"))}
    ${value.load(open.v, open.placeV(`own${o}`, "keyHead"))}
    ${keySums.zero()} ${valueSums.zero()}`,
    )}
    for (var head = keyHead * ${open.group}; head < (keyHead + 1u) * ${open.group}; head++) {
      ${loop}
    }
    ${each(
      (o, _key, _value, keySums, valueSums) => `if (isOwn${o}) {
      ${keySums.store(dk, placeDk(`own${o}`, "keyHead"))}
      ${valueSums.store(dv, placeDv(`own${o}`, "keyHead"))}
    }`,
    )}`,
  );
}

/** An invocation owns one head of one new token. */
export function cachedAttentionProgram(call: CachedAttention): Program {
  const text = new ProgramText("cached attention");
  const [q, keys, values] = [text.read(call.q.buffer), text.read(call.keys), text.read(call.values)];
  const positions = text.read(call.positions, "i32");
  const out = text.write(call.out);
  const heads = text.integer("heads", call.heads);
  const rowWidth = text.integer("rowWidth", call.keyValueHeads * call.headWidth);
  const [query, sums] = [new Registers("q", call.headWidth), new Registers("sum", call.headWidth)];
  const [key, value] = [new Registers("k", call.headWidth), new Registers("v", call.headWidth)];
  const width = `${call.headWidth}u`;
  return text.each(
    call.rows * call.heads,
    4,
    `let head = index % ${heads}; let row = index / ${heads};
    let own = u32(${positions}[row]);
    let low = own - min(own, ${text.integer("before", Math.min(call.before, call.capacity))});
    let high = min(own + ${text.integer("after", Math.min(call.after, call.capacity))}, ${text.integer("capacity", call.capacity)} - 1u);
    ${query.load(q, `${text.integer("offset", call.q.offset)} + row * ${text.integer("stride", call.q.stride)} + head * ${width}`)}
    ${sums.zero()}
    var top = ${LOWEST}; var total = 0.0;
    let place = head / ${text.integer("groupHeads", call.heads / call.keyValueHeads)} * ${width};
    for (var j = low; j <= high; j++) {
      ${key.load(keys, `j * ${rowWidth} + place`)}
      let score = ${text.float("scale", call.scale)} * (${query.dot((c) => `k${c}`)});
      if (score > top) {
        let shrink = exp(top - score); top = score; total *= shrink;
        ${repeat(sums.vectors, (c) => `sum${c} *= shrink;`)}
      }
      let weight = exp(score - top);
      total += weight;
      ${value.load(values, `j * ${rowWidth} + place`)}
      ${sums.add("weight", (c) => `v${c}`)}
    }
    ${sums.store(out, `index * ${width}`, "(1.0 / total)")}`,
  );
}
