const addresses: ReadonlySet<string> = new Set(["127.0.0.1", "::1", "::ffff:127.0.0.1"]);

/** Whether a request comes from inside the container: whoever runs a program there may do what nobody in the network may. */
export function isLoopback(address: string): boolean {
  return addresses.has(address);
}
