/**
 * The host key comes in the address's fragment, which browsers do not send. It leaves the address bar at once, where a
 * projector would show it, a history keep it and a copied address hand it on; a reload finds it in the tab's storage.
 */
import { tabStorage } from "../../ui/browser-storage.ts";

const KEY = "fedlodrop.host-key";

/** The key of this tab, or null without one. */
export function takeHostKey(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given === null || given === "") return tabStorage().getItem(KEY);
  history.replaceState(history.state, "", `${location.pathname}${location.search}`);
  // Where storage is blocked the key lasts until the page is closed.
  tabStorage().setItem(KEY, given);
  return given;
}
