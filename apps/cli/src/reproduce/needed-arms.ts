/** Which arms a figure compares: those that a study plays for it, and no others, so that none has fewer seeds than it was asked for because another has. */
import { ABLATED, ARMS, type ArmName, ablatedBy } from "./arms.ts";

const isMethod = (arm: ArmName): boolean => ablatedBy(arm) === null;
/** Keeps, draws or chooses rates as runs do. */
const hasRates = (arm: ArmName): boolean => isMethod(arm) && ARMS[arm].variant === undefined;
/** What sends nothing has no price that compares with a federation's. */
const isFederated = (arm: ArmName): boolean =>
  isMethod(arm) && !["alone", "pooled"].includes(ARMS[arm].variant?.kind ?? "");

/** By the names of figures that are made of cells. */
export const NEEDED_ARMS = {
  "1": hasRates,
  "2": isMethod,
  "3": isFederated,
  "6": (arm) => arm === ABLATED || !isMethod(arm),
  "7": isFederated,
} as const satisfies Record<string, (arm: ArmName) => boolean>;
export type CellFigure = keyof typeof NEEDED_ARMS;

export const isCellFigure = (name: string): name is CellFigure => Object.hasOwn(NEEDED_ARMS, name);

/** Of a study's arms those that some of the figures need, in the order in which they are given. */
export const armsFor = (figures: readonly string[], arms: readonly ArmName[]): readonly ArmName[] =>
  arms.filter((arm) => figures.some((name) => isCellFigure(name) && NEEDED_ARMS[name](arm)));
