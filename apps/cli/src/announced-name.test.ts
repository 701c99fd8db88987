import { EventEmitter } from "node:events";
import type { MulticastDNS } from "multicast-dns";
import { expect, it } from "vitest";
import { announceName, readAnnouncedName } from "./announced-name.ts";

/** A network without sockets: what one says, all others hear. */
function network() {
  const members = new Set<EventEmitter>();
  return (): MulticastDNS => {
    const self = new EventEmitter();
    members.add(self);
    const tell = (kind: string, packet: object): void => {
      for (const member of members) if (member !== self) queueMicrotask(() => member.emit(kind, packet));
    };
    return Object.assign(self, {
      query: (asked: string | object[], type: string) =>
        tell("query", { questions: typeof asked === "string" ? [{ name: asked, type }] : asked }),
      respond: (packet: object) => tell("response", packet),
      destroy(done: () => void) {
        members.delete(self);
        done();
      },
    }) as unknown as MulticastDNS;
  };
}

it("answers for its name, with the addresses of the moment, and says goodbye", async () => {
  const join = network();
  let addresses = ["192.168.1.5", "fd00::5"];
  const announced = await announceName("class.local", () => addresses, join());
  const phone = join();
  const heard: unknown[] = [];
  phone.on("response", ({ answers }) => heard.push(answers));
  const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

  phone.query("CLASS.local", "A");
  phone.query("other.local", "A");
  phone.query("class.local", "TXT");
  await settled();
  expect(heard).toEqual([
    [
      { name: "class.local", type: "A", ttl: 120, data: "192.168.1.5" },
      { name: "class.local", type: "AAAA", ttl: 120, data: "fd00::5" },
    ],
  ]);

  addresses = ["10.0.0.9"];
  await announced.close();
  await settled();
  expect(heard.at(-1)).toEqual([{ name: "class.local", type: "A", ttl: 0, data: "10.0.0.9" }]);
});

it("does not take a name that another machine has", async () => {
  const join = network();
  await announceName("class.local", () => ["192.168.1.5"], join());
  await expect(announceName("class.local", () => ["192.168.1.6"], join())).rejects.toThrow(
    "--mdns: class.local is taken in this network by 192.168.1.5; choose another name",
  );
});

it.each([
  ["class", "class.local"],
  ["Class.local", "class.local"],
  ["room-12.local.", "room-12.local"],
])("--mdns %s is %s", (text, name) => {
  expect(readAnnouncedName(text)).toBe(name);
});

it.each(["", "a b", "-a", "a.b", "ü", "a".repeat(64)])("--mdns %s is refused", (text) => {
  expect(() => readAnnouncedName(text)).toThrow(/expected a name of up to 63 letters/);
});
