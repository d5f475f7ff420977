/** Why nothing can be started, in one sentence a person can act on, and the command that mends it. */
export class CannotStart extends Error {
  constructor(reason: string, remedy: string) {
    super(`${reason}: ${remedy}`);
    this.name = 'CannotStart';
  }
}
