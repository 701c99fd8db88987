import { expect, it } from "vitest";
import { likelier, oneIn } from "./likelier.ts";
import "../../words/english.fixture.ts";

it.each([
  [0, "as likely as before"],
  [0.04, "as likely as before"],
  [Math.log(2), "2.0 times likelier than before"],
  [-Math.log(3.5), "29% as likely as before"],
  [Math.log(1234), "1,200 times likelier than before"],
])("%d nats: %s", (nats, words) => expect(likelier(nats)).toBe(words));

it.each([
  [0, "1 in 1.0"],
  [Math.log(2.25), "1 in 2.3"],
  [Math.log(46.8), "1 in 47"],
  [Math.log(12345), "1 in 12,345"],
])("%d nats a piece: %s", (nats, words) => expect(oneIn(nats)).toBe(words));
