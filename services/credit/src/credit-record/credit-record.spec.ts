import type { SamplingResultPublished } from '@jinqiao/contracts';
import {
  type CreditRecordState,
  followClock,
  followSource,
  publicStateOf,
  type RecordChange,
  recordNoOf,
  sourceOf,
} from './credit-record.js';

const SELLER = '92120199MA9XXX02XM';
const PRODUCER = '91120199MA9XXX0111';
const PILOT_CODE = '91350203M0001QAY9B';
const TODAY = '2026-11-23';

const result = (named: Partial<SamplingResultPublished> = {}): SamplingResultPublished => ({
  reporterId: 'tj-amr',
  sampleNo: 'S-1',
  revision: 1,
  reportedRevision: 1,
  regime: 'FOOD',
  finality: 'FINAL',
  verdict: 'UNQUALIFIED',
  product: { name: '单晶冰糖' },
  failingItems: [{ item: '蔗糖分' }],
  sampledParty: { name: '示例商店', uscc: SELLER },
  notice: { no: '2026-1', publishedOn: '2026-11-01' },
  acceptedAt: '2026-11-02T00:00:00Z',
  publishedAt: '2026-11-02T00:00:00Z',
  ...named,
});
const bothParties = (authorship?: 'UNDISPUTED' | 'DENIED_UNVERIFIED' | 'DENIED_CONFIRMED'): Partial<SamplingResultPublished> => ({
  nominalProducer: { name: '示例生产企业', uscc: PRODUCER, ...(authorship && { authorship }) },
});

/** Given what was followed before, when this revision comes, these are the changes. */
function when(
  known: readonly CreditRecordState[],
  named: Partial<SamplingResultPublished> | 'WITHDRAWN',
  revision = 1,
  today = TODAY,
): RecordChange[] {
  return followSource(known, sourceOf('tj-amr:S-1', revision, named === 'WITHDRAWN' ? null : result({ revision, ...named })), today);
}
const given = (named: Partial<SamplingResultPublished> = {}, today = TODAY): CreditRecordState[] =>
  when([], named, 1, today).map((change) => change.record);
const told = (changes: readonly RecordChange[]): string[] =>
  changes.map(({ record, announced }) => `${record.uscc} r${record.revision} ${record.standing} ${announced ?? '-'}`);

describe('a source that is read again after a restore', () => {
  it('changes nothing in a record that has followed it further', () => {
    const corrected = when(given(), { verdict: 'QUALIFIED' }, 3).map((change) => change.record);
    expect(told(when(corrected, {}, 2))).toEqual(corrected.map(({ uscc }) => `${uscc} r2 CORRECTED -`));
  });

  it('makes the records that are not known, and says no more of one that has followed this very revision', () => {
    const [kept, lost] = when([], bothParties(), 2);
    if (!kept || !lost) throw new Error('two records were expected');
    const again = told(when([kept.record], bothParties(), 2));
    expect(again).toEqual([`${kept.record.uscc} r1 PUBLIC -`, `${lost.record.uscc} r1 PUBLIC PUBLISHED`]);
  });
});

