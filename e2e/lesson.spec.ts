/** A teacher's lesson on a pupil's screen: a step, a question answered, the answer told, and a round in slow motion. */
import { offline, openParticipants } from "@fedlodrop/harness";
import { faultsOf } from "./axe.ts";
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
