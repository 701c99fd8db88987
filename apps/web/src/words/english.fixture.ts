/** Tests of what is said say it in English: import this. */
import { host } from "./en/host.ts";
import { lesson } from "./en/lesson.ts";
import { participant } from "./en/participant.ts";
import { shared } from "./en/shared.ts";
import { speak } from "./words.ts";

export const ENGLISH = { ...shared, ...participant, ...host, ...lesson };

speak("en", ENGLISH);
