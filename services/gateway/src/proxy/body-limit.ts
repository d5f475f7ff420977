import { Transform } from 'node:stream';
import { BodyTooLarge, FileTooLarge, LIMITS } from '@jinqiao/platform';

// Boundaries and part headers around a file of the largest size.
const FORM_OVERHEAD = 65_536;

export interface BodyLimit {
  readonly bytes: number;
  /** What a larger body is refused as. */
  readonly refusal: () => Error;
}

const formOf = (most: number): BodyLimit => ({ bytes: most + FORM_OVERHEAD, refusal: () => new FileTooLarge(most) });
const FORM = formOf(LIMITS.file);
const EVIDENCE = formOf(LIMITS.evidence);
const JSON_BODY: BodyLimit = { bytes: LIMITS.batch, refusal: () => new BodyTooLarge() };

/** Where films of a sampling are handed in. */
const EVIDENCE_ROUTE = /^\/api\/inspection\/sampling-sheets\/[^/]+\/[^/]+\/evidence(\?|$)/;

/** How large the body of a request may be. Which JSON body is a batch only its service can tell: it refuses the rest. */
export function limitOf({ url, contentType }: { readonly url: string; readonly contentType: string | undefined }): BodyLimit {
  if (!contentType?.startsWith('multipart/form-data')) return JSON_BODY;
  return EVIDENCE_ROUTE.test(url) ? EVIDENCE : FORM;
}

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
