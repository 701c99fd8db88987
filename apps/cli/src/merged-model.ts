import { open } from "node:fs/promises";
import { architectureOf, type LanguageModel } from "@fedlodrop/lm";

/** Writes all of a model's weights as one safetensors file in f32, one tensor in memory at a time, under the names of a
 *  whole model (`transformer.…`, `model.…`, `lm_head.weight`). */
export async function writeMergedModel({ config, tensors }: LanguageModel, path: string): Promise<void> {
  const { prefix } = architectureOf(config);
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const [name, shape] of tensors.shapes) {
    const begin = end;
    end += 4 * shape.reduce((product, extent) => product * extent, 1);
    const whole = name.startsWith("lm_head.") ? name : prefix + name;
    header[whole] = { dtype: "F32", shape, data_offsets: [begin, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  padded.set(json);
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(padded.length), true);
  const file = await open(path, "w");
  try {
    await file.write(new Uint8Array(length.buffer));
    await file.write(padded);
    for (const name of tensors.shapes.keys()) {
      // Every machine that Node runs on is little-endian, as the file is.
      const { buffer, byteOffset, byteLength } = await tensors.read(name);
      await file.write(new Uint8Array(buffer, byteOffset, byteLength));
    }
  } finally {
    await file.close();
  }
}
