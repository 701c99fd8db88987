/** What a presenter may do to a device, to show that the run survives it. */
import { z } from "zod";

/**
 * `freeze`: it stands still at its next step; `slow`: a step takes four times as long; both until they are lifted.
 * `cut`: its connection is gone for a while; `kill`: its tab is closed and comes back after a while.
 */
export const faultSchema = z.enum(["freeze", "slow", "cut", "kill"]);
export type Fault = z.infer<typeof faultSchema>;

/** After so long a link that was cut or a tab that was killed comes back by itself. */
export const CHAOS_SECONDS = 20;
