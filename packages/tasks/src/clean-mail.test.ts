import { expect, test } from "vitest";
import { cleanMail, htmlToText } from "./clean-mail.ts";

const mail = (text: string, subject = "Hello") => cleanMail({ subject, text, html: "" });

test("list tags, addresses, links, quotes, signature and footer go", () => {
  const text = [
    "On Monday Ann <ann@example.org> wrote:",
    "> the old question",
    "",
    "Write to bob@example.com or see http://example.com/a?b=c today.",
    "========== sale ==========",
    "-- ",
    "Bob, Senior Something",
    "_______________________________________________",
    "ILUG mailing list, to unsubscribe go away",
  ].join("\n");
  expect(mail(text, "[ILUG] Re: [Bug 12]  install")).toBe(
    "Re: install\nWrite to EMAIL or see URL today.\n=== sale ===",
  );
});

test("a footer without a signature goes too", () => {
  expect(mail("A real sentence, long enough to be kept.\n____________\nlist footer")).toBe(
    "Hello\nA real sentence, long enough to be kept.",
  );
});

test("html stands in for a missing or token text part", () => {
  const html =
    "<style>p{}</style><p>Cheap &amp; good&#33;</p><!-- x --><script>1<2</script><p>Buy&nbsp;now, friend";
  expect(cleanMail({ subject: "S", text: "see html", html })).toBe("S\nCheap & good!\nBuy now, friend");
  expect(htmlToText("&#0;&#x110000;&bogus;")).toBe("  &bogus;");
});

test("a mail with nothing to say is empty, a long one is cut at a word", () => {
  expect(mail("hi")).toBe("");
  const long = mail("word ".repeat(1000));
  expect(long.length).toBeLessThanOrEqual(900);
  expect(long).toMatch(/word$/);
  expect(mail("x".repeat(5000))).toHaveLength(900);
});

test("hostile mails are cleaned in linear time", () => {
  const started = performance.now();
  for (const part of ["<!--", "<style>", "<", "a@", "@", "http://", "wrote:", "\n> ", "_".repeat(11), "&#"])
    cleanMail({ subject: part.repeat(1000), text: part.repeat(20_000), html: part.repeat(20_000) });
  // Quadratic time would be minutes; a busy machine takes seconds.
  expect(performance.now() - started).toBeLessThan(60_000);
}, 120_000);

test("html source in the text part is read as html", () => {
  const source = "<HTML><BODY bgcolor=red><P>Cheap loans for everybody who asks today</P></BODY></HTML>";
  expect(mail(source)).toBe("Hello\nCheap loans for everybody who asks today");
});
