/** One line for whatever was thrown. What libraries throw (a schema's page of JSON, a system call's code) names file
 *  and field here; errors of our own say it already. */
import { faultInWords, isSchemaFault } from "@fedlodrop/run";

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "it may not be read or written by this user",
  EPERM: "it may not be read or written by this user",
  EISDIR: "it is a folder, not a file",
  ENOTDIR: "a part of this path is a file, not a folder",
  EEXIST: "there is a file of this name already",
  ENOSPC: "the disk is full",
  EROFS: "the disk is read-only",
  EMFILE: "too many files are open",
  ENAMETOOLONG: "the name is too long",
};

export function inPlainWords(error: unknown): string {
  if (isSchemaFault(error)) return faultInWords(error);
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  const reason = code === undefined ? undefined : SYSTEM_ERRORS[code];
  if (reason !== undefined && path !== undefined) return `${path}: ${reason}`;
  return error.message.split("\n")[0] as string;
}
