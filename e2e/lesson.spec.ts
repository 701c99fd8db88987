/** A teacher's lesson on pupils' screens: a step, a question answered, the answer told, a round in slow motion, and the game. */
import { offline, openParticipants } from "@fedlodrop/harness";
import type { Page } from "@playwright/test";
import { NOISE_OF_MODELS } from "../apps/web/src/ui/noise.ts";
import { faultsOf, inspector } from "./axe.ts";
import { expect, test } from "./fixtures.ts";

const SETTINGS = [
  ...["--rounds", "2", "--local-steps", "2", "--batch-size", "2", "--sequence-length", "32", "--rank", "2"],
  ...["--samples-per-device", "8", "--evaluation-samples", "8"],
];

test("the teacher moves every screen, pupils answer, and a round is walked through", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  const { url, hostUrl, host } = await serve("--model", tinyModel, ...SETTINGS);
  const teacher = await (await chromium.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  await teacher.goto(hostUrl);
  const [ada] = await openParticipants(chromium, 1, { url, backend: "wasm" });
  const pupil = ada!.page;
  await teacher.getByTestId("open-lesson").click();
  await teacher.getByTestId("lesson-middle").click();
  await expect(pupil.getByTestId("lesson")).toContainText("Many devices, one model");

  const next = teacher.getByTestId("lesson-next");
  await next.click();
  await expect(pupil.getByTestId("lesson")).toContainText("What leaves your device?");
  await pupil.getByTestId("option-0").click();
  await pupil.getByTestId("option-1").click();
  await expect(teacher.getByTestId("votes")).toContainText("1 answered");
  await teacher.getByTestId("tell").click();
  await expect(pupil.getByTestId("verdict")).toHaveText("You were right.");
  await expect(pupil.getByTestId("option-0")).toBeDisabled();

  // Each screen in its reader's language; the slide stays in the teacher's.
  await pupil.getByTestId("language-zh").click();
  await expect(pupil.getByTestId("verdict")).toHaveText("你答对了。");
  await expect(pupil.locator("html")).toHaveAttribute("lang", "zh-Hans");
  await expect(pupil.getByTestId("lesson").locator("h2")).toHaveAttribute("lang", "en");
  expect(await faultsOf(pupil, "participant: lesson, in Chinese")).toEqual([]);
  await pupil.getByTestId("language-en").click();
  await expect(pupil.getByTestId("verdict")).toHaveText("You were right.");

  await next.click();
  await teacher.getByTestId("lesson-act").click();
  await host.until(({ phase }) => phase === "ended", 60);
  await next.click();
  await expect(pupil.getByTestId("lesson")).toContainText("One round, slowly");
  const slow = teacher.getByTestId("slow-round");
  await expect(slow.getByRole("img").first()).toHaveAttribute("aria-label", /keeps \d+ of \d+ columns/);
  for (let stage = 1; stage < 5; stage++) await teacher.getByTestId("slow-next").click();
  await expect(slow).toContainText("average");
  expect(await faultsOf(teacher, "host: lesson")).toEqual([]);

  // No question stands where no answer arrives.
  await offline(ada!);
  await expect(pupil.getByTestId("away")).toBeVisible({ timeout: 30_000 });
  await expect(pupil.getByTestId("lesson")).toBeHidden();
});

