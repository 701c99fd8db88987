/** What the host has to be told: no answer, a page that is not let in, a command that was not carried out. */
import { Technical } from "../../ui/technical.tsx";
import { say } from "../../words/words.ts";
import type { HostProblem } from "./connection.ts";

export function Problem({ problem }: { readonly problem: HostProblem }) {
  switch (problem.kind) {
    case "no-answer":
      return <>{say("host.no-answer")}</>;
    case "refused":
      return problem.reason === null ? (
        <>
          {say("host.refused")} <Technical>{problem.message}</Technical>
        </>
      ) : (
        say(`host.refused.${problem.reason}`)
      );
    case "command-refused":
      return (
        <>
          {say(
            problem.command === "configure" && problem.reason === "bad-message"
              ? "host.unusable-settings"
              : `refused.${problem.reason}`,
          )}{" "}
          <Technical>{problem.message}</Technical>
        </>
      );
    case "no-reply":
      return <>{say("host.no-reply")}</>;
    default:
      return problem satisfies never;
  }
}
