import { expect, it } from "vitest";
import { limitedAddress, senderOf } from "./address.ts";

it.each([
  ["192.168.1.7", "192.168.1.7"],
  ["::ffff:192.168.1.7", "192.168.1.7"],
  ["::1", "::1"],
  ["2001:db8:0:7:1:2:3:4", "2001:db8:0:7::/64"],
  ["2001:0db8::7", "2001:db8:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  [undefined, "unknown"],
  ["not an address", "unknown"],
])("counts %s as %s", (remote, address) => {
  expect(limitedAddress(remote)).toBe(address);
});

it("believes a proxy only when told, and only the nearest", () => {
  const request = {
    socket: { remoteAddress: "127.0.0.1" },
    headers: { "x-forwarded-for": "6.6.6.6, 10.0.0.9" },
  };
  expect(senderOf(request, false)).toBe("127.0.0.1");
  expect(senderOf(request, true)).toBe("10.0.0.9");
  expect(senderOf({ ...request, headers: {} }, true)).toBe("127.0.0.1");
  expect(senderOf({ ...request, headers: { "x-forwarded-for": "made up" } }, true)).toBe("unknown");
});
