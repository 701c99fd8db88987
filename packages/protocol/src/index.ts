export {
  type AdaptedModule,
  type AdapterShape,
  type AdapterSlice,
  adapterLayout,
  adapterSize,
  type DenseParameter,
  initialAdapter,
} from "./adapter.ts";
export {
  type DropoutMask,
  drawDropoutMask,
  gatherValues,
  keptCount,
  keptIndices,
  keptValueCount,
  type MaskKey,
  type ModuleMask,
} from "./dropout-mask.ts";
export { fromFloat16Bits, toFloat16Bits } from "./float16.ts";
export { createRandom, type Random, sampleWithoutReplacement, shuffled } from "./random.ts";
export {
  bytesPerValue,
  type DecodedValues,
  decodeSparseValues,
  type ExpectedValues,
  encodeSparseValues,
  payloadBytes,
  SPARSE_HEADER_BYTES,
  type ValueType,
} from "./sparse-values.ts";
