/** Wakes one sleeper; a call that comes while nobody sleeps is not lost. */
export class WakeUp {
  private asked = false;
  private rouse: (() => void) | undefined;

  call(): void {
    this.asked = true;
    this.rouse?.();
  }

  /** Returns at the next call, at once when there was one since the last sleep, when the signal aborts, or when the time is up. */
  async sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (!this.asked && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.rouse = () => {
          clearTimeout(timer);
          resolve();
        };
        signal.addEventListener("abort", this.rouse, { once: true });
      });
      if (this.rouse !== undefined) signal.removeEventListener("abort", this.rouse);
      this.rouse = undefined;
    }
    this.asked = false;
  }
}
