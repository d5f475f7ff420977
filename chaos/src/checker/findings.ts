export interface Violation {
  readonly code: string;
  readonly what: string;
}

/** What is wrong, as codes that tell which promise was broken. */
export class Findings {
  readonly violations: Violation[] = [];

  add(code: string, what: string): void {
    this.violations.push({ code, what });
  }

  expect(holds: boolean, code: string, what: string): void {
    if (!holds) this.add(code, what);
  }
}
