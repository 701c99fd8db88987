/**
 * What JavaScript calls. A command is [opcode, bytes of the command, arguments …], four bytes each, its arguments in the
 * order of the kernel's parameters; encode.ts writes them. Addresses are bytes in the one memory.
 */
import {
  ACTIVATION,
  ACTIVATION_BACKWARD,
  ADAMW,
  ADD,
  ATTENTION,
  ATTENTION_BACKWARD,
  CACHE_APPEND,
  CACHED_ATTENTION,
  CROSS_ENTROPY,
  DENSE,
  DENSE_BACKWARD,
  DOT,
  EMBED,
  GATED,
  GATED_BACKWARD,
  GATHER_ROWS,
  LAYER_NORM,
  LAYER_NORM_BACKWARD,
  LINEAR,
  LINEAR_BACKWARD,
  LOGIT_CROSS_ENTROPY,
  LORA_DOWN,
  LORA_GRADIENT,
  LORA_UP,
  RMS_NORM,
  RMS_NORM_BACKWARD,
  ROTARY,
  SCATTER_ROWS,
  TASKS,
} from "../src/engines/wasm/opcodes";
import { activation, activationBackward, add, gated, gatedBackward } from "./activation";
import { adamW, dotProduct } from "./adamw";
import { attentionForward, setGeometry } from "./attention";
import { attentionBackward } from "./attention-backward";
import { cachedAttention } from "./cached-attention";
import { crossEntropy, logitCrossEntropy } from "./cross-entropy";
import { dense, denseBackward } from "./dense";
import { loraDown, loraGradient } from "./lora";
import { loraUp } from "./lora-up";
import { setMerge } from "./merge";
import { layerNorm, layerNormBackward, rmsNorm, rmsNormBackward } from "./norm";
import {
  announce,
  announcedEnd,
  announcedList,
  awaitRun,
  joinPool,
  meet,
  ownScratch,
  takePiece,
  workAlone,
} from "./pool";
import { timesTransposed, timesWeight } from "./product";
import { cacheAppend, embed, gatherRows, rotary, scatterRows } from "./rows";
import { useScratch } from "./scratch";

/** Once per thread. @param index 0 for the calling thread */
export function join(control: usize, threads: i32, index: i32): void {
  joinPool(control, threads, index);
}

/** The calling thread's way: carries out a list with all threads, and returns when it is done. */
export function run(list: usize, end: usize): void {
  announce(list, end);
  execute(list, end);
}

/** The calling thread's way with a list that is not worth waking anybody for. */
export function runAlone(list: usize, end: usize): void {
  workAlone(true);
  execute(list, end);
  workAlone(false);
}

/** A helper's way: carries out what is announced until a run has an empty list at 0. */
export function serve(): void {
  while (true) {
    awaitRun();
    const list = announcedList();
    if (list == 0) return;
    execute(list, announcedEnd());
  }
}

/** Ends the helpers. */
export function dismiss(): void {
  announce(0, 0);
}

let a: usize = 0;

function execute(list: usize, end: usize): void {
  useScratch(ownScratch());
  carryOut(list, end);
}

function carryOut(list: usize, end: usize): void {
  while (list < end) {
    a = list + 8;
    // Before the last barrier, beyond which the list may be overwritten.
    const next = list + load<u32>(list, 4);
    call(load<i32>(list));
    meet();
    list = next;
  }
}

/** Pieces that are lists: [count, where each begins …, where the last one ends], bytes from the command's start. */
function tasks(): void {
  const command = a - 8;
  const count = n(0);
  for (let task = takePiece(); task < count; task = takePiece()) {
    const place = command + 12 + ((<usize>task) << 2);
    workAlone(true);
    carryOut(command + load<u32>(place), command + load<u32>(place, 4));
    workAlone(false);
  }
}

/** Argument i: a whole number, or an address. */
function n(i: i32): i32 {
  return load<i32>(a + ((<usize>i) << 2));
}

/** Argument i: a float. */
function x(i: i32): f32 {
  return load<f32>(a + ((<usize>i) << 2));
}

