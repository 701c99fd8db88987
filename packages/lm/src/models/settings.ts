/** Settings of a Hugging Face `config.json`, each read with a check that names it. */
export class Settings {
  private readonly values: Readonly<Record<string, unknown>>;
  /** What a setting's name begins with in messages: of an object inside the file. */
  private readonly path: string;

  /** @throws when it is no object */
  constructor(json: unknown, path = "") {
    if (typeof json !== "object" || json === null || Array.isArray(json))
      throw new Error(
        `config.json: expected ${path === "" ? "an object" : `${path.slice(0, -1)} to be an object`}, got ${JSON.stringify(json)}`,
      );
    this.values = json as Readonly<Record<string, unknown>>;
    this.path = path;
  }

  /** The raw value; undefined where the file has none or null. */
  get(name: string): unknown {
    return this.values[name] ?? undefined;
  }

  /** Whether the file says null, rather than nothing. */
  isNull(name: string): boolean {
    return this.values[name] === null;
  }

  /** @throws when the value is none of those that are computed */
  expect(name: string, supported: readonly unknown[], absent: unknown): void {
    const value = this.get(name) ?? absent;
    if (!supported.includes(value))
      this.fail(name, `to be ${supported.map((s) => JSON.stringify(s)).join(" or ")}`);
  }

  positiveInteger(name: string, absent?: number): number {
    const value = this.get(name) ?? absent;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 1)
      this.fail(name, "to be a positive integer");
    return value as number;
  }

  wholeNumber(name: string, absent?: number): number {
    const value = this.get(name) ?? absent;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0)
      this.fail(name, "to be a whole number");
    return value as number;
  }

  positive(name: string, absent?: number): number {
    const value = this.get(name) ?? absent;
    if (typeof value !== "number" || !(value > 0)) this.fail(name, "above 0");
    return value as number;
  }

  flag(name: string, absent: boolean): boolean {
    const value = this.get(name) ?? absent;
    if (typeof value !== "boolean") this.fail(name, "to be true or false");
    return value as boolean;
  }

  /** One of the names of `known`, as what it stands for. */
  choice<T>(name: string, known: Readonly<Record<string, T>>, absent: string): T {
    const value = this.get(name) ?? absent;
    if (typeof value !== "string" || !Object.hasOwn(known, value))
      this.fail(
        name,
        `to be ${Object.keys(known)
          .map((s) => JSON.stringify(s))
          .join(" or ")}`,
      );
    return known[value as string] as T;
  }

  /** Settings of an object inside; null where there is none. */
  inner(name: string): Settings | null {
    const value = this.get(name);
    return value === undefined ? null : new Settings(value, `${this.path}${name}.`);
  }

  fail(name: string, expected: string): never {
    throw new Error(
      `config.json: expected ${this.path}${name} ${expected}, got ${JSON.stringify(this.values[name])}`,
    );
  }
}
