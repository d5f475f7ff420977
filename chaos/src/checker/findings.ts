export interface Violation {
  readonly code: string;
  readonly what: string;
}

/** What is wrong, as codes that tell which promise was broken. */
export class Findings {
  readonly violations: Violation[] = [];
  /** Later than promised, and no later than whoever judges is ready to wait. */
  readonly slow: Violation[] = [];

  add(code: string, what: string): void {
    this.violations.push({ code, what });
  }

  expect(holds: boolean, code: string, what: string): void {
    if (!holds) this.add(code, what);
  }

  withinTime(ms: number, limitMs: number, patience: number, finding: Violation): void {
    if (ms > limitMs) (ms > limitMs * patience ? this.violations : this.slow).push(finding);
  }
}