function call(kernel: i32): void {
  switch (kernel) {
    case EMBED:
      embed(n(0), n(1), n(2), n(3), n(4), n(5), x(6), n(7), n(8), n(9));
      break;
    case LAYER_NORM:
      layerNorm(n(0), n(1), n(2), x(3), n(4), n(5), n(6), n(7));
      break;
    case LAYER_NORM_BACKWARD:
      layerNormBackward(n(0), n(1), n(2), n(3), n(4), n(5), n(6), n(7));
      break;
    case RMS_NORM:
      rmsNorm(n(0), n(1), x(2), x(3), n(4), n(5), n(6), n(7));
      break;
    case RMS_NORM_BACKWARD:
      rmsNormBackward(n(0), n(1), n(2), x(3), n(4), n(5), n(6), n(7), n(8));
      break;
    case LINEAR:
      setMerge(n(12), x(13), n(14), n(15), n(16), n(17), n(18), n(19));
      timesWeight(n(0), n(1), n(2), n(3), 0, n(4), n(5), n(6), n(7), n(8), n(9), n(10), n(11));
      setMerge(0, 0, 0, 0, 0, 0, 0, 0);
      break;
    case LINEAR_BACKWARD:
      setMerge(n(11), x(12), n(13), n(14), n(15), n(16), n(17), n(18));
      timesTransposed(n(0), n(1), n(2), n(3), 0, n(4), n(5), n(6), n(7), n(8), n(9), n(10));
      setMerge(0, 0, 0, 0, 0, 0, 0, 0);
      break;
    case LORA_DOWN:
      loraDown(n(0), n(1), n(2), n(3), n(4), n(5), n(6), n(7), x(8), n(9));
      break;
    case LORA_UP:
      loraUp(n(0), n(1), n(2), n(3), n(4), n(5), n(6), n(7), n(8));
      break;
    case LORA_GRADIENT:
      loraGradient(n(0), n(1), n(2), n(3), n(4), n(5), n(6), n(7));
      break;
    case ATTENTION:
      setGeometry(n(0), n(1), n(2), n(3), n(4), n(5), n(6), x(7));
      attentionForward(n(8), n(9), n(10), n(11), n(12), n(13), n(14), n(15), n(16), n(17));
      break;
    case ATTENTION_BACKWARD:
      setGeometry(n(0), n(1), n(2), n(3), n(4), n(5), n(6), x(7));
      attentionBackward(
        n(8),
        n(9),
        n(10),
        n(11),
        n(12),
        n(13),
        n(14),
        n(15),
        n(16),
        n(17),
        n(18),
        n(19),
        n(20),
        n(21),
        n(22),
        n(23),
        n(24),
        n(25),
      );
      break;
    case CACHE_APPEND:
      cacheAppend(n(0), n(1), n(2), n(3), n(4), n(5));
      break;
    case CACHED_ATTENTION:
      setGeometry(n(0), n(1), n(2), n(3), n(4), n(5), n(6), x(7));
      cachedAttention(n(8), n(9), n(10), n(11), n(12), n(13), n(14), n(15), n(16));
      break;
    case ROTARY:
      rotary(n(0), n(1), n(2), n(3), x(4), n(5), n(6), n(7), n(8));
      break;
    case ACTIVATION:
      activation(n(0), n(1), n(2), n(3));
      break;
    case ACTIVATION_BACKWARD:
      activationBackward(n(0), n(1), n(2), n(3), n(4));
      break;
    case GATED:
      gated(n(0), n(1), n(2), n(3), n(4));
      break;
    case GATED_BACKWARD:
      gatedBackward(n(0), n(1), n(2), n(3), n(4), n(5), n(6));
      break;
    case ADD:
      add(n(0), n(1), n(2), n(3));
      break;
    case CROSS_ENTROPY:
      crossEntropy(n(0), n(1), n(2), n(3), n(4), n(5), n(6), n(7), n(8), n(9), n(10), n(11), n(12));
      break;
    case LOGIT_CROSS_ENTROPY:
      logitCrossEntropy(n(0), n(1), n(2), n(3), n(4), n(5), n(6));
      break;
    case DENSE:
      dense(n(0), n(1), n(2), n(3), n(4), n(5), n(6));
      break;
    case DENSE_BACKWARD:
      denseBackward(n(0), n(1), n(2), n(3), n(4), n(5), n(6), n(7), n(8));
      break;
    case GATHER_ROWS:
      gatherRows(n(0), n(1), n(2), n(3), n(4));
      break;
    case SCATTER_ROWS:
      scatterRows(n(0), n(1), n(2), n(3), n(4), n(5));
      break;
    case ADAMW:
      adamW(n(0), n(1), n(2), n(3), n(4), x(5), x(6), x(7), x(8), x(9), n(10));
      break;
    case DOT:
      dotProduct(n(0), n(1), n(2), n(3), n(4) != 0, n(5));
      break;
    case TASKS:
      tasks();
      break;
    default:
      unreachable();
  }
}
