import type { NetworkInterfaceInfo } from "node:os";
import { expect, it } from "vitest";
import {
  inUrl,
  localName,
  reachableAddress,
  readBasePath,
  readHost,
  readPublicUrl,
} from "./listen-address.ts";

it.each([
  ["0.0.0.0", "0.0.0.0"],
  ["::", "::"],
  ["[::1]", "::1"],
  ["localhost", "localhost"],
  ["192.168.1.7", "192.168.1.7"],
])("--host %s listens to %s", (text, host) => {
  expect(readHost(text)).toBe(host);
});

it.each(["", "example.org", "1.2.3", ":::", "[]", "0.0.0.0:80"])("refuses --host %j", (text) => {
  expect(() => readHost(text)).toThrow(`or localhost, got "${text}"`);
});

it.each([
  [undefined, "/"],
  ["/", "/"],
  ["lab", "/lab/"],
  ["/user/ada/proxy/7860/", "/user/ada/proxy/7860/"],
])("--base-path %s is %s", (text, path) => {
  expect(readBasePath(text)).toBe(path);
});

it.each(["/a b", "/../x", "http://lab", "/a?b", "/ä", "/%2e%2e"])("refuses --base-path %j", (text) => {
  expect(() => readBasePath(text)).toThrow("--base-path: expected a path such as /lab");
});

const address = (text: string, internal = false) =>
  ({ address: text, internal, family: text.includes(":") ? "IPv6" : "IPv4" }) as NetworkInterfaceInfo;

it("finds the address for others", () => {
  const both = {
    lo: [address("127.0.0.1", true)],
    eth0: [address("fe80::1"), address("2001:db8::7"), address("10.0.0.7")],
  };
  const six = { eth0: [address("fe80::1"), address("2001:db8::7")] };
  expect(reachableAddress("0.0.0.0", both)).toBe("10.0.0.7");
  expect(reachableAddress("::", both)).toBe("10.0.0.7");
  expect(reachableAddress("::", six)).toBe("2001:db8::7");
  expect(reachableAddress("0.0.0.0", six)).toBe("localhost");
  expect(reachableAddress("::1", both)).toBe("::1");
  expect(reachableAddress("127.0.0.1", both)).toBe("localhost");
  expect(reachableAddress("10.0.0.7", both)).toBe("10.0.0.7");
  expect([localName("::"), localName("::1"), localName("10.0.0.7")]).toEqual([
    "localhost",
    "::1",
    "10.0.0.7",
  ]);
  expect([inUrl("::1"), inUrl("10.0.0.7")]).toEqual(["[::1]", "10.0.0.7"]);
});

it("a public address is an http or https one, without question or fragment", () => {
  expect(readPublicUrl(undefined)).toBeNull();
  expect(readPublicUrl("https://lab.example")).toBe("https://lab.example/");
  expect(readPublicUrl("https://lab.example/run")).toBe("https://lab.example/run/");
  for (const wrong of [
    "lab.example",
    "ftp://lab.example",
    "https://lab.example/?run=1",
    "https://lab.example/#x",
  ])
    expect(() => readPublicUrl(wrong)).toThrow(`got "${wrong}"`);
});
