/** What is wrong with a participant's own texts, in the reader's language. */
import type { TextFault } from "@fedlodrop/tasks";
import { listed } from "../../ui/joined.ts";
import { say } from "../../words/words.ts";

export function faultWords(fault: TextFault): string {
  switch (fault.kind) {
    case "too-large":
      return say("own.fault.too-large", fault);
    case "too-short":
      return say("own.fault.too-short", fault);
    case "column-twice":
      return say("own.fault.column-twice", fault);
    case "wrong-field":
      return say("own.fault.wrong-field", fault);
    case "other-label":
      return say("own.fault.other-label", { line: fault.line, labels: listed(fault.labels) });
    case "no-score":
      return say("own.fault.no-score", fault);
    case "broken-line":
    case "broken-conversation":
    case "not-one-text":
    case "not-two-texts":
    case "not-conversation":
      return say(`own.fault.${fault.kind}`, fault);
    default:
      return say(`own.fault.${fault.kind}`);
  }
}