describe('whom a result is held against', () => {
  it('makes a record of the sampled party and one of the named producer', () => {
    expect(told(when([], bothParties())).sort()).toEqual([`${PRODUCER} r1 PUBLIC PUBLISHED`, `${SELLER} r1 PUBLIC PUBLISHED`]);
  });

  it('makes one record of a party that is both', () => {
    expect(told(when([], { nominalProducer: { name: '示例商店', uscc: ` ${SELLER.toLowerCase()} ` } }))).toEqual([
      `${SELLER} r1 PUBLIC PUBLISHED`,
    ]);
  });

  it.each(['QUALIFIED', 'UNDETERMINED', 'NOT_TESTED'] as const)('makes none of a result that is %s', (verdict) => {
    expect(when([], { verdict })).toEqual([]);
  });

  it('makes none of a result that is not final', () => {
    expect(when([], { finality: 'PROVISIONAL' })).toEqual([]);
  });

  it.each([undefined, '91110108551385082F', '12345', PILOT_CODE])('makes none where the code is %s', (uscc) => {
    expect(when([], { sampledParty: { name: '示例商店', ...(uscc && { uscc }) } })).toEqual([]);
  });

  it('makes none of a withdrawal that comes first', () => {
    expect(when([], 'WITHDRAWN')).toEqual([]);
  });

  it('gives a record the same number whenever it is derived, and another to another party', () => {
    const [record] = given();
    expect(record?.recordNo).toBe(recordNoOf('SAMPLING_RESULT', 'tj-amr:S-1', SELLER));
    // Computed with another implementation of UUID v5: the number must never change.
    expect(recordNoOf('SAMPLING_RESULT', 'tj-amr:S-1', SELLER)).toBe('4dcd0b8e-e631-5c4b-b94d-a26fb97bef70');
    expect(recordNoOf('SAMPLING_RESULT', 'tj-amr:S-1', PRODUCER)).not.toBe(recordNoOf('SAMPLING_RESULT', 'tj-amr:S-1', SELLER));
    expect(recordNoOf('SAMPLING_RESULT', 'tj-amr:S-2', SELLER)).not.toBe(recordNoOf('SAMPLING_RESULT', 'tj-amr:S-1', SELLER));
  });
});

describe('what a record says of its result', () => {
  const digestOf = (named: Partial<SamplingResultPublished>) => when([], named)[0]?.record.digest;

  it('is the notice, the product with what failed, and who organised the sampling', () => {
    expect(digestOf({ organiser: { id: 'tj-amr', name: '天津市市场监督管理委员会' } })).toEqual({
      documentNo: '2026-1',
      matter: '单晶冰糖：蔗糖分',
      decision: '抽检不合格',
      authority: '天津市市场监督管理委员会',
    });
  });

  it('is nothing as long as there is no notice', () => {
    expect(digestOf({ notice: undefined })).toBeNull();
  });

  it('is cut where the contract ends, and no character is cut', () => {
    const matter = digestOf({ product: { name: '糖' }, failingItems: [{ item: '𠮷'.repeat(250) }] })?.matter ?? '';
    expect(matter).toBe(`糖：${'𠮷'.repeat(249)}`);
    expect(matter.isWellFormed()).toBe(true);
  });

  it('is told once of a record that was public before it was said', () => {
    const older = given().map((record) => ({ ...record, digest: null }));
    const [change] = when(older, {}, 2);
    expect(told(change ? [change] : [])).toEqual([`${SELLER} r2 PUBLIC PUBLISHED`]);
    expect(told(when(change ? [change.record] : [], {}, 3))).toEqual([`${SELLER} r2 PUBLIC -`]);
  });
});

describe('how long a record is public', () => {
  it('is three years from the date of the document, with the rule it rests on', () => {
    const [change] = when([], {});
    expect(change && publicStateOf(change)).toMatchObject({
      documentDate: '2026-11-01',
      publicFrom: '2026-11-01',
      publicUntil: '2029-11-01',
      legalBasis: [{ ruleVersion: 'CREDIT_PUBLICATION_SAMPLING_RESULT@2015-01-01' }],
    });
  });

  it.each([
    ['2024', '2024-01-01', '2027-01-01'],
    ['2024-09', '2024-09-01', '2027-09-01'],
    ['2024-02-29', '2024-02-29', '2027-02-28'],
  ])('counts %s from %s until %s', (publishedOn, publicFrom, publicUntil) => {
    expect(given({ notice: { no: '1', publishedOn } })).toMatchObject([
      { documentDate: publishedOn, publicFrom, publicUntil, standing: 'PUBLIC' },
    ]);
  });

  it('keeps, but does not publish, a record without a date', () => {
    expect(told(when([], { notice: { no: '1' } }))).toEqual([`${SELLER} r0 NO_DOCUMENT_DATE -`]);
  });

  it('keeps, but does not publish, a record whose period is over, and publishes on the last day', () => {
    expect(told(when([], { notice: { no: '1', publishedOn: '2023-11-22' } }))).toEqual([`${SELLER} r0 PERIOD_OVER -`]);
    expect(told(when([], { notice: { no: '1', publishedOn: '2023-11-23' } }))).toEqual([`${SELLER} r1 PUBLIC PUBLISHED`]);
  });

  it('waits for the day of a notice that is dated ahead', () => {
    const [record] = given({ notice: { no: '1', publishedOn: '2026-12-01' } });
    expect(record).toMatchObject({ revision: 0, standing: 'NOT_YET' });
    expect(record && told([followClock(record, '2026-11-30')])).toEqual([`${SELLER} r0 NOT_YET -`]);
    expect(record && told([followClock(record, '2026-12-01')])).toEqual([`${SELLER} r1 PUBLIC PUBLISHED`]);
  });

  it('ends by the clock on the day after the last one', () => {
    const [record] = given();
    expect(record && told([followClock(record, '2029-11-01')])).toEqual([`${SELLER} r1 PUBLIC -`]);
    const expired = record && followClock(record, '2029-11-02');
    expect(expired && publicStateOf(expired)).toMatchObject({ revision: 2, endedReason: 'EXPIRED' });
  });
});

