/**
 * Differences, in nats, that one evaluation cannot tell from none. Measured on the 48 windows of a run (four disjoint sets of them)
 * with the presidents' speeches, the bundled model and four devices at γ = 0.5. More windows tell more: halves from 200 on.
 */

/**
 * Between two models on the same windows: twice the standard error after seven rounds, 0.015, when a trained model is better than
 * untrained by 0.076 and by 0.055 to 0.102 on the four sets. After one round it is 0.006, at 0.039.
 */
export const NOISE_OF_MODELS = 0.03;

/**
 * Of one model between two sets of texts, where it is not known how the untrained one does on them: up to 0.10 better on one set
 * than on another.
 */
export const NOISE_OF_TEXTS = 0.1;
