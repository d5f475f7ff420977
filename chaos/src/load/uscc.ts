const CHARACTERS = '0123456789ABCDEFGHJKLMNPQRTUWXY';

/** The n-th of our unified social credit codes (GB 32100-2015) with right check digits, in the unassigned division 120199. */
export function uscc(n: number): string {
  const eight = `MA9${String(n).padStart(5, '0')}`;
  const before = `92120199${eight}${organisationCheck(eight)}`;
  const sum = [...before].reduce((total, character, index) => total + CHARACTERS.indexOf(character) * (3 ** index % 31), 0);
  return before + CHARACTERS.charAt((31 - (sum % 31)) % 31);
}

/** GB 11714. */
function organisationCheck(eight: string): string {
  const weights = [3, 7, 9, 10, 5, 8, 4, 2];
  const sum = [...eight].reduce((total, character, index) => total + parseInt(character, 36) * (weights[index] ?? 0), 0);
  const check = 11 - (sum % 11);
  return check === 11 ? '0' : check === 10 ? 'X' : String(check);
}
