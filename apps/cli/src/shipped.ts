/** Where the folders lie that come with this program: beside its built code when installed, at the root of the repository
 *  when it runs from its sources. */
import { fileURLToPath } from "node:url";

/** Built and installed from a package, whose pages are built too. */
export const isInstalled = import.meta.url.endsWith(".js");

/** @param folder `models/base`, or in an installed package `pages` */
export const shipped = (folder: string): string =>
  fileURLToPath(new URL(`${isInstalled ? ".." : "../../.."}/${folder}`, import.meta.url));
