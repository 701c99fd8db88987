/** What whoever met a problem said of it, in English as logs have it: for those who can mend it, behind the reader's own words. */
import { say } from "../words/words.ts";

interface TechnicalProps {
  readonly testId?: string;
  /** Null and an empty one show nothing. */
  readonly children: string | null;
}

export const Technical = ({ children, testId }: TechnicalProps) =>
  children ? (
    <details class="technical">
      <summary>{say("technical")}</summary>
      <span lang="en" data-testid={testId}>
        {children}
      </span>
    </details>
  ) : null;
