/** A number with its term and one plain sentence about it. */
import type { ComponentChildren } from "preact";

interface FigureProps {
  readonly term: ComponentChildren;
  /** Undefined shows that there is none yet. */
  readonly value: string | number | undefined | null;
  readonly testId?: string;
  readonly children?: ComponentChildren;
}

export function Figure({ term, value, testId, children }: FigureProps) {
  return (
    <div>
      <dt>{term}</dt>
      <dd class="number" data-testid={testId}>
        {value ?? "–"}
      </dd>
      {children && (
        <dd>
          <small>{children}</small>
        </dd>
      )}
    </div>
  );
}
