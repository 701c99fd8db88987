/** PyTorch as a peer, where Debian's python3-torch is installed: a process that steps when it is told to. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { SHAPES, type ShapeName } from "./workload.ts";

interface TorchRun {
  readonly milliseconds: readonly number[];
  readonly peakMegabytes: number;
}

export interface Torch {
  steps(count: number): Promise<TorchRun>;
  close(): void;
}

const PYTHON = "/usr/bin/python3";

/** PyTorch's version; null without one. */
export function torchVersion(): string | null {
  const found = spawnSync(PYTHON, ["-c", "import torch; print(torch.__version__)"], { encoding: "utf8" });
  return found.status === 0 ? found.stdout.trim() : null;
}

export function openTorch(shape: ShapeName, threads: number): Torch {
  const script = new URL("./torch_step.py", import.meta.url).pathname;
  const child: ChildProcess = spawn(PYTHON, [script], {
    stdio: ["pipe", "pipe", "inherit"],
    // BLAS threads beside torch's own would only compete.
    env: { ...process.env, OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: `${threads}` },
  });
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new Error("torch: expected pipes to its process");
  stdin.write(`${JSON.stringify({ ...SHAPES[shape], threads })}\n`);
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return {
    async steps(count) {
      stdin.write(`${count}\n`);
      const { value } = await lines.next();
      if (value === undefined) throw new Error("torch: its process ended");
      return JSON.parse(value) as TorchRun;
    },
    close: () => stdin.end(),
  };
}
