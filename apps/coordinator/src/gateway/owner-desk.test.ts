import { expect, it } from "vitest";
import { LINE_VERSION } from "./calls.ts";
import { openOwnerDesk } from "./owner-desk.ts";
import { pack, unpack } from "./packed.ts";

type Letter = { readonly to: string; readonly fields: Readonly<Record<string, string>>; frame: Uint8Array };

/** An owner whose gateways are played by whoever writes into its stream. */
function openOwner({ secureAggregation = false, dealsByNumber = true } = {}) {
  const sent: Letter[] = [];
  const asked: unknown[][] = [];
  const joined: string[] = [];
  const logged: string[] = [];
  let hear: (letter: { fields: Record<string, string>; frame: Uint8Array }) => void = () => {};
  const nobody = new Proxy({}, { get: () => () => {} });
  const desk = openOwnerDesk({
    mail: {
      name: "redis",
      send: (to, fields, frame) => void sent.push({ to, fields, frame }),
      read(_, reader) {
        hear = reader.received;
        return { close() {} };
      },
      announce() {},
      newestFence: async () => 1,
      silentMs: () => 0,
      forget() {},
      async close() {},
    },
    fence: () => 1,
    storeId: () => "store",
    upload: () => Promise.reject(new Error("none")),
    url: () => "http://owner/",
    here: nobody as never,
    side: () =>
      ({
        unusable: async (...args: unknown[]) => {
          asked.push(args);
          return { kind: "refused", reason: "out-of-range", message: "noted" };
        },
        async join({ connection }: { connection: string }) {
          joined.push(connection);
          return { kind: "joined" };
        },
        gone: async (...args: unknown[]) => void asked.push(args),
      }) as never,
    run: () => ({ runId: "now", state: { dealsByNumber, config: { secureAggregation } } }) as never,
    clock: { nowMs: () => 0 } as never,
    log: (line) => void logged.push(line),
  });
  desk.begin();
  return { sent, asked, joined, logged, desk, hear: (letter: Parameters<typeof hear>[0]) => hear(letter) };
}

const calling = (name: string, args: readonly unknown[]): Uint8Array =>
  pack({ number: 1, parts: [{ kind: "ask", id: 1, body: { kind: "call", name, args } }] });
const asking = (...args: unknown[]): Uint8Array => calling("unusable", args);
const why = { reason: "out-of-range", message: "NaN" };

it("takes a gateway of the version before, in whose words an unusable upload is of no run in particular", async () => {
  const { sent, asked, desk, hear } = openOwner();
  // As version 1 sends: no version on the message.
  hear({ fields: { from: "old", fence: "1" }, frame: asking("p1", 3, why) });
  hear({
    fields: { from: "new", fence: "1", version: `${LINE_VERSION}` },
    frame: asking("p2", "run", 3, why),
  });
  await expect.poll(() => sent.length).toBe(2);
  expect(asked).toEqual([
    ["p1", null, 3, why],
    ["p2", "run", 3, why],
  ]);
  for (const { frame } of sent)
    expect(unpack(frame)).toMatchObject({ parts: [{ kind: "answer", body: { message: "noted" } }] });
  await desk.close();
});

it("refuses one that is too old or too new in one line, and does not look into what it sends", async () => {
  const { sent, logged, desk, hear } = openOwner();
  const nonsense = Uint8Array.of(1, 2, 3);
  for (const version of ["0", `${LINE_VERSION + 1}`, `${LINE_VERSION + 1}`, "x"])
    hear({ fields: { from: `v${version}`, fence: "1", version }, frame: nonsense });
  const lines = [
    "the owner takes gateways of versions 1 to 5 for this run, this one is of 0: start the owner's program",
    "the owner takes gateways of versions 1 to 5 for this run, this one is of 6: start the owners' new program first",
    "the owner takes gateways of versions 1 to 5 for this run, this one is of NaN: start the owner's program",
  ] as const;
  expect(sent.map(({ to, fields: { over } }) => [to, over])).toEqual([
    ["gateway-v0", lines[0]],
    ["gateway-v6", lines[1]],
    ["gateway-v6", lines[1]],
    ["gateway-vx", lines[2]],
  ]);
  expect(logged).toEqual(lines);
  await desk.close();
});

it("takes only gateways that know what to do under secure aggregation, where the run is", async () => {
  const { logged, desk, hear } = openOwner({ secureAggregation: true });
  hear({ fields: { from: "old", fence: "1", version: "2" }, frame: new Uint8Array(0) });
  expect(logged).toEqual([
    "the owner takes gateways of versions 3 to 5 for this run, this one is of 2: start the owner's program",
  ]);
  await desk.close();
});

it("takes only gateways that serve what it deals, unless the run goes by numbers as they do", async () => {
  const { logged, desk, hear } = openOwner({ dealsByNumber: false });
  hear({ fields: { from: "old", fence: "1", version: "3" }, frame: new Uint8Array(0) });
  expect(logged).toEqual([
    "the owner takes gateways of versions 4 to 5 for this run, this one is of 3: start the owner's program",
  ]);
  await desk.close();
});

it("knows a connection by the gateway that speaks of it, whatever that was called when it came", async () => {
  const { sent, joined, desk, hear } = openOwner();
  const join = (from: string, connection: string): void =>
    hear({
      fields: { from, fence: "1", version: `${LINE_VERSION}` },
      frame: calling("join", [{ connection, address: "here" }, {}]),
    });
  join("new", "1");
  join("older", "its-last-name/2");
  expect(joined).toEqual(["new/1", "older/2"]);
  desk.tell("new/1", "lesson", null);
  await expect
    .poll(() =>
      sent.flatMap(({ to, frame }) => (unpack(frame) as { parts: object[] }).parts.map((part) => [to, part])),
    )
    .toContainEqual([
      "gateway-new",
      { kind: "tell", body: { kind: "tell", connection: "1", event: "lesson", message: [null] } },
    ]);
  await desk.close();
});

it("knows of those whose gateway is gone that they are on their way back", async () => {
  const { asked, logged, desk, hear } = openOwner();
  const fields = { from: "g", fence: "1", version: `${LINE_VERSION}` };
  hear({ fields, frame: calling("join", [{ connection: "1", address: "here" }, {}]) });
  hear({ fields: { ...fields, over: "it is being closed" }, frame: new Uint8Array(0) });
  await expect.poll(() => asked).toEqual([["g/1", "gateway-lost"]]);
  expect(logged).toEqual(["gateway g is gone: it is being closed"]);
  await desk.close();
});

it("gives nobody up who cannot come back yet, because the store does not have the new run", async () => {
  const { asked, desk, hear } = openOwner();
  const fields = { from: "g", fence: "1", version: `${LINE_VERSION}` };
  hear({ fields, frame: calling("join", [{ connection: "1", address: "here" }, {}]) });
  let keep = (): void => {};
  desk.runReplaced(
    new Promise<void>((resolve) => {
      keep = resolve;
    }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toEqual([]);
  keep();
  await expect.poll(() => asked).toEqual([["g/1", "gateway-lost"]]);
  await desk.close();
});
