/** Tests of what is said say it in English: import this. */
import { drawer } from "./en/drawer.ts";
import { host } from "./en/host.ts";
import { lesson } from "./en/lesson.ts";
import { participant } from "./en/participant.ts";
import { shared } from "./en/shared.ts";
import { speak } from "./words.ts";

export const ENGLISH = { ...shared, ...participant, ...host, ...drawer, ...lesson };

speak("en", ENGLISH);
