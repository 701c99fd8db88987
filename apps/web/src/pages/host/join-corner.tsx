/** For whoever comes late: the code beside the stage, and as large as the screen allows at a click. */
import { useRef } from "preact/hooks";
import { say } from "../../words/words.ts";
import { QrCode } from "./qr-code.tsx";
import { shortAddress } from "./short-address.ts";

interface JoinCornerProps {
  readonly joinUrl: string;
  readonly roomCode: string | null;
}

export function JoinCorner({ joinUrl, roomCode }: JoinCornerProps) {
  const large = useRef<HTMLDialogElement>(null);
  const code = roomCode !== null && <span class="code">{roomCode}</span>;
  return (
    <div class="join-corner">
      <button
        type="button"
        class="enlarge"
        aria-label={say("qr.enlarge", { address: joinUrl })}
        data-testid="enlarge-code"
        onClick={() => large.current?.showModal()}
      >
        <QrCode text={joinUrl} />
      </button>
      <a href={joinUrl}>{joinUrl}</a>
      {code}
      <dialog
        class="large-code"
        ref={large}
        aria-label={say("qr.of", { address: joinUrl })}
        data-testid="large-code"
      >
        <QrCode text={joinUrl} />
        <strong>{shortAddress(joinUrl)}</strong>
        {code}
        <form method="dialog">
          <button type="submit">{say("drawer.close")}</button>
        </form>
      </dialog>
    </div>
  );
}
