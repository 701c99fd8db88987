import { PROTOCOL_VERSION } from "@fedlodrop/protocol";
import { describe, expect, it } from "vitest";
import { connect, connectHost, participate, start } from "../app.fixture.ts";
import { readRoomCode } from "./access.ts";

type Stranger = Awaited<ReturnType<typeof connect>>;
const ask = ({ socket }: Stranger, more: Partial<{ code: string; token: string }> = {}) =>
  socket.emitWithAck("join", { protocolVersion: PROTOCOL_VERSION, nickname: "eve", ...more });
const why = async (stranger: Stranger, more = {}) => {
  const reply = await ask(stranger, more);
  return reply.kind === "refused" ? reply.reason : reply.participantId;
};

describe("a room code", () => {
  it("gates joining, and only a newcomer's", async () => {
    const { coordinator, url } = await start({}, { access: { roomCode: "PLUM42" } });
    const stranger = await connect(url);
    expect(await why(stranger)).toBe("wrong-code");
    expect(await why(stranger, { code: "PLUM43" })).toBe("wrong-code");
    expect(coordinator.state.participants.size).toBe(0);
    const joined = await ask(stranger, { code: " plum-42 " });
    expect(joined).toMatchObject({ participantId: "p1" });
    // A reload needs no code again.
    const token = joined.kind === "joined" ? joined.token : "";
    expect(await why(await connect(url), { token })).toBe("p1");
    expect(await why(await connect(url), { token: "made up" })).toBe("wrong-code");
  });

  it("makes guessing wait, the right guess included, and nobody who is in", async () => {
    const limits = { wrongCodesPerAddressAndMinute: 3 };
    const { url } = await start({}, { access: { roomCode: "PLUM42" }, limits });
    const ada = await ask(await connect(url), { code: "PLUM42" });
    const guesser = await connect(url);
    for (const code of ["A", "B", "C"]) expect(await why(guesser, { code })).toBe("wrong-code");
    expect(await why(guesser, { code: "D" })).toBe("rate-limited");
    expect(await why(guesser, { code: "PLUM42" })).toBe("rate-limited");
    expect(await why(await connect(url), { token: ada.kind === "joined" ? ada.token : "" })).toBe("p1");
  });

  it("comes, changes and goes at the host's word", async () => {
    const { coordinator, url } = await start();
    const { views } = await connectHost(url, "key");
    const code = () => views.at(-1)?.access.roomCode;
    await coordinator.command({ kind: "room-code", wanted: true });
    const { access } = (await connectHost(url, "key")).views.at(-1) ?? { access: undefined };
    expect(access?.roomCode ?? code()).toMatch(/^[A-Z]{6}$/);
    expect(await why(await connect(url))).toBe("wrong-code");
    await coordinator.command({ kind: "room-code", wanted: false });
    expect(await why(await connect(url))).toBe("p1");
  });

  it("is one that cannot be guessed in no time", () => {
    const zeros = (bytes: number) => Buffer.alloc(bytes).toString("base64url");
    expect(readRoomCode("random", zeros)).toBe("AAAAAA");
    expect(readRoomCode("plum 42", zeros)).toBe("PLUM42");
    for (const wrong of ["", "123", "with umlaut ä", "x".repeat(33)])
      expect(() => readRoomCode(wrong, zeros)).toThrow("expected 4 to 32 letters or digits");
  });
});

describe("approval", () => {
  it("lets in whom the host lets in", async () => {
    const { coordinator, url } = await start({}, { access: { approval: true } });
    const host = await connectHost(url, "key");
    const [ada, eve] = [await connect(url), await connect(url)];
    expect(await why(ada)).toBe("awaiting-approval");
    expect(await why(ada)).toBe("awaiting-approval");
    expect(await why(eve)).toBe("awaiting-approval");
    expect(coordinator.state.participants.size).toBe(0);
    const waiting = (await connectHost(url, "key")).views.at(-1)?.access.waiting ?? [];
    expect(waiting.map(({ nickname, sameAddressAs }) => [nickname, sameAddressAs])).toEqual([
      ["eve", null],
      ["eve", null],
    ]);
    const word = (id: string | undefined, allowed: boolean) =>
      host.socket.emitWithAck("command", { kind: "admit", waitingId: id as string, allowed });
    expect(await word(waiting[0]?.id, true)).toEqual({ kind: "done" });
    await expect.poll(() => ada.inbox.admitted).toHaveLength(1);
    expect(await why(ada)).toBe("p1");
    expect(await word(waiting[1]?.id, false)).toEqual({ kind: "done" });
    await expect.poll(() => eve.inbox.dismissed).toMatchObject([{ reason: "not-admitted" }]);
    expect(await word("nobody", true)).toMatchObject({ reason: "unknown-participant" });
  });

  it("forgets who has gone, and does not carry over to another connection", async () => {
    const { coordinator, url } = await start({}, { access: { approval: true } });
    const eve = await connect(url);
    await ask(eve);
    const [one] = (await connectHost(url, "key")).views.at(-1)?.access.waiting ?? [];
    await coordinator.command({ kind: "admit", waitingId: one?.id as string, allowed: true });
    eve.socket.disconnect();
    await expect.poll(async () => why(await connect(url))).toBe("awaiting-approval");
  });
});

describe("a kick", () => {
  it("keeps a device out by token, address and code, until the host lifts it", async () => {
    const { coordinator, url } = await start({}, { access: { roomCode: "PLUM42" } });
    const eve = await ask(await connect(url), { code: "PLUM42" });
    const ada = await ask(await connect(url), { code: "PLUM42" });
    const token = eve.kind === "joined" ? eve.token : "";
    await coordinator.command({ kind: "kick", participantId: "p1" });
    expect(await why(await connect(url), { token })).toBe("kicked");
    const back = await connect(url);
    // The code that it knows is another now …
    expect(await why(back, { code: "PLUM42" })).toBe("wrong-code");
    // … and with the new one it waits for the host, since it comes from the same address.
    const view = (await connectHost(url, "key")).views.at(-1);
    expect(await why(back, { code: view?.access.roomCode as string })).toBe("awaiting-approval");
    // A class-mate behind the same address is not touched.
    expect(await why(await connect(url), { token: ada.kind === "joined" ? ada.token : "" })).toBe("p2");

    expect(await coordinator.command({ kind: "readmit", participantId: "p1" })).toEqual({ kind: "done" });
    expect(await why(await connect(url), { token })).toBe("p1");
    expect(await why(back, { code: view?.access.roomCode as string })).toBe("p3");
    expect(await coordinator.command({ kind: "readmit", participantId: "p1" })).toMatchObject({
      reason: "unknown-participant",
    });
  });

  it("leaves an open run open to others", async () => {
    const { coordinator, url } = await start();
    await participate(url, "eve");
    await coordinator.command({ kind: "kick", participantId: "p1" });
    expect(await why(await connect(url))).toBe("awaiting-approval");
    const { access } = (await connectHost(url, "key")).views.at(-1) ?? {};
    expect(access?.waiting).toMatchObject([{ sameAddressAs: "p1" }]);
  });
});
