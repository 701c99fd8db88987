/** The worker's side of a lab: named handlers, called from Node. */
export function serveLab(handlers: Readonly<Record<string, (argument: never) => Promise<unknown>>>): void {
  addEventListener("message", async ({ data, ports }) => {
    const { name, argument } = data as { name: string; argument: never };
    try {
      const handler = handlers[name];
      if (!handler) throw new Error(`lab: expected one of ${Object.keys(handlers).join(", ")}, got ${name}`);
      ports[0]?.postMessage({ value: await handler(argument) });
    } catch (error) {
      ports[0]?.postMessage({
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
  });
}
