/** The whole catalogue in Chinese. */
import { drawer } from "./zh/drawer.ts";
import { host } from "./zh/host.ts";
import { lesson } from "./zh/lesson.ts";
import { participant } from "./zh/participant.ts";
import { shared } from "./zh/shared.ts";

export const PARTS = [shared, participant, host, drawer, lesson];
export const CHINESE = { ...shared, ...participant, ...host, ...drawer, ...lesson };
