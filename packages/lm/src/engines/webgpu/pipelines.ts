/** Compiled programs: one pipeline for each text, compiled beside each other and never twice. */
import type { WatchedDevice } from "./device.ts";
import { DeviceFailure } from "./device.ts";
import type { Binding, Program } from "./program.ts";

export interface Pipelines {
  /** Texts compiled so far. */
  readonly count: number;
  /** @throws naming the program and the compiler's words when a text is invalid */
  compile(programs: Iterable<Program>): Promise<void>;
  /** A compiled program's. */
  of(program: Program): Pipeline;
}

interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

export function openPipelines({ device, orFailure }: WatchedDevice): Pipelines {
  const compiled = new Map<string, Promise<Pipeline>>();
  const ready = new Map<string, Pipeline>();
  const layouts = new Map<string, GPUBindGroupLayout>();

  const layoutOf = (bindings: readonly Binding[]): GPUBindGroupLayout => {
    const key = bindings.map(({ writable }) => (writable ? "w" : "r")).join("");
    const known = layouts.get(key);
    if (known) return known;
    const layout = device.createBindGroupLayout({
      entries: [
        { binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "uniform" } },
        ...bindings.map(({ writable }, i) => ({
          binding: i + 1,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: writable ? ("storage" as const) : ("read-only-storage" as const) },
        })),
      ],
    });
    layouts.set(key, layout);
    return layout;
  };

  const compileOne = async ({ label, code, bindings }: Program): Promise<Pipeline> => {
    const limit = device.limits.maxStorageBuffersPerShaderStage;
    if (bindings.length > limit)
      throw new DeviceFailure(
        `${label} needs ${bindings.length} storage buffers, the device has ${limit}`,
        false,
      );
    const layout = layoutOf(bindings);
    // The scope keeps an invalid text from failing the device with a message that names no program.
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ label, code });
    const invalid = device.popErrorScope();
    const compiling = device.createComputePipelineAsync({
      label,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: "main" },
    });
    const [error, pipeline] = await orFailure(
      Promise.all([invalid, compiling.catch((reason: unknown) => reason)]),
    );
    if (error || !(pipeline instanceof GPUComputePipeline)) {
      const said = error ? error.message : String(pipeline);
      throw new DeviceFailure(`invalid program ${label}: ${said.trim()}`, false);
    }
    return { pipeline, layout };
  };

  return {
    get count() {
      return ready.size;
    },
    async compile(programs) {
      const pending = new Set<Promise<unknown>>();
      for (const program of programs) {
        const known = compiled.get(program.code);
        if (known) pending.add(known);
        else {
          const compiling = compileOne(program).then((pipeline) => {
            ready.set(program.code, pipeline);
            return pipeline;
          });
          compiled.set(program.code, compiling);
          pending.add(compiling);
        }
      }
      await Promise.all(pending);
    },
    of(program) {
      const pipeline = ready.get(program.code);
      if (!pipeline) throw new Error(`${program.label}: expected it compiled`);
      return pipeline;
    },
  };
}
