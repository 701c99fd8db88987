/** Between the two texts of a prompt, where the task has pairs. */
export const BETWEEN_TEXTS = "||";
