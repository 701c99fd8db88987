/** The address that all pages stand under: a proxy may show the coordinator below a path of its own, which only the
 *  page's address tells. Ends in a slash. */
export const siteUrl = (page: string = location.href): string => new URL(".", page).href;
