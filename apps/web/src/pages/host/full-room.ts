/** With more devices than this there is room for little else on the stage: tiles of two short lines, packets with fewer steps. */
export const FULL_ROOM = 24;
