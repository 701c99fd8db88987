/**
 * What a workgroup barrier costs on a device: a GPU hardly notices one, a GPU emulated by the CPU stops and resumes every
 * invocation at it. Forms that live on barriers take long to compile there only to lose by a factor of five, so
 * the probe asks this first.
 */
import type { WatchedDevice } from "./device.ts";
import type { Pipelines } from "./pipelines.ts";
import { type Program, ProgramText } from "./program.ts";

const WORKGROUPS = 64;
const WORKGROUP = 64;
const ROUNDS = 128;
const TURNS = 4;
/** A round that barriers make slower than this rules their forms out; on GPUs they stay well below. */
export const DEAR = 3;

export interface BarrierCost {
  readonly withSeconds: number;
  readonly withoutSeconds: number;
}

/** Best times of many rounds of neighbours' sums, so that the way to the device hardly counts, with a barrier after each and without. */
export async function barrierCost(watch: WatchedDevice, pipelines: Pipelines): Promise<BarrierCost> {
  const { device } = watch;
  const programs = [roundsProgram(true), roundsProgram(false)];
  await pipelines.compile(programs);
  const out = device.createBuffer({ size: 4 * WORKGROUPS * WORKGROUP, usage: GPUBufferUsage.STORAGE });
  const sizes = device.createBuffer({ size: 256, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(sizes, 0, (programs[0] as Program).sizes);
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  try {
    for (let turn = 0; turn < TURNS; turn++)
      for (const [i, program] of programs.entries()) {
        const { pipeline, layout } = pipelines.of(program);
        const start = performance.now();
        await watch.validated(program.label, () => {
          const encoder = device.createCommandEncoder();
          const pass = encoder.beginComputePass();
          pass.setPipeline(pipeline);
          const entries = [sizes, out].map((buffer, binding) => ({ binding, resource: { buffer } }));
          pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
          pass.dispatchWorkgroups(...program.workgroups);
          pass.end();
          device.queue.submit([encoder.finish()]);
        });
        await watch.orFailure(device.queue.onSubmittedWorkDone());
        best[i] = Math.min(best[i] as number, (performance.now() - start) / 1000);
      }
  } finally {
    out.destroy();
    sizes.destroy();
  }
  const [withSeconds, withoutSeconds] = best as [number, number];
  return { withSeconds, withoutSeconds };
}

function roundsProgram(hasBarrier: boolean): Program {
  const text = new ProgramText(`rounds with${hasBarrier ? "" : "out"} barriers`);
  const out = text.write(0);
  const rounds = text.integer("rounds", ROUNDS);
  text.declare(`var<workgroup> neighbours : array<f32, ${WORKGROUP}>;`);
  const barrier = hasBarrier ? "workgroupBarrier();" : "";
  return text.grid(
    [WORKGROUPS, 1, 1],
    WORKGROUP,
    `var sum = f32(local);
    for (var i = 0u; i < ${rounds}; i++) {
      neighbours[local] = sum;
      ${barrier}
      sum = 0.5 * (sum + neighbours[(local + ${hasBarrier ? "1u" : "0u"}) % ${WORKGROUP}u]);
      ${barrier}
    }
    ${out}[group.x * ${WORKGROUP}u + local] = sum;`,
  );
}
