/** Something to tell the participant beside the screen. */
import { MAX_NICKNAME_CHARACTERS } from "@fedlodrop/protocol";
import { Technical } from "../../ui/technical.tsx";
import { say } from "../../words/words.ts";
import type { Notice } from "./state.ts";

export function NoticeLine({ notice }: { readonly notice: Notice }) {
  switch (notice.kind) {
    case "new-run":
    case "dealt":
      return <p class="notice wide">{say(`notice.${notice.kind}`)}</p>;
    case "renamed":
      return (
        <p class="notice wide">
          {say("notice.renamed", { nickname: notice.nickname, most: MAX_NICKNAME_CHARACTERS })}
        </p>
      );
    case "refused":
      return (
        <div class="notice wide">
          {say(`refused.${notice.refused.reason}`)} <Technical>{notice.refused.message}</Technical>
        </div>
      );
    default:
      return notice satisfies never;
  }
}
