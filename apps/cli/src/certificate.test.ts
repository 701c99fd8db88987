import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ownCertificate, readCertificate, warningInWords } from "./certificate.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "fedlodrop-https-"));
});
afterEach(() => rm(directory, { recursive: true }));

/** Whether a client that trusts this certificate alone accepts a server that shows it, under `name`. */
async function isAccepted(certificate: { key: string; cert: string }, name: string): Promise<boolean> {
  const server = createServer(certificate);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const socket = connect({
    port,
    host: "127.0.0.1",
    servername: "",
    ca: certificate.cert,
    checkServerIdentity: (_host, peer) => {
      const shown = new X509Certificate(peer.raw);
      return (/^[\d.]+$|:/.test(name) ? shown.checkIP(name) : shown.checkHost(name)) === undefined
        ? new Error("name")
        : undefined;
    },
  });
  const accepted = await new Promise<boolean>((resolve) => {
    socket.once("secureConnect", () => resolve(socket.authorized));
    socket.once("error", () => resolve(false));
  });
  socket.destroy();
  server.close();
  return accepted;
}

test("a certificate made here holds for the names it was made for, and for no others", async () => {
  const certificate = await ownCertificate(["localhost", "192.168.1.5", "fd00::5"], directory);
  expect(await isAccepted(certificate, "localhost")).toBe(true);
  expect(await isAccepted(certificate, "192.168.1.5")).toBe(true);
  expect(await isAccepted(certificate, "fd00::5")).toBe(true);
  expect(await isAccepted(certificate, "192.168.1.6")).toBe(false);
  const shown = new X509Certificate(certificate.cert);
  expect(shown.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]); // Apple wants serverAuth
  expect(Date.parse(shown.validTo) - Date.now()).toBeLessThan(825 * 86_400_000);
  expect(warningInWords(certificate)).toContain(shown.fingerprint256);
});

test("it is kept, for its owner alone, until the names change", async () => {
  const names = ["localhost", "192.168.1.5"];
  const first = await ownCertificate(names, directory);
  expect((await stat(join(directory, "key.pem"))).mode & 0o077).toBe(0);
  expect(await ownCertificate(names, directory)).toEqual(first);
  expect(await ownCertificate(["localhost"], directory)).toEqual(first);
  expect((await ownCertificate([...names, "10.0.0.7"], directory)).cert).not.toBe(first.cert);
  await writeFile(join(directory, "cert.pem"), "damaged");
  expect((await ownCertificate(names, directory)).cert).toContain("BEGIN CERTIFICATE");
});

test("a certificate of one's own that cannot be used is named", async () => {
  const { key, cert } = await ownCertificate(["localhost"], directory);
  const other = await ownCertificate(["localhost"], join(directory, "other"));
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(directory, name), text);
    return join(directory, name);
  };
  const [certFile, keyFile, otherKey] = [
    await write("a.pem", cert),
    await write("b.pem", key),
    await write("c.pem", other.key),
  ];
  expect(await readCertificate(certFile, keyFile)).toEqual({ key, cert });
  await expect(readCertificate(certFile, otherKey)).rejects.toThrow(/^--key .*c\.pem: expected the key of/);
  await expect(readCertificate(keyFile, certFile)).rejects.toThrow("expected a certificate in PEM");
  await expect(readCertificate(join(directory, "none"), keyFile)).rejects.toThrow("cannot be read (ENOENT)");
});
