/** Names under which the page may be asked for: the published port on this machine, and the stack's network. */
const loopback = /^(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?$/;
const inNetwork = "gui:8080";

/** Whether a Host header is a name of this machine: what a browser on it asks for, and a container of the stack does not. */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && loopback.test(host.toLowerCase());
}

/**
 * Whether a request's Host header names this service. A page of another site that lets its own name point to
 * 127.0.0.1 (DNS rebinding) comes with that name and is refused.
 */
export function isAllowedHost(host: string | undefined): boolean {
  if (host === undefined) return false;
  const name = host.toLowerCase();
  return name === inNetwork || isLoopbackHost(name);
}
