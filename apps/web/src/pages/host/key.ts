/**
 * The host key comes in the address's fragment, which browsers do not send. It leaves the address bar at once, where a
 * projector would show it, a history keep it and a copied address hand it on; a reload finds it in the tab's storage.
 */
const KEY = "fedlodrop.host-key";

/** The key of this tab, or null without one. */
export function takeHostKey(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given === null || given === "") return stored();
  history.replaceState(history.state, "", `${location.pathname}${location.search}`);
  try {
    sessionStorage.setItem(KEY, given);
  } catch {
    // Storage is blocked: the key lasts until the page is closed.
  }
  return given;
}

function stored(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
