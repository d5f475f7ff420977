import { type ContestedVersion, contestsOf } from './merchant-view.js';

const at = (day: number): Date => new Date(Date.UTC(2026, 10, day));
const version = (day: number, standing: ContestedVersion['standing'], isContested = false): ContestedVersion => ({
  knownFrom: at(day),
  standing,
  isContested,
});

describe('what became of an objection', () => {
  it('is pending as long as its department says so', () => {
    expect(contestsOf([version(1, 'PUBLIC'), version(2, 'PUBLIC', true), version(3, 'PUBLIC', true)])).toEqual([
      { ground: 'CONTESTED', since: at(2), settledAt: null, standing: null },
    ]);
  });

  it('is that the record stands, when it is contested no more', () => {
    expect(contestsOf([version(1, 'NOT_YET', true), version(2, 'PUBLIC')])).toEqual([
      { ground: 'CONTESTED', since: at(1), settledAt: at(2), standing: 'PUBLIC' },
    ]);
  });

  it.each(['REVOKED', 'CORRECTED', 'REPAIRED', 'EXPIRED'] as const)('is that the record ended %s, whatever its flag says', (standing) => {
    expect(contestsOf([version(1, 'PUBLIC', true), version(2, standing, true)])).toEqual([
      { ground: 'CONTESTED', since: at(1), settledAt: at(2), standing },
    ]);
  });

  it('is held while a producer denies, and after that as it was found', () => {
    const history = [version(1, 'HELD'), version(2, 'PUBLIC'), version(3, 'HELD'), version(4, 'CORRECTED')];
    expect(contestsOf(history)).toEqual([
      { ground: 'AUTHORSHIP_DENIED', since: at(1), settledAt: at(2), standing: 'PUBLIC' },
      { ground: 'AUTHORSHIP_DENIED', since: at(3), settledAt: at(4), standing: 'CORRECTED' },
    ]);
  });

  it('is nothing where nobody objected', () => {
    expect(contestsOf([])).toEqual([]);
    expect(contestsOf([version(1, 'PUBLIC'), version(2, 'EXPIRED')])).toEqual([]);
  });
});
