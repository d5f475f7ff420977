const CHARACTERS = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/**
 * The n-th unified social credit code with right check digits, of an enterprise in Tianjin. Reckoned here on its own, from GB 11714 and
 * GB 32100-2015, so that a mistake in libs/law does not hide itself.
 */
export function testUscc(n: number): string {
  const organisation = String(10_000_000 + (n % 90_000_000));
  const before = `91120000${organisation}${organisationCheck(organisation)}`;
  const sum = [...before].reduce((total, character, index) => total + CHARACTERS.indexOf(character) * (3 ** index % 31), 0);
  return before + CHARACTERS.charAt((31 - (sum % 31)) % 31);
}

function organisationCheck(eight: string): string {
  const weights = [3, 7, 9, 10, 5, 8, 4, 2];
  const sum = [...eight].reduce((total, character, index) => total + LETTERS.indexOf(character) * (weights[index] ?? 0), 0);
  const check = 11 - (sum % 11);
  return check === 11 ? '0' : check === 10 ? 'X' : String(check);
}
