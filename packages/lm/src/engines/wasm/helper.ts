/** A helper thread's module in a browser; node-host.ts has the same for Node. */
import { type HelperTask, instantiateKernels } from "./threads.ts";

addEventListener("message", async ({ data }: MessageEvent<HelperTask>) => {
  const { module, memory, control, threads, index } = data;
  const kernels = await instantiateKernels(module, memory);
  kernels.join(control, threads, index);
  postMessage("serving");
  kernels.serve();
  close();
});
