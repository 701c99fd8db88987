/** The other languages that the page speaks, each by its own name. */
import { LANGUAGES, type Language } from "../words/languages.ts";
import { languageNow, say, switchLanguage } from "../words/words.ts";

const ALL = Object.keys(LANGUAGES) as Language[];

export function LanguageSwitch() {
  const now = languageNow();
  return (
    <nav class="languages" aria-label={say("language.switch")}>
      {ALL.filter((language) => language !== now).map((language) => (
        <button
          key={language}
          type="button"
          class="quiet"
          lang={language}
          data-testid={`language-${language}`}
          onClick={() => void switchLanguage(language)}
        >
          {LANGUAGES[language]}
        </button>
      ))}
    </nav>
  );
}
