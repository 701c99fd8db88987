/** One long run in which tabs vanish, arrive late, reload and lose the network, and the rounds go on. */
import {
  freeze,
  type HostConnection,
  kill,
  offline,
  online,
  openParticipant,
  openParticipants,
  READY,
  reload,
} from "@fedlodrop/harness";
import type { HostView } from "@fedlodrop/protocol";
import type { RoundRecord } from "@fedlodrop/run";
import { expect, TINY, test } from "./fixtures.ts";

const stateOf = (view: HostView, id: string): string | undefined =>
  view.participants.find((participant) => participant.id === id)?.state;
const outcomes = (record: RoundRecord | undefined): Record<string, string> =>
  Object.fromEntries((record?.participants ?? []).map(({ id, outcome }) => [id, outcome]));

/** The first round that opens from now on and in which `id` is aggregated. */
async function nextRoundWith(host: HostConnection, id: string): Promise<RoundRecord> {
  const { round } = host.view();
  const found = (view: HostView) =>
    view.rounds.find((record) => record.round > round && outcomes(record)[id] === "aggregated");
  return found(await host.until((view) => found(view) !== undefined, 60)) as RoundRecord;
}

test("a run outlives its tabs' misfortunes", async ({ chromium, serve, tinyModel }) => {
  test.setTimeout(300_000);
  const { url, host, hostUrl } = await serve(
    "--model",
    tinyModel,
    "--rounds",
    "100000",
    "--deadline",
    "120",
    ...TINY,
  );
  const options = { url, backend: "wasm" } as const;
  const [first, second, third] = await openParticipants(chromium, 3, options);
  await host.command({ kind: "start" });
  await nextRoundWith(host, "p2");

  await test.step("a tab killed mid-round does not stall it", async () => {
    await host.command({ kind: "pause" });
    await host.until(({ phase }) => phase === "paused", 60);
    await freeze(second!, 300); // ends with its tab
    await host.command({ kind: "resume" });
    const working = await host.until(
      (view) => stateOf(view, "p1") === "waiting" && stateOf(view, "p3") === "waiting",
      60,
    );
    const killedIn = working.round;
    await kill(second!);
    const view = await host.until(({ rounds }) => rounds.length >= killedIn, 60);
    const record = view.rounds[killedIn - 1];
    expect(outcomes(record)).toEqual({ p1: "aggregated", p2: "left", p3: "aggregated" });
    expect(record!.seconds, "closed before its deadline").toBeLessThan(100);
    expect(outcomes(await nextRoundWith(host, "p1"))).toEqual({ p1: "aggregated", p3: "aggregated" });
  });

  await test.step("a late joiner enters between two rounds, and is in every one from then on", async () => {
    const before = host.view().round;
    const late = await openParticipant(chromium, 3, options);
    await late.reaches(READY);
    await nextRoundWith(host, "p4");
    const { rounds } = host.view();
    const entered = rounds.findIndex((record) => "p4" in outcomes(record));
    expect(rounds[entered]!.round).toBeGreaterThan(before);
    for (const record of rounds.slice(entered)) expect(outcomes(record)).toHaveProperty("p4");
    await late.close();
  });

  await test.step("a reload keeps identity", async () => {
    await reload(first!);
    expect(await first!.reaches(READY)).toMatchObject({ participantId: "p1" });
    await nextRoundWith(host, "p1");
    expect(host.view().participants.map(({ id }) => id)).toEqual(["p1", "p2", "p3", "p4"]);
  });

  await test.step("a tab without a network comes back as itself", async () => {
    await offline(third!);
    await host.until((view) => stateOf(view, "p3") === "away", 60);
    await nextRoundWith(host, "p1");
    await online(third!);
    await nextRoundWith(host, "p3");
    expect(await third!.state()).toMatchObject({ participantId: "p3" });
  });

  await test.step("what a presenter does to a device the run survives, and it is undone", async () => {
    // Without motion, which a browser without a GPU draws on the cores that train.
    const screen = await (await chromium.newContext({ reducedMotion: "reduce" })).newPage();
    await screen.goto(hostUrl);
    await screen.getByTestId("open-drawer").click();
    const inflicted = screen.getByTestId("inflicted").first();
    await screen.getByTestId("chaos-device").selectOption("p1");
    await screen.getByTestId("chaos-freeze").click();
    await expect(first!.page.getByTestId("chaos")).toContainText("stands still", { timeout: 30_000 });
    // Everybody else waits for it.
    await host.until((view) => stateOf(view, "p1") === "training" && stateOf(view, "p3") === "waiting", 60);
    await expect(inflicted).toContainText(
      /Round \d+: waits for it, and closes without it in .* at the latest/,
    );
    // What lasts can be undone also after the drawer was put away.
    for (const isOpen of ["false", "true"]) {
      await screen.getByTestId("open-drawer").click();
      await expect(screen.getByTestId("open-drawer")).toHaveAttribute("aria-expanded", isOpen);
    }
    await screen.getByTestId("chaos-undo").click();
    await nextRoundWith(host, "p1");
    await expect(inflicted).toContainText("closed with it", { timeout: 30_000 });
    await expect(first!.page.getByTestId("chaos")).toBeHidden();

    await screen.getByTestId("chaos-slow").click();
    await expect(first!.page.getByTestId("chaos")).toContainText("four times slower", { timeout: 30_000 });
    await nextRoundWith(host, "p1");
    await expect(inflicted).toContainText("is four times slower", { timeout: 30_000 });
    await expect(inflicted).toContainText("closed with it", { timeout: 30_000 });
    await screen.getByTestId("chaos-undo").click();
    await expect(inflicted).toContainText("undone");
    await expect(first!.page.getByTestId("chaos")).toBeHidden({ timeout: 30_000 });
    await nextRoundWith(host, "p1");

    await screen.getByTestId("chaos-device").selectOption("p3");
    await screen.getByTestId("chaos-cut").dblclick();
    await expect(screen.getByTestId("inflicted").filter({ hasText: "has lost its link" })).toHaveCount(1);
    await expect(third!.page.getByTestId("away")).toBeVisible({ timeout: 30_000 });
    await expect(third!.page.getByTestId("chaos")).toContainText("has cut this device's link");
    await host.until((view) => stateOf(view, "p3") === "away", 60);
    await expect(inflicted).toContainText(/comes back by itself in \d+ second/);
    await nextRoundWith(host, "p1");
    await expect(inflicted).toContainText("closed without it", { timeout: 30_000 });
    // Nobody has to do anything for it.
    await nextRoundWith(host, "p3");
    await expect(inflicted).toContainText("It is back.", { timeout: 30_000 });
    await expect(third!.page.getByTestId("chaos")).toBeHidden({ timeout: 30_000 });
    expect(await third!.state()).toMatchObject({ participantId: "p3" });

    await screen.getByTestId("chaos-device").selectOption("p3");
    await screen.getByTestId("chaos-kill").click();
    await expect(third!.page.getByTestId("stopped")).toContainText("The presenter has closed this tab", {
      timeout: 30_000,
    });
    await host.until((view) => stateOf(view, "p3") === "away", 60);
    await nextRoundWith(host, "p1");
    await expect(inflicted).toContainText("closed without it", { timeout: 30_000 });
    await third!.page.getByTestId("stopped").getByRole("button").click();
    await nextRoundWith(host, "p3");
  });

  await test.step("a page that was reloaded says at the end what the records say", async () => {
    await host.command({ kind: "stop" });
    const { rounds } = await host.until(({ phase }) => phase === "ended", 60);
    const own = rounds.flatMap(({ participants }) =>
      participants.filter(({ id, outcome }) => id === "p1" && outcome === "aggregated"),
    );
    const made = rounds.filter(({ trainLoss }) => trainLoss !== null).length;
    const share = own.reduce((sum, { update }) => sum + update!.contribution, 0) / made;
    const end = first!.page.getByTestId("end");
    const isRight = async () => {
      await expect(end).toContainText(`${own.length} of ${rounds.length} rounds`, { timeout: 60_000 });
      await expect(end).toContainText(
        share.toLocaleString("en", { style: "percent", maximumSignificantDigits: 3 }),
      );
    };
    await isRight();
    await reload(first!);
    await isRight();
    await expect(end.getByTestId("model-change")).not.toContainText("It is measured after each round");
  });
});
