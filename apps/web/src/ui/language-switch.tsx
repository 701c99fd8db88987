/** The other languages that the page speaks, each by its own name. */
import { useSignal } from "@preact/signals";
import { LANGUAGES, type Language } from "../words/languages.ts";
import { languageNow, say, switchLanguage } from "../words/words.ts";

const ALL = Object.keys(LANGUAGES) as Language[];

export function LanguageSwitch() {
  const now = languageNow();
  const failed = useSignal(false);
  return (
    <nav class="languages" aria-label={say("language.switch")}>
      {ALL.filter((language) => language !== now).map((language) => (
        <button
          key={language}
          type="button"
          class="quiet"
          lang={language}
          data-testid={`language-${language}`}
          onClick={async () => {
            failed.value = !(await switchLanguage(language));
          }}
        >
          {LANGUAGES[language]}
        </button>
      ))}
      {failed.value && <small role="alert">{say("language.unavailable")}</small>}
    </nav>
  );
}
