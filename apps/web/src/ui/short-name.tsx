/**
 * A name that gives up its middle where there is no room for all of it: names that differ at their ends stay apart. For the
 * eye alone: it is in two boxes, so the whole name has to stand beside it for those who hear or search the page.
 */
import { useMemo } from "preact/hooks";
import { splitName } from "./split-name.ts";

interface ShortNameProps {
  readonly name: string;
  readonly class?: string;
}

export function ShortName({ name, class: look = "" }: ShortNameProps) {
  const [beginning, end] = useMemo(() => splitName(name), [name]);
  return (
    <bdi class={`short-name ${look}`} aria-hidden="true">
      <span>{beginning}</span>
      {end}
    </bdi>
  );
}
