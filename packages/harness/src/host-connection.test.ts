import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { HostView } from "@fedlodrop/protocol";
import { type Namespace, Server } from "socket.io";
import { afterEach, expect, it } from "vitest";
import { connectHost, type HostConnection } from "./host-connection.ts";

const view = (round: number): HostView => ({ phase: "training", round, participants: [] }) as never;
const ended = ({ round }: HostView): boolean => round === 2;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A host's connection to a coordinator that is in round 1, and the coordinator's side of it. */
async function watch(): Promise<{ host: HostConnection; hosts: Namespace }> {
  const http = createServer();
  const server = new Server(http);
  const hosts = server.of("/host");
  hosts.on("connection", (socket) => socket.emit("view", view(1)));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  const host = await connectHost(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, "key");
  closing.push(() => host.close());
  return { host, hosts };
}

it("waits for a view, for longer than a timer can count", async () => {
  const { host, hosts } = await watch();
  const seen = host.until(ended, 1e8);
  setTimeout(() => hosts.emit("view", view(2)), 50);
  expect(await seen).toMatchObject({ round: 2 });
});

it("puts the rounds together from those that are sent, anew for another run", async () => {
  const { host, hosts } = await watch();
  const seen = async (round: number): Promise<number[]> => {
    hosts.emit("view", view(round));
    return (await host.until((latest) => latest.round === round, 5)).rounds.map((record) => record.round);
  };
  const send = (runId: string, from: number, ...rounds: number[]): unknown =>
    hosts.emit("rounds", { runId, from, records: rounds.map((round) => ({ round })) });
  expect(host.view().rounds).toEqual([]);
  send("a", 0, 1, 2);
  expect(await seen(2)).toEqual([1, 2]);
  send("a", 1, 2, 3);
  expect(await seen(3)).toEqual([1, 2, 3]);
  send("b", 0);
  expect(await seen(0)).toEqual([]);
});

it("says where the run is when it waited in vain", async () => {
  const { host } = await watch();
  await expect(host.until(ended, 0.05)).rejects.toThrow("not there after 0.05 s (training, round 1; nobody)");
});

it("gives up what it waits for when it is closed", async () => {
  const { host } = await watch();
  const waiting = host.until(ended, 1e8);
  host.close();
  // Else the program would not end for as long as it was to wait.
  await expect(waiting).rejects.toThrow(
    "the connection was closed while it was waited for (training, round 1",
  );
  await expect(host.until(ended, 1e8)).rejects.toThrow("the connection was closed");
  expect(await host.until(({ round }) => round === 1, 1e8)).toMatchObject({ round: 1 });
});
