/** Some proxies pass a path on as it came (`/lab/api/run`), some take their own part off first: both are served. */

/** The request's path without `basePath` (`/` or `/…/`), where it is there. */
export const withoutBasePath = (url: string, basePath: string): string =>
  url.startsWith(basePath) ? url.slice(basePath.length - 1) : url;
