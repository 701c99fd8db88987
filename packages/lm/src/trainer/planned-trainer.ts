/**
 * The Trainer on our own engines: a step is planned once and replayed. It holds the frozen model on the device and at
 * most one prepared plan of each purpose; another batch shape or dropout rate replaces it.
 */
import { type AdapterShape, type Backend, createRandom, type Random } from "@fedlodrop/run";
import { labelsOf } from "../adapter/lora.ts";
import {
  type AdapterPlacement,
  checkAdapter,
  fullIndices,
  maskIndices,
  placeFullAdapter,
  placeMasked,
  toKernelOrder,
  toWireOrder,
} from "../adapter/placement.ts";
import { rescaleFactor } from "../adapter/rescale.ts";
import { type Batch, createBatch, sampleCount } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import { type Architecture, architectureOf } from "../models/architecture.ts";
import type { ModelConfig } from "../models/config.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { BufferId } from "../ops/buffer.ts";
import type { Engine, Execution, Plan } from "../plan/engine.ts";
import type { BaseType } from "../plan/weight.ts";
import { adamWSettings } from "./adamw.ts";
import type { EngineDescription } from "./engine-description.ts";
import { evaluateScores, evaluateTokens, isJudged, type JudgedDataset, scoresOf } from "./evaluate.ts";
import { lastIds, sampleToken } from "./generate.ts";
import { type GenerationPlan, planGeneration, readPrompt, readToken } from "./generation.ts";
import { fittingPlan } from "./memory.ts";
import { takeSteps, warmUpRequest, warmUpTimes } from "./round-steps.ts";
import { planStep, STEP, type StepPlan, type StepShape } from "./step-plan.ts";
import type {
  Evaluation,
  GenerationOptions,
  LocalTrainer,
  RoundOutcome,
  RoundRequest,
  TrainingOptions,
  TrainingStep,
} from "./trainer.ts";
import { uploadWeights } from "./upload.ts";
import { writeBatch } from "./write-batch.ts";
import { yieldToEvents } from "./yield-to-events.ts";

/** @throws one line when the weights do not fit, one of them is not finite or the engine cannot hold the base. */
export async function createPlannedTrainer(
  engine: Engine,
  model: LanguageModel,
  shape: AdapterShape,
  base: BaseType,
): Promise<LocalTrainer> {
  const architecture = architectureOf(model.config);
  try {
    const weightBytes = await uploadWeights(engine, model, base);
    return new PlannedTrainer(engine, architecture, model.config, weightBytes, shape, base);
  } catch (error) {
    engine.dispose();
    throw error;
  }
}

type TextEnds = Pick<ModelConfig, "endOfTextId" | "endIds">;

interface Prepared<P> {
  readonly key: string;
  readonly plan: P;
  readonly execution: Execution;
}

