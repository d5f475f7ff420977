import { Transform } from 'node:stream';
import { BodyTooLarge, LIMITS } from '@jinqiao/platform';

// Boundaries and part headers around a file of the largest size.
const FORM_OVERHEAD = 65_536;

/** The most bytes a body of this content type may have. Which JSON body is a batch only its service can tell: it refuses the rest. */
export const limitOf = (contentType: string | undefined): number =>
  contentType?.startsWith('multipart/form-data') ? LIMITS.file + FORM_OVERHEAD : LIMITS.batch;

/** Passes a body of unknown length on, and breaks off where it is too large. */
export function limited(most: number): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > most) done(new BodyTooLarge());
      else done(null, chunk);
    },
  });
}
