/** For a loop that rests between its rounds and can be woken. A ring that comes before the rest is not lost. */
export class Bell {
  private pending = false;
  private wakeUp: () => void = () => undefined;

  ring(): void {
    this.pending = true;
    this.wakeUp();
  }

  /** Resolves after `ms`, or with the first ring since the last rest. */
  async rest(ms: number): Promise<void> {
    if (!this.pending) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.wakeUp = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.pending = false;
  }
}