class PlannedTrainer implements LocalTrainer {
  readonly backend: Backend;
  readonly engine: EngineDescription;
  private readonly device: Engine;
  private readonly model: Architecture;
  private readonly ends: TextEnds;
  private readonly weightBytes: number;
  private readonly shape: AdapterShape;
  private readonly full: AdapterPlacement;
  private readonly fullIndices: Int32Array;
  private readonly prepared = new Map<string, Prepared<unknown>>();
  /** Calls take turns: an engine runs one thing at a time. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    device: Engine,
    model: Architecture,
    ends: TextEnds,
    weightBytes: number,
    shape: AdapterShape,
    base: BaseType,
  ) {
    this.device = device;
    this.engine = { ...device.description, device: `${device.description.device}, ${base} weights` };
    this.backend = device.description.backend;
    this.model = model;
    this.ends = ends;
    this.weightBytes = weightBytes;
    this.shape = shape;
    this.full = placeFullAdapter(shape);
    this.fullIndices = fullIndices(shape);
  }

  async warmUp(dataset: Dataset, training: TrainingOptions) {
    const { steps } = await this.trainRound(warmUpRequest(this.shape, training), dataset);
    return warmUpTimes(steps);
  }

  trainRound(
    request: RoundRequest,
    dataset: Dataset,
    onStep?: (step: TrainingStep) => unknown,
    signal?: AbortSignal,
  ): Promise<RoundOutcome> {
    return this.inTurn(() => this.train(request, dataset, onStep, signal));
  }

  evaluate(dataset: Dataset, adapter?: Float32Array): Promise<Evaluation> {
    return this.inTurn(async () => {
      if (isJudged(dataset)) return evaluateScores(dataset, await this.readScores(dataset, adapter));
      return evaluateTokens(dataset, this.reader(dataset, adapter, "losses"));
    });
  }

  scores(dataset: Dataset, adapter: Float32Array | undefined): Promise<Float32Array[]> {
    return this.inTurn(() => this.readScores(dataset, adapter));
  }

  gradient(dataset: Dataset, adapter: Float32Array): Promise<Float32Array> {
    return this.inTurn(async () => {
      checkAdapter(this.shape, adapter);
      const rows = Array.from({ length: sampleCount(dataset) }, (_, row) => row);
      const batch = createBatch(dataset, rows);
      const step = await this.prepareStep(batch, dataset, this.full, "gradient");
      this.writeAdapter(step.execution, step.plan.adapter, adapter, this.full, this.fullIndices);
      writeBatch(step.execution, step.plan, batch, this.model);
      const [values] = await step.execution.run(STEP, [step.plan.gradient as BufferId]);
      return toWireOrder(values as Float32Array, this.full);
    });
  }

  generate(
    promptIds: readonly number[],
    options: GenerationOptions,
    adapter?: Float32Array,
    onToken?: (id: number) => void,
  ): Promise<number[]> {
    return this.inTurn(async () => {
      const random = createRandom(options.seed, "generate");
      const ids = promptIds.length > 0 ? [...promptIds] : [this.ends.endOfTextId];
      const generated: number[] = [];
      while (generated.length < options.maxTokens) {
        // When the context is full its later half is read anew, so that the cost of a token stays flat.
        const { maxPositions } = this.model;
        const room = generated.length === 0 ? maxPositions : Math.ceil(maxPositions / 2);
        const context = lastIds(ids, room, options.prefixLength);
        const ended = await this.continueFrom(context, options, adapter, random, (id) => {
          ids.push(id);
          generated.push(id);
          onToken?.(id);
          return generated.length < options.maxTokens;
        });
        if (ended) break;
      }
      return generated;
    });
  }

  dispose(): void {
    for (const { execution } of this.prepared.values()) execution.dispose();
    this.prepared.clear();
    this.device.dispose();
  }

  private async train(
    request: RoundRequest,
    dataset: Dataset,
    onStep: ((step: TrainingStep) => unknown) | undefined,
    signal: AbortSignal | undefined,
  ): Promise<RoundOutcome> {
    const { mask, dropoutRate, values, training } = request;
    const placement = placeMasked(this.shape, mask, rescaleFactor(training.rescale, dropoutRate));
    if (values.length !== placement.valueCount)
      throw new Error(`round: expected ${placement.valueCount} kept values, got ${values.length}`);
    let trained = values;
    let step: Prepared<StepPlan> | undefined;
    const take = async (number: number, batch: Batch) => {
      if (!step) {
        step = await this.prepareStep(batch, dataset, placement, "train");
        this.writeAdapter(step.execution, step.plan.adapter, values, placement, maskIndices(mask));
        const zeros = new Float32Array(placement.valueCount);
        step.execution.write(step.plan.optimizer?.mean as BufferId, zeros);
        step.execution.write(step.plan.optimizer?.variance as BufferId, zeros);
      }
      const { execution, plan } = step;
      writeBatch(execution, plan, batch, this.model);
      execution.write(plan.optimizer?.settings as BufferId, adamWSettings(number, training));
      const isLast = number === training.localSteps;
      const reads = [plan.report, ...(isLast ? [plan.adapter?.values as BufferId] : [])];
      const [report, final] = await execution.run(STEP, reads);
      if (final) trained = toWireOrder(final as Float32Array, placement);
      return report as Float32Array;
    };
    const steps = await takeSteps(request, dataset, take, onStep, signal);
    return { delta: values.map((value, i) => (trained[i] as number) - value), steps };
  }

  /** Reads losses or class scores of batches, one after another in one turn, under the full adapter or under none. */
  private reader(
    dataset: Dataset,
    adapter: Float32Array | undefined,
    what: "losses" | "logits",
  ): (batch: Batch) => Promise<Float32Array> {
    const placement = adapter ? this.full : null;
    if (adapter) checkAdapter(this.shape, adapter);
    let holder: Execution | null = null;
    return async (batch) => {
      await yieldToEvents();
      const { execution, plan } = await this.prepareStep(batch, dataset, placement, "evaluate");
      if (adapter && execution !== holder)
        this.writeAdapter(execution, plan.adapter, adapter, this.full, this.fullIndices);
      holder = execution;
      writeBatch(execution, plan, batch, this.model);
      const [values] = await execution.run(STEP, [plan[what] as BufferId]);
      return values as Float32Array;
    };
  }

