/**
 * A signal that is aborted after so many milliseconds, and keeps no process alive. It is for `AbortSignal.any`: an
 * AbortSignal.timeout that nothing else refers to may be collected there as garbage before its time, and then never comes
 * (nodejs/node#57736): a bot once waited for minutes on a connection that a sleep of the computer had cut. A timer of one's
 * own holds on to the signal.
 */
export function deadline(milliseconds: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError")), milliseconds).unref();
  return controller.signal;
}
