/** A wait that takes longer than a moment says what it waits for. */

const MOMENT_MS = 700;
const REMINDER_MS = 15_000;

/** @param what "the browser starts", "tab 2 loads the model" */
export async function whileWaiting<T>(
  say: (line: string) => void,
  what: string,
  work: Promise<T> | (() => Promise<T>),
): Promise<T> {
  const startedAt = performance.now();
  let timer = setTimeout(remind, MOMENT_MS, `${what} …`);
  function remind(line: string): void {
    say(line);
    const seconds = Math.round((performance.now() - startedAt + REMINDER_MS) / 1000);
    timer = setTimeout(remind, REMINDER_MS, `${what}, for ${seconds} s now …`);
  }
  try {
    return await (typeof work === "function" ? work() : work);
  } finally {
    clearTimeout(timer);
  }
}
