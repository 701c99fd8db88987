/** Another participant's process: says how long its pings took, whenever asked. */
import { joinScripted } from "@fedlodrop/harness";

const [url] = process.argv.slice(2) as [string];
const { socket } = await joinScripted(url, "neighbour");
let taken: number[] = [];

/** A round trip every 10 ms or as fast as they come back: as many events as a connection may send. */
async function pingForEver(): Promise<void> {
  for (;;) {
    const startedAt = performance.now();
    await socket.emitWithAck("ping");
    taken.push(performance.now() - startedAt);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
void pingForEver();

process.on("message", (wish: "reset" | "pings") => {
  process.send?.({ milliseconds: taken });
  if (wish === "reset") taken = [];
});
process.once("disconnect", () => process.exit());
process.send?.({});
