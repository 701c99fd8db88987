/** How a model of a hub is named: ORG/NAME, with @REVISION for another than its main one. */

export interface ModelName {
  readonly id: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

const MODEL_NAME = /^([\w.-]+\/[\w.-]+?)(?:@([\w./-]+))?$/;

/** Null for what can only be something else, such as a path. */
export function readModelName(text: string): ModelName | null {
  const [, id, revision = "main"] = MODEL_NAME.exec(text) ?? [];
  // "./folder" and "../folder" are paths, and no name on a hub begins with a dot.
  return id === undefined || id.startsWith(".") || id.includes("/.") ? null : { id, revision };
}

export const modelNameText = ({ id, revision }: ModelName): string => `${id}@${revision}`;
