/** This thread's own working memory: 32 bytes of zeros for tiles that start from nothing, a row of 8, constants, then scratch. */
import { writeConstants } from "./simd";

let base: usize = 0;

/** @param block 64 bytes of zeros, room for constants, then the thread's scratch */
export function useScratch(block: usize): void {
  base = block;
  writeConstants(block + 64);
}

export function zeros(): usize {
  return base;
}

/** A row of 8 for results of which fewer are wanted. */
export function scratchTile(): usize {
  return base + 32;
}

export function scratch(): usize {
  return base + 320;
}
