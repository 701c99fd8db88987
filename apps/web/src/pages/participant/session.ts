/** The participant page's one store: the state its worker reports, and what the participant can do. */

import type { FromWorker, OwnTexts } from "@fedlodrop/device/page";
import { type DeviceKind, deviceKind, energyProfile, type ProfileCorrection } from "@fedlodrop/device/page";
import { CHAOS_SECONDS } from "@fedlodrop/protocol";
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { startDevice } from "../../device/proxy.ts";
import { keptText } from "../../ui/kept.ts";
import { seldom } from "../../ui/seldom.ts";
import { siteUrl } from "../../ui/site.ts";
import type { PageAddress } from "./address.ts";
import { type BatteryReading, batteryWatts, watchBattery } from "./battery.ts";
import { browserIdentityStore, claimToken, deviceSecret, keepToken } from "./identity.ts";
import { watchReading } from "./notice.ts";
import { parseOwnTexts } from "./own-file.ts";
import { reduce } from "./reduce.ts";
import { INITIAL_STATE, type ParticipantState } from "./state.ts";
import { keepScreenOn } from "./wake-lock.ts";

export interface Session {
  readonly state: ReadonlySignal<ParticipantState>;
  readonly ownTexts: ReadonlySignal<OwnTexts | null>;
  /** A text that is being pasted or typed, and not used yet. */
  readonly draft: Signal<string>;
  readonly correction: ReadonlySignal<ProfileCorrection>;
  /** What this participant shows to get files of the run; null before it has joined. */
  token(): string | null;
  /** What kind of device the energy estimate takes this one for. */
  deviceKind(): DeviceKind;
  /** @param code of the room; absent is what the address says */
  join(nickname: string, code?: string): void;
  useOwnTexts(texts: OwnTexts | null): void;
  correctProfile(correction: ProfileCorrection): void;
  tryPrompt(prompt: string): void;
  /** Chooses an option of the lesson's question. */
  guess(slideId: string, choice: number): void;
  /** Takes part no more; the open round goes on without this device. */
  leave(): void;
}

/** What comes many times a second, and of which only the last word counts. */
const OFTEN: ReadonlySet<FromWorker["kind"]> = new Set(["loading", "step", "uploading", "tried-text"]);
const LEAST_MS_BETWEEN_STEPS = 300;
/** A download that nobody wants twice. */
const WORTH_ASKING_BYTES = 50e6;

export function startSession(address: PageAddress): Session {
  const state = signal<ParticipantState>(INITIAL_STATE);
  /** What `state` shows, or will in a moment. */
  let known = INITIAL_STATE;
  const changed = seldom(
    () => {
      state.value = known;
    },
    () => LEAST_MS_BETWEEN_STEPS,
  );
  const know = (change: Partial<ParticipantState>): void => {
    known = { ...known, ...change };
    changed(true);
  };
  watchReading(
    computed(() => state.value.notice),
    (notice) => know({ notice }),
  );
  const ownTextsKept = keptText("fedlodrop.own-texts");
  const draft = keptText("fedlodrop.draft");
  const ownTexts = computed(() => parseOwnTexts(ownTextsKept.value));
  const correction = signal<ProfileCorrection>({});
  const identity = browserIdentityStore();
  const claimed = claimToken(identity);
  let usedToken: string | null = null;
  /** The name that was asked for; what is kept of it comes back. */
  let asked = "";
  let readings: readonly BatteryReading[] = [];

  const device = startDevice((message: FromWorker) => {
    known = reduce(known, message);
    changed(!OFTEN.has(message.kind));
    if (message.kind === "chaos" && message.fault === "kill") {
      // Without a word to the coordinator, as a tab that is closed.
      device.kill();
      setTimeout(() => location.reload(), CHAOS_SECONDS * 1000);
    }
    if (message.kind === "joined") {
      keepToken(identity, message.token, usedToken);
      usedToken = message.token;
      if (message.nickname !== asked && asked !== "") {
        asked = message.nickname;
        know({ notice: { kind: "renamed", nickname: message.nickname } });
      }
    }
  });

  const kind = (): DeviceKind => {
    const { choice } = known;
    const onGpu = choice?.backend === "webgpu" && choice.webgpu.kind === "hardware";
    return deviceKind({ mobile: isHandheld(), gpu: onGpu ? choice.webgpu.detail : null });
  };
  const profile = () => energyProfile(kind(), correction.value);
  const tellEnergy = (): void =>
    device.send({
      kind: "energy",
      profile: profile(),
      batteryWatts: batteryWatts(readings, correction.value.batteryWattHours ?? null),
    });

  watchBattery((latest) => {
    readings = latest;
    tellEnergy();
  });
  device.send({ kind: "check", backend: address.backend, site: siteUrl() });

  return {
    state,
    ownTexts,
    draft,
    correction,
    token: () => usedToken,
    deviceKind: kind,
    async join(nickname, code) {
      const typed = code ?? address.code;
      know({ phase: "joining", codeWanted: null, codeTried: typed !== null });
      asked = nickname;
      keepScreenOn();
      // Else the browser may clear it away when its disk fills up; some browsers ask the user, so not for little.
      if ((known.modelSize?.missingBytes ?? 0) > WORTH_ASKING_BYTES)
        navigator.storage?.persist?.().catch(() => {});
      usedToken = await claimed;
      device.send({
        kind: "join",
        nickname,
        token: usedToken,
        secret: deviceSecret(identity),
        code: typed,
        profile: profile(),
        ownTexts: ownTexts.value,
      });
    },
    useOwnTexts(texts) {
      ownTextsKept.value = texts === null ? "" : JSON.stringify(texts);
      device.send({ kind: "own-texts", ownTexts: texts });
    },
    correctProfile(corrected) {
      correction.value = corrected;
      tellEnergy();
    },
    tryPrompt(prompt) {
      know({
        trial: {
          prompt,
          note: { kind: "thinking" },
          base: null,
          tuned: null,
          untrained: false,
          ownTextLoss: {},
        },
      });
      device.send({ kind: "try", prompt });
    },
    guess(slideId, choice) {
      know({ guess: choice });
      device.send({ kind: "guess", guess: { slideId, choice } });
    },
    leave() {
      // The next one at this tab is somebody else, perhaps.
      ownTextsKept.value = "";
      draft.value = "";
      device.send({ kind: "leave" });
    },
  };
}

/** A phone or a tablet is pointed at with a finger first. */
const isHandheld = (): boolean => matchMedia("(pointer: coarse)").matches;
