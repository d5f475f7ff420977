import { Transform } from 'node:stream';
import { BodyTooLarge, FileTooLarge, LIMITS } from '@jinqiao/platform';

// Boundaries and part headers around a file of the largest size.
const FORM_OVERHEAD = 65_536;

export interface BodyLimit {
  readonly bytes: number;
  /** What a larger body is refused as. */
  readonly refusal: () => Error;
}

const FORM: BodyLimit = { bytes: LIMITS.file + FORM_OVERHEAD, refusal: () => new FileTooLarge() };
const JSON_BODY: BodyLimit = { bytes: LIMITS.batch, refusal: () => new BodyTooLarge() };

/** How large a body of this content type may be. Which JSON body is a batch only its service can tell: it refuses the rest. */
export const limitOf = (contentType: string | undefined): BodyLimit => (contentType?.startsWith('multipart/form-data') ? FORM : JSON_BODY);

/** Passes a body of unknown length on, and breaks off where it is too large. */
export function limited({ bytes, refusal }: BodyLimit): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > bytes) done(refusal());
      else done(null, chunk);
    },
  });
}
