/**
 * Attention forward and backward without a [T, T] buffer. An invocation owns one query (forward, dq) or one key (dk, dv) and
 * keeps its row in registers; the rows that it walks over are the same for its neighbours, so they are read together.
 */
import type { Attention, AttentionBackward, CachedAttention } from "../../../ops/attention.ts";
import type { Rows } from "../../../ops/buffer.ts";
import { type Program, ProgramText, repeat } from "../program.ts";
import { Registers } from "./registers.ts";
import { type WalkVariant, walk, workgroupOf } from "./walk.ts";

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

/** Declares `real`, the number of keys that may be seen, and first and last own and walked rows. */
function range(
  { T, lengths }: { T: string; lengths: string | null },
  workgroup: number,
  back: string,
  ahead: string,
): string {
  return `let sequence = group.z;
    let real = ${lengths === null ? T : `u32(${lengths}[sequence])`};
    let firstOwn = group.x * ${workgroup}u; let lastOwn = min(firstOwn + ${workgroup - 1}u, ${T} - 1u);
    let own = min(firstOwn + local, ${T} - 1u); let isOwn = firstOwn + local < ${T};
    let low = firstOwn - min(firstOwn, ${back}); let high = min(lastOwn + ${ahead}, ${T} - 1u);`;
}

export function attentionProgram(call: Attention, variant: WalkVariant): Program {
  const text = new ProgramText(`attention, ${variant.kind}`);
  const open = openAttention(call, text);
  const out = text.write(call.out);
  const logSumExp = text.write(call.logSumExp);
  const workgroup = workgroupOf(variant);
  const query = new Registers("q", call.headWidth);
  const sums = new Registers("sum", call.headWidth);
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
    `let seen = j + ${open.before} >= own && j <= own + ${open.after} && j < real;
     let score = select(${LOWEST}, ${open.scale} * (${query.dot((c) => `k${c}`)}), seen);
     if (score > top) {
       let shrink = exp(top - score); top = score; total *= shrink;
       ${repeat(sums.vectors, (c) => `sum${c} *= shrink;`)}
     }
     let weight = select(0.0, exp(score - top), seen);
     total += weight;
     ${sums.add("weight", (c) => `v${c}`)}`,
  );
  return text.grid(
    [Math.ceil(call.length / workgroup), call.heads, call.batch],
    workgroup,
    `let head = group.y; let keyHead = head / ${open.group};
    ${range(open, workgroup, open.before, open.after)}
    ${query.load(open.q, open.placeQ("own", "head"))}
    ${sums.zero()}
    var top = ${LOWEST}; var total = 0.0;
    ${loop}
    if (isOwn) {
      let inverse = select(0.0, 1.0 / total, total > 0.0);
      ${sums.store(out, open.placeOut("own", "head"), "inverse")}
      ${logSumExp}[${open.placeRow("own", "head")}] = top + log(total);
    }`,
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
  const workgroup = workgroupOf(variant);
  const query = new Registers("q", call.headWidth);
  const upstream = new Registers("d", call.headWidth);
  const result = new Registers("o", call.headWidth);
  const gradient = new Registers("sum", call.headWidth);
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
    `let seen = j + ${open.before} >= own && j <= own + ${open.after} && j < real;
     let weight = select(0.0, exp(${open.scale} * (${query.dot((c) => `k${c}`)}) - norm), seen);
     let slope = ${open.scale} * weight * (${upstream.dot((c) => `v${c}`)} - drift);
     ${gradient.add("slope", (c) => `k${c}`)}`,
  );
  return text.grid(
    [Math.ceil(call.length / workgroup), call.heads, call.batch],
    workgroup,
    `let head = group.y; let keyHead = head / ${open.group};
    ${range(open, workgroup, open.before, open.after)}
    ${query.load(open.q, open.placeQ("own", "head"))}
    ${upstream.load(dOut, open.placeOut("own", "head"))}
    ${result.load(out, open.placeOut("own", "head"))}
    let norm = ${logSumExp}[${open.placeRow("own", "head")}];
    let drift = ${upstream.dot((c) => `o${c}`)};
    ${gradient.zero()}
    ${loop}
    if (isOwn) {
      ${delta}[${open.placeRow("own", "head")}] = drift;
      ${gradient.store(dq, placeDq("own", "head"))}
    }`,
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
  const workgroup = workgroupOf(variant);
  const [key, value, keySums, valueSums] = ["k", "v", "dk", "dv"].map(
    (name) => new Registers(name, call.headWidth),
  ) as [Registers, Registers, Registers, Registers];
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
    `let seen = own + ${open.before} >= j && own <= j + ${open.after} && own < real;
     let at = ${open.placeRow("j", "head")};
     let weight = select(0.0, exp(${open.scale} * (${key.dot((c) => `q${c}`)}) - ${logSumExp}[at]), seen);
     let slope = ${open.scale} * weight * (${value.dot((c) => `d${c}`)} - ${delta}[at]);
     ${valueSums.add("weight", (c) => `d${c}`)}
     ${keySums.add("slope", (c) => `q${c}`)}`,
  );
  return text.grid(
    [Math.ceil(call.length / workgroup), call.keyValueHeads, call.batch],
    workgroup,
    // Key j is seen by queries j − after … j + before.
    `let keyHead = group.y;
    ${range(open, workgroup, open.after, open.before)}
    ${key.load(open.k, open.placeK("own", "keyHead"))}
    ${value.load(open.v, open.placeV("own", "keyHead"))}
    ${keySums.zero()} ${valueSums.zero()}
    for (var head = keyHead * ${open.group}; head < (keyHead + 1u) * ${open.group}; head++) {
      ${loop}
    }
    if (isOwn) {
      ${keySums.store(dk, placeDk("own", "keyHead"))}
      ${valueSums.store(dv, placeDv("own", "keyHead"))}
    }`,
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
