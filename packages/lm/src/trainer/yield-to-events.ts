/** Lets the event loop run: cpu and WASM never wait for a device, so sockets and aborts would go unheard.
 *  A message, because a timer would be held to 4 ms. */
export function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
