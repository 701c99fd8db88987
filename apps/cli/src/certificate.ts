/**
 * Certificates for --https. Browsers give WebGPU and shared memory to https and to localhost alone, and phones of a
 * classroom reach neither: a certificate for this machine's names and addresses is made here, once, and kept in the
 * user's cache folder, so that a phone that has accepted it need not again.
 */
import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { defaultCacheDirectory } from "@fedlodrop/tasks/node";
import forge from "node-forge";
import { UsageError } from "./usage-error.ts";

/** Both in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Safari takes none of more than 825 days. */
const DAYS = 365;
const DAY_MS = 86_400_000;

/** The kept certificate where it still holds for all of `names`, else a new one, which is kept. */
export async function ownCertificate(
  names: readonly string[] = ownNames(),
  directory = join(defaultCacheDirectory(), "https"),
): Promise<Certificate> {
  const [keyFile, certFile] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  const kept = await Promise.all([readFile(keyFile, "utf8"), readFile(certFile, "utf8")]).catch(() => null);
  if (kept) {
    const [key, cert] = kept;
    if (holdsFor(cert, names)) return { key, cert };
  }
  const made = makeCertificate(names);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(keyFile, made.key, { mode: 0o600 });
  await chmod(keyFile, 0o600); // an older file keeps its mode
  await writeFile(certFile, made.cert);
  return made;
}

/** Names and addresses by which this machine may be asked, `announced` among them. */
export function ownNames(announced: string | null = null): readonly string[] {
  const [short = "localhost"] = hostname().toLowerCase().split(".");
  const addresses = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .map(({ address }) => address)
    .filter((address) => !/^fe80:/i.test(address));
  return [
    ...new Set([
      "localhost",
      "127.0.0.1",
      "::1",
      hostname().toLowerCase(),
      `${short}.local`,
      ...(announced ? [announced] : []),
      ...addresses,
    ]),
  ];
}

function holdsFor(cert: string, names: readonly string[]): boolean {
  try {
    const certificate = new X509Certificate(cert);
    const isLasting = Date.parse(certificate.validTo) > Date.now() + DAY_MS;
    return (
      isLasting &&
      names.every(
        (name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined,
      )
    );
  } catch {
    return false;
  }
}

function makeCertificate(names: readonly string[]): Certificate {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const key = forge.pki.privateKeyFromPem(privateKey);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  // Positive, as a serial number has to be.
  certificate.serialNumber = `01${randomBytes(15).toString("hex")}`;
  certificate.validity.notBefore = new Date(Date.now() - DAY_MS); // clocks of phones are wrong by hours
  certificate.validity.notAfter = new Date(Date.now() + DAYS * DAY_MS);
  const subject = [{ name: "commonName", value: `FedLoDrop on ${hostname()}`.slice(0, 64) }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions([
    { name: "basicConstraints", cA: false, critical: true },
    { name: "keyUsage", digitalSignature: true, keyEncipherment: true, critical: true },
    { name: "extKeyUsage", serverAuth: true },
    { name: "subjectAltName", altNames: names.map(altName) },
  ]);
  certificate.sign(key, forge.md.sha256.create());
  return { key: privateKey, cert: forge.pki.certificateToPem(certificate) };
}

/** Kinds of subjectAltName (RFC 5280): 7 is an address, 2 a name. */
const altName = (name: string) => (isIP(name) ? { type: 7, ip: name } : { type: 2, value: name });

/** A certificate of the user's own. @throws one line when it cannot be used */
export async function readCertificate(certFile: string, keyFile: string): Promise<Certificate> {
  const read = (flag: string, file: string): Promise<string> =>
    readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
      throw new UsageError(`${flag} ${file}: cannot be read (${cause.code})`, { cause });
    });
  const [cert, key] = [await read("--cert", certFile), await read("--key", keyFile)];
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch (cause) {
    throw new UsageError(`--cert ${certFile}: expected a certificate in PEM`, { cause });
  }
  if (Date.parse(certificate.validTo) < Date.now())
    throw new UsageError(`--cert ${certFile}: it was valid until ${certificate.validTo}`);
  try {
    if (!certificate.checkPrivateKey(createPrivateKey(key))) throw new Error("another key");
  } catch (cause) {
    throw new UsageError(`--key ${keyFile}: expected the key of ${certFile}, in PEM`, { cause });
  }
  return { key, cert };
}

/** What people will see of a certificate that nobody vouches for, and what to do. */
export function warningInWords({ cert }: Certificate): string {
  const { fingerprint256 } = new X509Certificate(cert);
  return `The certificate was made on this machine, so each browser warns once ("not private", "not secure"): choose
Advanced, then Proceed. Who wants to be sure compares the certificate's SHA-256 fingerprint:
  ${fingerprint256}`;
}