test("pupils play against the model on unseen texts, and both are counted", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  const { url, hostUrl, host } = await serve("--model", tinyModel, "--task", "eras", ...SETTINGS);
  const teacher = await (await chromium.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  await teacher.goto(hostUrl);
  const pupils = (await openParticipants(chromium, 2, { url, backend: "wasm" })).map(({ page }) => page);
  const [ada] = pupils;
  await teacher.getByTestId("open-lesson").click();
  await teacher.getByTestId("lesson-middle").click();
  await walkTo(teacher, "You against the model");
  await expect(ada!.getByTestId("lesson")).toContainText("as soon as the first round is over");

  await host.command({ kind: "start" });
  const { rounds } = await host.until(
    ({ phase, rounds }) => phase === "ended" && rounds.at(-1)?.evaluation != null,
    90,
  );
  const sample = rounds.at(-1)?.evaluation?.sample;
  if (sample?.kind !== "labels") throw new Error(`expected texts to guess, got ${sample?.kind}`);
  const { guesses, labels } = sample;
  const { faults, look } = inspector();
  const lookAtBoth = async (state: string): Promise<void> => {
    await look(teacher, `host: ${state}`);
    await look(ada!, `participant: ${state}`);
  };
  let right = 0;
  for (const [place, { text, label, tuned }] of guesses.slice(0, 2).entries()) {
    // The class is right about the first text, and wrong about the second.
    const isRight = place === 0;
    for (const pupil of pupils) {
      await expect(pupil.getByTestId("lesson")).toContainText(text);
      await pupil.getByTestId(`option-${isRight ? label : (label + 1) % labels.length}`).click();
    }
    await expect(teacher.getByTestId("votes")).toContainText("2 answered");
    for (const telling of ["models-guess", "answers"])
      await expect(teacher.getByTestId(telling)).toBeHidden();
    if (isRight) await lookAtBoth("guessing game");
    await teacher.getByTestId("tell").click();
    for (const pupil of pupils)
      await expect(pupil.getByTestId("verdict")).toHaveText(
        isRight ? "You were right." : `Not this time: it was ${labels[label]}.`,
      );
    const now = tuned.indexOf(Math.max(...tuned));
    // An untrained head finds every answer equally likely, and is counted as right by chance.
    await expect(teacher.getByTestId("models-guess")).toHaveText(
      new RegExp(
        `before training: no more than a guess, ${labels.length} answers with .*% each. Now: ${labels[now]} \\(.*%\\)`,
      ),
    );
    right += Number(now === label);
    // Put away and opened again, the bar knows what it has counted.
    for (const isOpen of ["false", "true"]) {
      await teacher.getByTestId("open-lesson").click();
      await expect(teacher.getByTestId("open-lesson")).toHaveAttribute("aria-expanded", isOpen);
    }
    await expect(teacher.getByTestId("guess-tally")).toContainText(
      `majority was right in 1, the model in ${right} now. Before training it could only guess: right in one of ${labels.length} texts, by chance.`,
    );
    if (isRight) await lookAtBoth("guessing game, answer told");
    // So does the page that is loaded anew, which pupils see nothing of.
    await teacher.reload();
    await expect(teacher.getByTestId("guess-tally")).toContainText(`After ${place + 1} text`);
    await teacher.getByTestId("next-text").click();
  }
  await expect(ada!.getByTestId("lesson")).toContainText(guesses[2]!.text);
  expect(faults).toEqual([]);
});

test("what the class bets on is decided by the run", async ({ serve, chromium, tinyModel }) => {
  const arms = ["--dropout", "0.5", "--compare", "fedlora"];
  const { url, hostUrl, host } = await serve("--model", tinyModel, ...arms, ...SETTINGS);
  const teacher = await (await chromium.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  await teacher.goto(hostUrl);
  const [ada] = await openParticipants(chromium, 1, { url, backend: "wasm" });
  const pupil = ada!.page;
  await teacher.getByTestId("open-lesson").click();
  await teacher.getByTestId("lesson-whole").click();
  await walkTo(teacher, "Place your bets");
  await expect(pupil.getByTestId("option-0")).toHaveText("the one with 50% dropped");
  await expect(pupil.getByTestId("option-1")).toHaveText("the one without dropout");
  await pupil.getByTestId("option-2").click();
  await expect(teacher.getByTestId("tell-later")).toBeVisible();
  await expect(teacher.getByTestId("tell")).toBeHidden();
  expect(await faultsOf(teacher, "host: bets are placed")).toEqual([]);
  await teacher.getByTestId("lesson-act").click();
  await host.until(({ phase }) => phase === "ended", 60);
  await teacher.getByTestId("tell").click();
  const [own, other] = host
    .view()
    .rounds.slice(-2)
    .map(({ testLoss }) => testLoss ?? Number.NaN) as [number, number];
  const right = Math.abs(own - other) <= NOISE_OF_MODELS ? 2 : own < other ? 0 : 1;
  await expect(pupil.getByTestId("verdict")).toContainText(right === 2 ? "You were right." : "Not this time");
  await expect(pupil.getByTestId(`option-${right}`)).toContainText("✓");
});

/** By the teacher's bar, as far as the step of that title. */
async function walkTo(teacher: Page, title: string): Promise<void> {
  const heading = teacher.getByTestId("lesson-bar").getByRole("heading");
  for (;;) {
    const now = (await heading.textContent()) ?? "";
    if (now.includes(title)) return;
    await teacher.getByTestId("lesson-next").click();
    await expect(heading).not.toHaveText(now);
  }
}
