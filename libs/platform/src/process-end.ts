import { Injectable, Logger } from '@nestjs/common';

/** Ends the process where it cannot go on; the supervisor starts a new one. Tests put their own in its place. */
@Injectable()
export class ProcessEnd {
  because(problem: Error): void {
    new Logger('Process').fatal(problem, 'cannot go on; a new process has to take over');
    // Out of the current stack: the log line gets out first.
    setImmediate(() => process.exit(1));
  }
}
