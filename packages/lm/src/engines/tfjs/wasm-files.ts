/** URL of each of tfjs-backend-wasm's .wasm files by its name, or (in Node) their directory, ending in "/". Apart from what loads
 *  them: whoever names them need not have tfjs installed. */
export type TfjsWasm = string | Readonly<Record<string, string>>;
