/** A name is part of index keys, and NFKC can make one sign eighteen. */
const KEY_CHARACTERS_MAX = 200;

/**
 * What makes two printed names the same name: NFKC, folded, without any space. The directory's names are unique by it, and who is told of
 * a result and under which platform statistics count it both hang on it, so there is one of it.
 */
export function nameKey(printed: string): string {
  const folded = printed.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC').replace(/\s+/gu, '');
  return [...folded].slice(0, KEY_CHARACTERS_MAX).join('');
}