describe('a producer that denies having made the sample', () => {
  it('is not published until that is settled', () => {
    expect(told(when([], bothParties('DENIED_UNVERIFIED'))).sort()).toEqual([`${PRODUCER} r0 HELD -`, `${SELLER} r1 PUBLIC PUBLISHED`]);
  });

  it('is held when it was public, and public again when the denial is dropped', () => {
    const held = when(given(bothParties()), bothParties('DENIED_UNVERIFIED'), 2);
    expect(told(held).sort()).toEqual([`${PRODUCER} r2 HELD ENDED`, `${SELLER} r1 PUBLIC -`]);
    const released = when(
      held.map((change) => change.record),
      bothParties('UNDISPUTED'),
      3,
    );
    expect(told(released).sort()).toEqual([`${PRODUCER} r3 PUBLIC PUBLISHED`, `${SELLER} r1 PUBLIC -`]);
  });

  it('is out of it when the denial is confirmed, whether it was held or public', () => {
    expect(told(when(given(bothParties('DENIED_UNVERIFIED')), bothParties('DENIED_CONFIRMED'), 2)).sort()[0]).toBe(
      `${PRODUCER} r0 CORRECTED -`,
    );
    expect(told(when(given(bothParties()), bothParties('DENIED_CONFIRMED'), 2)).sort()[0]).toBe(`${PRODUCER} r2 CORRECTED ENDED`);
    expect(told(when([], bothParties('DENIED_CONFIRMED')))).toEqual([`${SELLER} r1 PUBLIC PUBLISHED`]);
  });

  it('still answers for the sample when it is also the party it was taken from', () => {
    expect(told(when([], { nominalProducer: { name: '示例商店', uscc: SELLER, authorship: 'DENIED_UNVERIFIED' } }))).toEqual([
      `${SELLER} r1 PUBLIC PUBLISHED`,
    ]);
  });
});

describe('a re-check that was passed', () => {
  const passed = (party: 'SAMPLED_PARTY' | 'NOMINAL_PRODUCER'): Partial<SamplingResultPublished> => ({
    ...bothParties(),
    decisions: [{ kind: 'RECHECK', party, by: 'RECEIVER', on: '2026-11-20', resumes: true }],
  });

  it('is noted on the record of the party that passed it, and of no other', () => {
    const changes = when(given(bothParties()), passed('NOMINAL_PRODUCER'), 2);
    expect(told(changes).sort()).toEqual([`${PRODUCER} r2 PUBLIC ANNOTATED`, `${SELLER} r1 PUBLIC -`]);
    expect(changes.map(publicStateOf).find(({ uscc }) => uscc === PRODUCER)).toMatchObject({ annotations: ['2026-11-20 复查合格'] });
  });

  it('stays with a record that comes to be public later', () => {
    const [held] = when([], { ...passed('SAMPLED_PARTY'), nominalProducer: undefined, notice: undefined });
    expect(held).toMatchObject({ announced: null, record: { annotations: ['2026-11-20 复查合格'] } });
  });
});

