/**
 * Pictures of every screen of short runs, for whoever changes the pages and wants to see them:
 *   npx tsx tools/screenshots/take.ts FOLDER [name …] [--size 1280x800 …] [--scheme light] [--tiny]
 * Each name (`training`, `host-lobby`, …: scenes.ts has them) is taken at four sizes, light and dark; without names all
 * are, of the bundled model or, which takes a tenth of the time, of a tiny one. Beside them comes `sheet-NAME.png`, all of
 * a screen in one picture.
 */
import { parseArgs } from "node:util";
import { SCHEMES, SIZES } from "./pictures.ts";
import { takeScreens } from "./screens.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: "string", multiple: true, default: [...SIZES] },
    scheme: { type: "string", multiple: true, default: [...SCHEMES] },
    tiny: { type: "boolean", default: false },
  },
});
const [folder, ...wanted] = positionals;
if (folder === undefined) throw new Error("usage: npx tsx tools/screenshots/take.ts FOLDER [name …]");
const schemes = SCHEMES.filter((scheme) => values.scheme.includes(scheme));
await takeScreens({ folder, wanted, sizes: values.size, schemes, tiny: values.tiny });
