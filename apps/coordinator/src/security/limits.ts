/**
 * How much one sender may ask for. A class-room shares one address, so that what an address may do grows with the
 * places of the run: every place may be taken by devices of one address, each with a page that loads and reloads.
 */
export interface Limits {
  /** Open TCP connections: a browser has up to six of HTTP/1.1, and a WebSocket. */
  readonly connectionsPerAddress: number;
  readonly connections: number;
  /** Open Socket.IO connections, hosts included. */
  readonly socketsPerAddress: number;
  readonly sockets: number;
  readonly newSocketsPerAddressAndMinute: number;
  /** Joins without a known token. */
  readonly newcomersPerAddressAndMinute: number;
  /** Wrong host keys, and wrong room codes, before the address has to wait for the minute to pass. */
  readonly wrongKeysPerAddressAndMinute: number;
  readonly wrongCodesPerAddressAndMinute: number;
  /** Requests over HTTP with a token that nobody has, or none, where one is needed. */
  readonly wrongTokensPerAddressAndMinute: number;
  /** Reports, adapters and descriptions that one participant, or the host, may read. */
  readonly readingsPerHolderAndMinute: number;
  /** A connection that has not joined by then is closed. */
  readonly secondsToJoin: number;
  /** A device that is not ready by then has to join again. */
  readonly secondsToLoad: number;
  /** What one Socket.IO connection may send: sustained, and at once. Beyond it the connection is closed. */
  readonly packetsPerSecond: number;
  readonly packetBurst: number;
  readonly bytesPerSecond: number;
  readonly byteBurst: number;
  /** Requests that are answered by a message of their own; beyond it they are refused with `rate-limited`. */
  readonly eventsPerSecond: number;
  readonly eventBurst: number;
}

/** @param places devices that may take part at once */
export const limitsFor = (places: number): Limits => ({
  connectionsPerAddress: 8 * places + 64,
  connections: 16 * places + 512,
  socketsPerAddress: 2 * places + 64,
  sockets: 4 * places + 256,
  newSocketsPerAddressAndMinute: 10 * places + 100,
  newcomersPerAddressAndMinute: 4 * places + 100,
  wrongKeysPerAddressAndMinute: 10,
  wrongCodesPerAddressAndMinute: 60,
  wrongTokensPerAddressAndMinute: 4 * places + 100,
  readingsPerHolderAndMinute: 60,
  secondsToJoin: 30,
  secondsToLoad: 1800,
  packetsPerSecond: 1000,
  // Above the burst of events: who floods hears `rate-limited` before the connection is closed.
  packetBurst: 600,
  bytesPerSecond: 32 * 2 ** 20,
  byteBurst: 64 * 2 ** 20,
  eventsPerSecond: 100,
  eventBurst: 300,
});