describe('a later revision of the result', () => {
  it('changes nothing the public sees when only its number is new', () => {
    const [change] = when(given(), {}, 2);
    expect(change).toMatchObject({ announced: null, record: { revision: 1, sourceRevision: 2 } });
  });

  it('corrects the record when the verdict turns to qualified', () => {
    const [change] = when(given(), { verdict: 'QUALIFIED' }, 2);
    expect(change && publicStateOf(change)).toMatchObject({ revision: 2, endedReason: 'CORRECTED', source: { sourceRevision: 2 } });
  });

  it('ends the record of one party and makes that of the other', () => {
    expect(told(when(given(), { sampledParty: { name: '另一商店', uscc: PRODUCER } }, 2))).toEqual([
      `${SELLER} r2 CORRECTED ENDED`,
      `${PRODUCER} r1 PUBLIC PUBLISHED`,
    ]);
  });

  it('moves the period with the date', () => {
    const [change] = when(given(), { notice: { no: '1', publishedOn: '2026-10-01' } }, 2);
    expect(change).toMatchObject({ announced: 'PUBLISHED', record: { revision: 2, publicUntil: '2029-10-01' } });
  });

  it('takes from the public what a corrected date no longer lets it read', () => {
    const [change] = when(given(), { notice: { no: '1', publishedOn: '2020' } }, 2);
    expect(change).toMatchObject({ announced: 'ENDED', record: { revision: 2, standing: 'PERIOD_OVER' } });
    expect(change && publicStateOf(change).endedReason).toBe('CORRECTED');
  });

  it('revokes the record when the result is withdrawn, and reopens it when the result comes back', () => {
    const revoked = when(given(), 'WITHDRAWN', 2);
    expect(told(revoked)).toEqual([`${SELLER} r2 REVOKED ENDED`]);
    expect(
      told(
        when(
          revoked.map((change) => change.record),
          {},
          3,
        ),
      ),
    ).toEqual([`${SELLER} r3 PUBLIC PUBLISHED`]);
  });

  it('reopens what was corrected', () => {
    const corrected = when(given(), { verdict: 'QUALIFIED' }, 2).map((change) => change.record);
    expect(told(when(corrected, {}, 3))).toEqual([`${SELLER} r3 PUBLIC PUBLISHED`]);
  });

  it('ends a record that was never public in silence, with its reason', () => {
    expect(told(when(given({ notice: { no: '1' } }), 'WITHDRAWN', 2))).toEqual([`${SELLER} r0 REVOKED -`]);
  });

  it('keeps the first reason of a record that had already ended', () => {
    const corrected = when(given(), { verdict: 'QUALIFIED' }, 2).map((change) => change.record);
    expect(told(when(corrected, 'WITHDRAWN', 3))).toEqual([`${SELLER} r2 CORRECTED -`]);
  });

  it('that comes after the last day leaves the record expired, also before the clock has noticed', () => {
    const over = given().map((record): CreditRecordState => ({ ...record, publicUntil: '2026-11-22' }));
    const later = [
      when(over, { notice: { no: '1', publishedOn: TODAY } }, 2),
      when(over, { verdict: 'QUALIFIED' }, 2),
      when(over, 'WITHDRAWN', 2),
    ];
    for (const changes of later) {
      expect(told(changes)).toEqual([`${SELLER} r2 EXPIRED ENDED`]);
      expect(changes).toMatchObject([{ record: { sourceRevision: 2 } }]);
    }
    const lastDay = given().map((record): CreditRecordState => ({ ...record, publicUntil: TODAY }));
    expect(told(when(lastDay, 'WITHDRAWN', 2))).toEqual([`${SELLER} r2 REVOKED ENDED`]);
  });

  it.each(['EXPIRED', 'REPAIRED'] as const)('never reopens what is %s', (standing) => {
    const over = given().map((record): CreditRecordState => ({ ...record, revision: 2, standing }));
    expect(told(when(over, { notice: { no: '1', publishedOn: TODAY } }, 2))).toEqual([`${SELLER} r2 ${standing} -`]);
    expect(told(when(over, 'WITHDRAWN', 2))).toEqual([`${SELLER} r2 ${standing} -`]);
  });
});
