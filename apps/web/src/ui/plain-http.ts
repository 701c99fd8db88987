/**
 * An address over which browsers offer neither WebGPU nor shared memory, and so no threads: http from another machine
 * (W3C Secure Contexts, §3.1: what comes from the machine itself is trusted as https is).
 */
export function isPlainHttp(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  if (protocol !== "http:") return false;
  return !/^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}