  /** The base model has no head; a zero one predicts every class alike. */
  private readScores(dataset: Dataset, adapter: Float32Array | undefined): Promise<Float32Array[]> {
    const values = adapter ?? new Float32Array(this.full.valueCount);
    return scoresOf(dataset, this.reader(dataset, values, "logits"));
  }

  /** @returns whether the text ended, rather than the context. */
  private async continueFrom(
    context: readonly number[],
    { maxTokens, temperature, topK }: GenerationOptions,
    adapter: Float32Array | undefined,
    random: Random,
    onToken: (id: number) => boolean,
  ): Promise<boolean> {
    const { execution, plan } = await this.prepareGeneration(context.length, maxTokens, adapter);
    let logits = await readPrompt(execution, plan, context);
    for (let position = context.length; ; position++) {
      const id = sampleToken(logits, temperature, topK, random);
      if (this.ends.endIds.includes(id) || !onToken(id)) return true;
      if (position === plan.capacity) return false;
      await yieldToEvents();
      logits = await readToken(execution, plan, id, position);
    }
  }

  private async prepareGeneration(
    promptLength: number,
    maxTokens: number,
    adapter: Float32Array | undefined,
  ): Promise<Prepared<GenerationPlan>> {
    const { maxPositions } = this.model;
    // In steps of 16, so that prompts of about the same length share a plan.
    const roundUp = (tokens: number): number => Math.min(maxPositions, 16 * Math.ceil(tokens / 16));
    const [promptRows, capacity] = [roundUp(promptLength), roundUp(promptLength + maxTokens)];
    const placement = adapter ? this.full : null;
    if (adapter) checkAdapter(this.shape, adapter);
    const prepared = await this.prepare("generate", `${promptRows} ${capacity} ${placement !== null}`, () =>
      planGeneration(this.model, promptRows, capacity, placement),
    );
    if (adapter)
      this.writeAdapter(prepared.execution, prepared.plan.adapter, adapter, this.full, this.fullIndices);
    return prepared;
  }

  private prepareStep(
    { batchSize: batch, length }: Batch,
    dataset: Dataset,
    placement: AdapterPlacement | null,
    purpose: StepShape["purpose"],
  ): Promise<Prepared<StepPlan>> {
    const { maxPositions, blockCount } = this.model;
    if (length > maxPositions)
      throw new Error(`sequence: expected at most ${maxPositions} tokens, got ${length}`);
    const labels = isJudged(dataset) ? headFor(dataset, this.shape) : null;
    const shape = { batch, length, labels, placement, purpose };
    return this.prepare(purpose, `${batch} ${length} ${labels} ${placement?.key}`, () =>
      fittingPlan(this.device, this.weightBytes, blockCount, shape, (changed, recomputed) =>
        planStep(this.model, changed, recomputed),
      ),
    );
  }

  private async prepare<P extends { readonly plan: Plan }>(
    purpose: string,
    key: string,
    make: () => P,
  ): Promise<Prepared<P>> {
    const known = this.prepared.get(purpose);
    if (known?.key === key) return known as Prepared<P>;
    const plan = make();
    known?.execution.dispose();
    this.prepared.delete(purpose);
    const prepared = { key, plan, execution: await this.device.prepare(plan.plan) };
    this.prepared.set(purpose, prepared);
    return prepared;
  }

  private writeAdapter(
    execution: Execution,
    buffers: { readonly values: BufferId; readonly indices: BufferId } | null,
    values: Float32Array,
    placement: AdapterPlacement,
    indices: Int32Array,
  ): void {
    if (buffers === null) throw new Error("plan: expected one with an adapter");
    execution.write(buffers.values, toKernelOrder(values, placement));
    execution.write(buffers.indices, indices);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.then(
      () => {},
      () => {},
    );
    return result;
  }
}

/** Outputs of the adapter's head. */
function headFor({ kind }: JudgedDataset, shape: AdapterShape): number {
  const labels = labelsOf(shape);
  if (labels === null)
    throw new Error(`${kind}: expected the adapter to have a head, got one without labels`);
  if ((labels === 1) !== (kind === "regression"))
    throw new Error(
      `${kind}: expected a head of ${kind === "regression" ? "1 output" : "2 labels or more"}, got ${labels}`,
    );
  return labels;
}
