/** Federations of real browser tabs, for tests and for `fedlodrop federate`. */
export { type BrowserOptions, browserFlags, launchBrowser } from "./browser.ts";
export { type BrowserFacts, readBrowserFacts } from "./browser-facts.ts";
export { ensureChromium, findChromium } from "./chromium.ts";
export { type Crowd, type CrowdOptions, joinCrowd } from "./crowd.ts";
export { freeze, kill, loseDevice, offline, online, reload, shapeLink, skewClock, slow } from "./faults.ts";
export { connectHost, type HostConnection } from "./host-connection.ts";
export type { LinkConditions } from "./lane.ts";
export { type Link, openLink } from "./link.ts";
export { type Backend, type PageState, participantPageUrl, readPageState } from "./participant-page.ts";
export {
  openParticipant,
  openParticipants,
  type Participant,
  type ParticipantOptions,
  READY,
  type Wire,
} from "./participants.ts";
export { joinScripted, nanUpdate, type ScriptedParticipant } from "./scripted-participant.ts";
export { writeTinyModel } from "./tiny-model.ts";
