/** What a schema found wrong, in plain words: zod's own message is a page of JSON. */
import { z } from "zod";

type Issue = z.core.$ZodIssue;

/** `training.localSteps: expected a whole number`: the first fault of a value that does not fit its schema.
 *  @param whole what to call the value itself, where the fault is not in one of its fields */
export function faultInWords(error: z.ZodError, whole = "value"): string {
  const [issue] = error.issues;
  if (issue === undefined) return `${whole}: malformed`;
  return `${issue.path.map(String).join(".") || whole}: ${faultOf(issue)}`;
}

export const isSchemaFault = (error: unknown): error is z.ZodError => error instanceof z.ZodError;

function faultOf(issue: Issue): string {
  if (issue.code === "unrecognized_keys") return `unknown field ${quoted(issue.keys)}`;
  return issue.code === "custom" ? issue.message : `expected ${expectation(issue)}`;
}

/** Completes "expected …". */
export function expectation(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return NAMES[issue.expected] ?? `a ${issue.expected}`;
    case "invalid_value":
      return either(issue.values.map(String));
    case "invalid_union":
      return "note" in issue ? "one of the kinds there are" : "something else";
    case "invalid_format":
      return `text of the form ${issue.pattern ?? issue.format}`;
    case "too_small":
      if (issue.origin === "string")
        return issue.minimum === 1 ? "some text" : `at least ${issue.minimum} characters`;
      if (issue.origin === "array") return `at least ${issue.minimum} entries`;
      return issue.inclusive ? `${issue.minimum} or more` : `more than ${issue.minimum}`;
    case "too_big":
      if (issue.origin === "string") return `at most ${issue.maximum} characters`;
      if (issue.origin === "array") return `at most ${issue.maximum} entries`;
      return issue.inclusive === false ? `less than ${issue.maximum}` : `at most ${issue.maximum}`;
    default:
      return `something else (${issue.message})`;
  }
}

const NAMES: Readonly<Record<string, string>> = {
  int: "a whole number",
  string: "text",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(", ");
const either = (choices: readonly string[]): string =>
  choices.length === 1 ? `${choices[0]}` : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
