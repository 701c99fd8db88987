/** The documents' pictures: `npm run pictures`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { takeScreens } from "./screens.ts";

/** Screen by file in docs/. */
const PICTURES = {
  comparison: "host-compared",
  stage: "host-comparing",
  participant: "compared",
  "host-zh": "host-compared-zh",
  lobby: "host-30-lobby",
  "slow-round": "slow-round",
  guess: "pupil-told",
  replay: "replay",
};
const SIZE = "1280x800";

const folder = await mkdtemp(join(tmpdir(), "fedlodrop-pictures-"));
await takeScreens({ folder, wanted: Object.values(PICTURES), sizes: [SIZE], schemes: ["light"] });
for (const [name, screen] of Object.entries(PICTURES)) {
  const { size } = await sharp(join(folder, `${screen}-${SIZE}-light.png`))
    .webp({ quality: 82, effort: 6 })
    .toFile(`docs/${name}.webp`);
  console.log(`docs/${name}.webp: ${Math.round(size / 1024)} KiB`);
}
await rm(folder, { recursive: true });
