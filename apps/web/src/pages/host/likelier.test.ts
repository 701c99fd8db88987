import { expect, it } from "vitest";
import { likelier } from "./likelier.ts";
import "../../words/english.fixture.ts";

it.each([
  [0, "as likely to it as before training"],
  [0.04, "as likely to it as before training"],
  [Math.log(2), "2.0 times likelier to it than before training"],
  [-Math.log(3.5), "29% as likely to it as before training"],
  [Math.log(1234), "1,200 times likelier to it than before training"],
])("%d nats: %s", (nats, words) => expect(likelier(nats)).toBe(words));
