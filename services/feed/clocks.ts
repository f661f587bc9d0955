/** The two clocks of this machine, both in milliseconds. */
export interface Clocks {
  /** Epoch time; somebody may set it, and it jumps when the machine wakes. */
  wall(): number;
  /** Never jumps and never goes back; only differences mean something. It stands still while the machine sleeps. */
  monotonic(): number;
}

export const systemClocks: Clocks = { wall: () => Date.now(), monotonic: () => performance.now() };
