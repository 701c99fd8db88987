export { cleanText } from "./clean-text.ts";
export { type DecodedText, decodeText, type TextEncodingName } from "./decode-text.ts";
export { labelledSamples } from "./labelled-rows.ts";
export { conversationSamples, type FileTask, ownTextGroup, taskFromRows } from "./own-text.ts";
export { passageEnd } from "./passages.ts";
export { type AssembleOptions, assembleTask } from "./prepare.ts";
export { readRows } from "./read-rows.ts";
export { dropoutRateFor } from "./recommended.ts";
export { type SampleLimit, type SplitOptions, splitAmongDevices } from "./split.ts";
export type {
  DeviceSplit,
  PreparedTask,
  RecommendedSettings,
  SplitRule,
  TaskDefinition,
  TextGroup,
} from "./task.ts";
export { TASK_DEFINITIONS, taskDefinition } from "./tasks/all.ts";
export { type TextFault, TextFaultError } from "./text-fault.ts";
export { MAXIMUM_FILE_BYTES, readTextRows, sameLabel, type TextRow } from "./text-rows.ts";
