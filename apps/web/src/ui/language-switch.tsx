/** The other languages that the page speaks, each by its own name. */
import { useSignal } from "@preact/signals";
import { LANGUAGES, type Language } from "../words/languages.ts";
import { languageNow, type Switched, say, switchLanguage } from "../words/words.ts";

const ALL = Object.keys(LANGUAGES) as Language[];

export function LanguageSwitch() {
  const now = languageNow();
  const switched = useSignal<Switched>("done");
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
            switched.value = await switchLanguage(language);
          }}
        >
          {LANGUAGES[language]}
        </button>
      ))}
      {switched.value !== "done" && <small role="alert">{say(`language.${switched.value}`)}</small>}
    </nav>
  );
}
