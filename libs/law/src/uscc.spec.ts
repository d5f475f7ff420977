import { readUscc } from './uscc.js';

const outcome = (text: string): string => readUscc(text).outcome;

describe('unified social credit code', () => {
  it.each([
    '91110108551385082Q',
    '91370000728611939A',
    '52410000663412719U',
    '92141127MA0KD1Y64A',
    '91330100799655058B',
    '914403001922038216',
    '91110000802100433B',
    '91110000710925462X',
    '91110000710926094P',
    '91100000100003962T',
    '911000001000013428',
    '91440300192317458F',
    '911103026605015136',
    '91110108562144110X',
    '911201163409833307',
    '91120118MA0603879K',
    '911200001034137808',
    '91350100M000100Y43',
    '91310230MA1K314J7C',
    '91310230MA1K314K57',
    '91120199MA9XXX0111',
    '92120199MA9XXX02XM',
    '93120199MA9XXX038J',
  ])('accepts the real or synthetic code %s', (code) => {
    expect(readUscc(code)).toEqual({ code, outcome: 'VALID' });
  });

  it.each(['531000005000160090', '92120199MA9XX01690', '92120199MA9XX06360'])('accepts %s, whose last digit is 0', (code) => {
    expect(outcome(code)).toBe('VALID');
  });

  it.each(['12120199MB9XXX04X2', 'N2120199MF9XXX060W'])('accepts the authority of %s, a letter included', (code) => {
    expect(outcome(code)).toBe('VALID');
  });

  it.each(['9144030071526726XG', '9152000071430580XT', '92120199MA9XX002X4'])('accepts %s, whose organisation digit is X', (code) => {
    expect(outcome(code)).toBe('VALID');
  });

  it('refuses a wrong last digit', () => {
    expect(outcome('91110108551385082F')).toBe('CHECK_FAILED');
  });

  it('refuses a code that passes mod 31 but not the mod 11 of its organisation code', () => {
    expect(outcome('123456789012345678')).toBe('CHECK_FAILED');
  });

  it.each(['91350203M0001QAY9B', '91350100M0001TGQXM', '91350211M0000XUF46', '91350203M0001FUE2P'])(
    'leaves the pilot code %s to the register',
    (code) => {
      expect(outcome(code)).toBe('CHECK_FAILED_LEGACY_CANDIDATE');
    },
  );

  it('does not call a pilot code a candidate when its organisation digit is wrong too', () => {
    expect(outcome('91350203M0001QAY8B')).toBe('CHECK_FAILED');
  });

  it('reads full-width, lower-case and padded writing', () => {
    expect(readUscc('　９１１１０１０８５５１３８５０８２ｑ ')).toEqual({ code: '91110108551385082Q', outcome: 'VALID' });
  });

  it.each([
    '',
    '91110108551385082',
    '91110108551385082QQ',
    '9111010855I385082Q',
    '9111010855138508ZQ',
    '9A110108551385082Ｏ',
    '91 110108551385082Q',
    '示例企业',
  ])('calls %j malformed instead of guessing a letter', (text) => {
    expect(outcome(text)).toBe('MALFORMED');
  });

  it.each(['91110108551385082Q', '531000005000160090', '92120199MA9XX002X4'])(
    'sees every wrong character and every swapped neighbour of %s',
    (code) => {
      for (let at = 0; at < 18; at += 1) {
        const [before, sign, after] = [code.slice(0, at), code.charAt(at), code.slice(at + 1)];
        const others = [...'0123456789ABCDEFGHJKLMNPQRTUWXY'].filter((other) => other !== sign).map((other) => before + other + after);
        const swapped = before + after.charAt(0) + sign + after.slice(1);
        const wrong = swapped === code || after === '' ? others : [...others, swapped];
        expect(wrong.filter((text) => outcome(text) === 'VALID')).toEqual([]);
      }
    },
  );
});
