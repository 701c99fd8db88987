/** The worker's side of a lab: named handlers, called from Node. */
export declare function serveLab(
  handlers: Readonly<Record<string, (argument: never) => Promise<unknown>>>,
): void;
