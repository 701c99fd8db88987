/** What a long-running command says: lines for people, or pino's JSON for whatever collects logs. */
import { pino } from "pino";

/** Both go to standard error, where what is said has always gone. */
export function openLog(format: "text" | "json"): (line: string) => void {
  if (format === "text")
    return (line) => {
      process.stderr.write(`${line}\n`);
    };
  const logger = pino(
    { name: "fedlodrop", base: { pid: process.pid } },
    pino.destination({ fd: 2, sync: true }),
  );
  return (line) => logger.info(line);
}
