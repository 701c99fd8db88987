/** Where a coordinator is reached, given the address that its pages stand under: a proxy may show it under a path. */
export interface Site {
  readonly origin: string;
  /** Socket.IO's own path. */
  readonly socketPath: string;
  /** @param route without a leading slash */
  at(route: string): URL;
}

export function siteOf(url: string): Site {
  const { origin, pathname } = new URL(url);
  const base = pathname.endsWith("/") ? pathname : `${pathname}/`;
  return { origin, socketPath: `${base}socket.io/`, at: (route) => new URL(`${base}${route}`, origin) };
}
