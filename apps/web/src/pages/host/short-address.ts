/** As people type it. */
export const shortAddress = (url: string): string => url.replace(/^http:\/\//, "").replace(/\/$/, "");
