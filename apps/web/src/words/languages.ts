/** Which of the languages that there are a reader gets: pure, so that odd browsers can be tried. */

/** By the name that its readers know it by. */
export const LANGUAGES = { en: "English", zh: "中文" } as const;
export type Language = keyof typeof LANGUAGES;

const isLanguage = (name: string | undefined): name is Language =>
  name !== undefined && Object.hasOwn(LANGUAGES, name);
const baseOf = (tag: string): string | undefined => tag.toLowerCase().split(/[-_]/)[0];

/** @param remembered what was chosen before @param wanted the browser's, best first */
export function chooseLanguage(remembered: string | null, wanted: readonly string[]): Language {
  if (remembered !== null && isLanguage(remembered)) return remembered;
  return wanted.map(baseOf).find(isLanguage) ?? "en";
}

/**
 * The reader's own variety of it, where it is one that Intl takes (a system may be set to what is no tag) and that is
 * written as the page's words are: Simplified words would not go with Traditional units.
 */
export function localeFor(language: Language, wanted: readonly string[]): string {
  const own = wanted.find((tag) => baseOf(tag) === language);
  if (own === undefined) return language;
  try {
    const [locale, words] = [own, language].map((tag) => new Intl.Locale(tag));
    return locale?.maximize().script === words?.maximize().script ? String(locale) : language;
  } catch {
    return language;
  }
}
