/**
 * The unified social credit code (GB 32100-2015). A code carries two check digits: position 17 closes the organisation code
 * (GB 11714-1997, mod 11), position 18 closes the whole (mod 31). Both are always checked: 123456789012345678 passes the second alone.
 *
 * Three things are deliberately not checked. The division (positions 3-8) is the registering authority's on the day of assignment and may be
 * retired. Authority and class (positions 1-2) are only known to us from secondary sources. And no letter is guessed: I is not read as 1.
 */
export type UsccOutcome = 'VALID' | 'CHECK_FAILED_LEGACY_CANDIDATE' | 'CHECK_FAILED' | 'MALFORMED';

export interface ReadUscc {
  /** Normalised: trimmed, half-width, upper case. Also given when it is no code at all, for the answer to the sender. */
  readonly code: string;
  readonly outcome: UsccOutcome;
}

const ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const SHAPE = /^[1-9A-HJ-NP-RTUW-Y][0-9A-HJ-NP-RTUW-Y]\d{6}[0-9A-HJ-NP-RTUW-Y]{10}$/;
const WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
// The organisation code counts all 26 letters, so J is 19 here and 18 above.
const ORGANISATION_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2];
// Codes of the Fujian pilot of 2015 carry this body; they are legal, and some fail the mod-31 digit. The register settles them.
const PILOT_BODY = 'M000';

/** Reads a printed code. CHECK_FAILED_LEGACY_CANDIDATE is no rejection: a record of an authority that carries one is kept and marked. */
export function readUscc(text: string): ReadUscc {
  const code = normalise(text);
  if (!SHAPE.test(code)) return { code, outcome: 'MALFORMED' };
  if (organisationCheck(code.slice(8, 16)) !== code.charAt(16)) return { code, outcome: 'CHECK_FAILED' };
  if (check(code.slice(0, 17)) === code.charAt(17)) return { code, outcome: 'VALID' };
  return { code, outcome: code.startsWith(PILOT_BODY, 8) ? 'CHECK_FAILED_LEGACY_CANDIDATE' : 'CHECK_FAILED' };
}

function normalise(text: string): string {
  // Full-width forms only; NFKC would also turn unrelated signs into letters.
  const halfWidth = text.replace(/[\uFF01-\uFF5E]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xfee0));
  return halfWidth.trim().toUpperCase();
}

function check(body: string): string {
  const sum = WEIGHTS.reduce((total, weight, position) => total + weight * ALPHABET.indexOf(body.charAt(position)), 0);
  // The outer remainder turns 31 into 0: without it every code that ends in 0 is refused.
  return ALPHABET.charAt((31 - (sum % 31)) % 31);
}

function organisationCheck(body: string): string {
  const sum = ORGANISATION_WEIGHTS.reduce((total, weight, position) => total + weight * Number.parseInt(body.charAt(position), 36), 0);
  const digit = 11 - (sum % 11);
  if (digit === 10) return 'X';
  return digit === 11 ? '0' : String(digit);
}
