/** Parts of the training texts follow those who are there, and pages say whose texts they have and whether others have them too. */
import { openParticipant, openParticipants } from "@fedlodrop/harness";
import { expect, TINY, test } from "./fixtures.ts";

const UNENDING = [...TINY, "--rounds", "100000"];

test("texts that become free go to one of two tabs that share others", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  test.setTimeout(180_000);
  const { url, host } = await serve("--model", tinyModel, "--devices", "2", ...UNENDING);
  const tabs = { url, backend: "wasm" } as const;
  const [ada, ben, cleo] = await openParticipants(chromium, 3, tabs);
  // What the tabs know already is on its way to the host.
  await host.until(
    ({ participants }) => participants.filter(({ state }) => state === "ready").length === 3,
    30,
  );
  const textsOf = (id: string) => host.view().participants.find((one) => one.id === id)?.deviceName as string;
  const [first, second] = [textsOf("p1"), textsOf("p2")];
  expect(first).not.toBe(second);
  expect(textsOf("p3")).toBe(first);
  await expect(cleo!.page.getByTestId("texts")).toContainText(first);
  for (const { page } of [ada!, cleo!])
    await expect(page.getByTestId("texts")).toContainText(
      "You share your texts with 1 other device. Where there are more devices than parts, some share.",
      { timeout: 60_000 },
    );
  await expect(ben!.page.getByTestId("texts")).toContainText(/private ones\.$/);

  await ben!.page.getByTestId("leave").click();
  await ben!.page.getByTestId("leave-yes").click();
  await expect(cleo!.page.getByTestId("texts")).toContainText(second, { timeout: 60_000 });
  await host.until(
    ({ participants: [, last] }) => last?.id === "p3" && last.state === "ready" && last.deviceName === second,
    60,
  );
  for (const { page } of [ada!, cleo!])
    await expect(page.getByTestId("texts")).toContainText(/private ones\.$/, { timeout: 60_000 });
  await host.command({ kind: "start" });
  const { rounds } = await host.until((view) => view.rounds.length >= 1, 60);
  expect(rounds[0]?.participants.map(({ id, part }) => [id, part])).toEqual([
    ["p1", 0],
    ["p3", 1],
  ]);
  await expect(ada!.page.getByTestId("texts")).toContainText(/private ones\.$/);

  // A third one has no texts of its own any more.
  const dan = await openParticipant(chromium, 3, tabs);
  for (const { page } of [ada!, dan])
    await expect(page.getByTestId("texts")).toContainText("You share your texts with 1 other device.", {
      timeout: 60_000,
    });
  await host.command({ kind: "stop" });
});
