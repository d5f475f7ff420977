import type { CreditRecordReported, CreditRecordRetracted } from '@jinqiao/contracts';
import { type CreditRecordState, followClock, followSource, publicStateOf, type RecordChange } from '../credit-record/credit-record.js';
import { decide, type HeldReport, type Reading, readReport, readRetraction } from './reported-record.js';

const ENTITY = '91120199MA9XXX0111';
const PILOT_CODE = '91350203M0001QAY9B';
const TODAY = '2026-11-26';

const report = (named: Partial<CreditRecordReported> = {}): CreditRecordReported => ({
  recordNo: '津市监罚〔2026〕1号',
  uscc: ENTITY,
  type: 'PENALTY',
  class: 'GENERAL',
  documentDate: '2026-11-20',
  digest: { documentNo: '津市监罚〔2026〕1号', matter: '销售不合格产品', decision: '罚款', authority: '天津市市场监督管理委员会' },
  ...named,
});
/** A penalty under the law until 2026-03-31 that restricts business or trade. */
const restricted = (until: string | undefined): Partial<CreditRecordReported> =>
  ({ class: 'SERIOUS', documentDate: '2026-03-02', restriction: { until } }) as object;
const retraction = (named: Partial<CreditRecordRetracted> = {}): CreditRecordRetracted => ({
  recordNo: '津市监罚〔2026〕1号',
  revision: 2,
  ground: 'REVOKED',
  reason: '复议撤销',
  ...named,
});
const sender = (receivedOn = TODAY) => ({ departmentId: 'tj-amr', receivedOn });
const read = (named: Partial<CreditRecordReported> = {}, receivedOn = TODAY): Reading => readReport(report(named), sender(receivedOn));
const errors = (reading: Reading): string[] => (reading.ok ? [] : reading.findings.map(({ code, pointer }) => `${code} ${pointer}`));
const warnings = (reading: Reading): string[] => (reading.ok ? reading.warnings.map(({ code }) => code) : errors(reading));

function good(reading: Reading): Reading & { ok: true } {
  if (!reading.ok) throw new Error(errors(reading).join());
  return reading;
}
const follow = (known: readonly CreditRecordState[], reading: Reading, today = TODAY): RecordChange[] =>
  followSource(known, good(reading).source, today);
const told = (changes: readonly RecordChange[]): string[] =>
  changes.map(({ record, announced }) => `${record.type} r${record.revision} ${record.standing} ${announced ?? '-'}`);
const records = (changes: readonly RecordChange[]): CreditRecordState[] => changes.map(({ record }) => record);

describe('what a report must hold', () => {
  it.each<[string, Partial<CreditRecordReported>, string]>([
    ['a code that is none', { uscc: '123' }, 'USCC_MALFORMED /uscc'],
    ['a wrong check digit', { uscc: '91110108551385082F' }, 'USCC_CHECK_FAILED /uscc'],
    ['a pilot code of 2015', { uscc: PILOT_CODE }, 'CHECK_FAILED_LEGACY_CANDIDATE /uscc'],
    ['a type nobody knows', { type: 'DREAM' as 'PENALTY' }, 'NOT_IN_CODE_LIST /type'],
    ['a type that is derived', { type: 'SAMPLING_RESULT' }, 'TYPE_NOT_REPORTED /type'],
    ['another department', { departmentId: 'tj-housing' }, 'NOT_ITS_RECORD /departmentId'],
    ['a document of tomorrow', { documentDate: '2026-11-27' }, 'DATED_IN_FUTURE /documentDate'],
    [
      'a day on which there was no rule',
      { type: 'RECALL', class: undefined, documentDate: '2019-12-31' } as object,
      'NO_RULE /documentDate',
    ],
    ['a penalty without its class', { class: undefined }, 'CLASS_MISSING /class'],
    ['a class for what has none', { type: 'RECALL' }, 'CLASS_UNEXPECTED /class'],
    ['a class of former law', { class: 'WARNING' }, 'CLASS_NOT_IN_FORCE /class'],
    ['a restriction without its end', restricted(undefined), 'FIELD_MISSING /restriction/until'],
    ['a restriction that ends before its document', restricted('2026-03-01'), 'OUT_OF_RANGE /restriction/until'],
    [
      'a restriction by what is no penalty',
      { type: 'RECALL', class: undefined, restriction: { until: '2030-01-01' } } as object,
      'FIELD_UNEXPECTED /restriction',
    ],
    [
      'a period shorter than a long restriction',
      { ...restricted('2031-03-02'), publicUntil: '2029-03-02' },
      'PERIOD_TOO_SHORT /publicUntil',
    ],
    ['a period longer than it', { ...restricted('2031-03-02'), publicUntil: '2031-03-03' }, 'PERIOD_TOO_LONG /publicUntil'],
    ['a period beyond the legal maximum', { publicUntil: '2027-11-21' }, 'PERIOD_TOO_LONG /publicUntil'],
    ['a period below the legal minimum', { publicUntil: '2027-02-19' }, 'PERIOD_TOO_SHORT /publicUntil'],
    ['publication before the document', { publishFrom: '2026-11-19' }, 'PUBLISHED_BEFORE_DOCUMENT /publishFrom'],
    ['publication after its last day', { publishFrom: '2026-12-19' }, 'PUBLICATION_TOO_LATE /publishFrom'],
    [
      'a period for what is never public',
      { class: 'WARNING', documentDate: '2026-03-31', publicUntil: '2026-12-01' },
      'NOT_PUBLIC /publicUntil',
    ],
    ['a division that never was', { digest: { ...report().digest, divisionCode: '999999' } }, 'DIVISION_UNKNOWN /digest/divisionCode'],
    ['what no database keeps', { digest: { ...report().digest, matter: 'a\0b' } }, 'WRONG_FORMAT /digest/matter'],
  ])('is refused with its code: %s', (_what, named, expected) => {
    expect(errors(read(named))).toEqual([expected]);
  });

  it('is told in one answer', () => {
    expect(errors(read({ uscc: '123', documentDate: '2026-11-27', departmentId: 'tj-housing' }))).toEqual([
      'USCC_MALFORMED /uscc',
      'NOT_ITS_RECORD /departmentId',
      'DATED_IN_FUTURE /documentDate',
    ]);
  });

  it('is its code as the register writes it', () => {
    expect(good(read({ uscc: ` ${ENTITY.toLowerCase()} ` })).source.claims).toMatchObject([{ uscc: ENTITY }]);
  });
});

describe('a restriction of more than three years', () => {
  it('is public until its last day by the law until 2026-03-31; by the law since, for three years at most', () => {
    const made = records(follow([], read(restricted('2031-03-02'))));
    expect(made).toMatchObject([{ standing: 'PUBLIC', publicUntil: '2031-03-02' }]);
    const on = (day: string): string[] => told(made.map((record) => followClock(record, day)));
    expect(on('2031-03-02')).toEqual(['PENALTY r1 PUBLIC -']);
    expect(on('2031-03-03')).toEqual(['PENALTY r2 EXPIRED ENDED']);
    const since = follow([], read({ ...restricted('2031-03-02'), documentDate: '2026-04-01' }));
    expect(records(since)).toMatchObject([{ standing: 'PUBLIC', publicUntil: '2029-04-01' }]);
  });

  it('may be said by a correction, and be dropped by one', () => {
    const made = follow([], read(restricted('2028-03-02')));
    expect(records(made)).toMatchObject([{ publicUntil: '2029-11-26' }]);
    const longer = follow(records(made), read({ ...restricted('2031-03-02'), revision: 2 }));
    expect(records(longer)).toMatchObject([{ publicUntil: '2031-03-02' }]);
    const dropped = follow(records(longer), read({ class: 'SERIOUS', documentDate: '2026-03-02', revision: 3 }));
    expect(told(dropped)).toEqual(['PENALTY r3 PUBLIC PUBLISHED']);
    expect(records(dropped)).toMatchObject([{ publicUntil: '2029-11-26' }]);
  });
});

describe('what comes late', () => {
  it('is accepted with a warning: 20 working days have passed', () => {
    expect(warnings(read({ documentDate: '2026-10-29' }))).toEqual([]);
    expect(warnings(read({ documentDate: '2026-10-28' }))).toEqual(['PUBLISHED_LATE']);
  });

  it('is accepted with a warning: another province had 10 working days to push it; 10 more are ours', () => {
    const digest = { ...report().digest, divisionCode: '130100' };
    expect(warnings(read({ documentDate: '2026-11-12', digest }))).toEqual([]);
    expect(warnings(read({ documentDate: '2026-11-11', digest }))).toEqual(['PUSHED_LATE']);
    expect(errors(read({ digest, publishFrom: '2026-12-11' }))).toEqual(['PUBLICATION_TOO_LATE /publishFrom']);
    expect(errors(read({ digest, publishFrom: '2026-12-10' }))).toEqual([]);
  });

  it('is the delay of whoever had it: of the other province until the day of its push, ours after it', () => {
    const digest = { ...report().digest, divisionCode: '130100' };
    expect(warnings(read({ documentDate: '2026-10-29', pushedOn: '2026-11-12', digest }))).toEqual([]);
    expect(warnings(read({ documentDate: '2026-10-28', pushedOn: '2026-11-12', digest }))).toEqual(['PUSHED_LATE']);
    expect(warnings(read({ documentDate: '2026-10-28', pushedOn: '2026-11-11', digest }))).toEqual(['PUBLISHED_LATE']);
    expect(errors(read({ pushedOn: '2026-11-24' }))).toEqual(['NOT_FROM_OUTSIDE /pushedOn']);
    expect(errors(read({ documentDate: '2026-11-11', pushedOn: '2026-11-27', digest }))).toEqual(['DATED_IN_FUTURE /pushedOn']);
    expect(errors(read({ documentDate: '2026-11-12', pushedOn: '2026-11-11', digest }))).toEqual(['OUT_OF_RANGE /pushedOn']);
  });

  it('is taken back with a warning: a revoked decision had 3 working days', () => {
    expect(warnings(readRetraction(retraction({ decidedOn: '2026-11-23' }), sender()))).toEqual([]);
    expect(warnings(readRetraction(retraction({ decidedOn: '2026-11-20' }), sender()))).toEqual(['WITHDRAWN_LATE']);
    expect(errors(readRetraction(retraction({ decidedOn: '2026-11-27' }), sender()))).toEqual(['DATED_IN_FUTURE /decidedOn']);
  });
});

const PROMISED = { kind: 'APPROVAL', madeTo: '天津市市场监督管理委员会', until: '2027-05-31' } as const;
const commitment = (named: Partial<CreditRecordReported['commitment']> = {}): Partial<CreditRecordReported> =>
  ({ type: 'COMMITMENT', class: undefined, documentDate: '2026-06-01', commitment: { ...PROMISED, ...named } }) as object;

describe('a commitment', () => {
  it.each<[string, Partial<CreditRecordReported>, string]>([
    ['of another type', { ...commitment(), type: 'RECALL' }, 'COMMITMENT_UNEXPECTED /commitment'],
    ['of a kind nobody knows', commitment({ kind: 'WISH' as 'APPROVAL' }), 'NOT_IN_CODE_LIST /commitment/kind'],
    ['with a term that is over before it begins', commitment({ until: '2026-05-31' }), 'OUT_OF_RANGE /commitment/until'],
    ['with an outcome of no day', commitment({ outcome: 'KEPT' }), 'FIELD_MISSING /commitment/checkedOn'],
    ['checked without an outcome', commitment({ checkedOn: '2026-11-01' }), 'FIELD_MISSING /commitment/outcome'],
    ['checked before it was made', commitment({ outcome: 'KEPT', checkedOn: '2026-05-31' }), 'OUT_OF_RANGE /commitment/checkedOn'],
    ['checked tomorrow', commitment({ outcome: 'KEPT', checkedOn: '2026-11-27' }), 'DATED_IN_FUTURE /commitment/checkedOn'],
  ])('is refused: %s', (_what, named, expected) => {
    expect(errors(read(named))).toEqual([expected]);
  });

  it('that is broken is a second record, public for a year from the day that was established', () => {
    const made = follow([], read(commitment()));
    expect(told(made)).toEqual(['COMMITMENT r1 PUBLIC PUBLISHED']);
    const broken = follow(records(made), read({ revision: 2, ...commitment({ outcome: 'BROKEN', checkedOn: '2026-11-20' }) }));
    expect(told(broken)).toEqual(['COMMITMENT r2 PUBLIC PUBLISHED', 'COMMITMENT_BROKEN r1 PUBLIC PUBLISHED']);
    expect(broken.map(publicStateOf)).toMatchObject([
      { commitment: { ...PROMISED, outcome: 'BROKEN', checkedOn: '2026-11-20' } },
      { documentDate: '2026-11-20', publicUntil: '2027-11-20', digest: report().digest },
    ]);
    // It was kept after all.
    const kept = follow(records(broken), read({ revision: 3, ...commitment({ outcome: 'KEPT', checkedOn: '2026-11-25' }) }));
    expect(told(kept)).toEqual(['COMMITMENT r3 PUBLIC PUBLISHED', 'COMMITMENT_BROKEN r2 CORRECTED ENDED']);
  });

  it.each(['KEPT', 'PARTLY_KEPT'] as const)('that is %s says so itself', (outcome) => {
    const made = records(follow([], read(commitment())));
    const checked = follow(made, read({ revision: 2, ...commitment({ outcome, checkedOn: '2026-11-20' }) }));
    expect(told(checked)).toEqual(['COMMITMENT r2 PUBLIC PUBLISHED']);
  });
});

describe('what stands beside a record', () => {
  it('is told by events of its own while its facts stay the same', () => {
    const known = records(follow([], read()));
    const contested = follow(known, read({ revision: 2, contested: true }));
    expect(told(contested)).toEqual(['PENALTY r2 PUBLIC CONTESTED']);
    expect(contested.map(publicStateOf)).toMatchObject([{ contested: true }]);
    const noted = follow(records(contested), read({ revision: 3, contested: true, annotations: ['已缴纳罚款'] }));
    expect(told(noted)).toEqual(['PENALTY r3 PUBLIC ANNOTATED']);
    expect(noted.map(publicStateOf)).toMatchObject([{ contested: true, annotations: ['已缴纳罚款'] }]);
    const settled = follow(records(noted), read({ revision: 4, annotations: ['已缴纳罚款'] }));
    expect(told(settled)).toEqual(['PENALTY r4 PUBLIC CONTESTED']);
    expect(settled.map(publicStateOf)[0]).not.toHaveProperty('contested');
  });

  it('goes along when its facts change, and when it is published', () => {
    const changed = follow(records(follow([], read())), read({ revision: 2, class: 'SERIOUS', contested: true }));
    expect(told(changed)).toEqual(['PENALTY r2 PUBLIC PUBLISHED']);
    const waiting = follow([], read({ publishFrom: '2026-12-01', contested: true }));
    expect(told(waiting)).toEqual(['PENALTY r0 NOT_YET -']);
    const [published] = records(waiting).map((record) => followClock(record, '2026-12-01'));
    if (!published) throw new Error('a record was expected');
    expect(published.announced).toBe('PUBLISHED');
    expect(publicStateOf(published)).toMatchObject({ contested: true });
  });
});

describe('revisions of one number', () => {
  const empty: HeldReport = {
    recordNo: '',
    revision: 0,
    hash: '',
    restoredRevision: null,
    repairedUnder: null,
    acceptedAt: '',
    report: null,
    retraction: null,
    warnings: [],
    unknownFields: [],
  };
  const at = new Date('2026-11-26T04:00:00Z');
  function after(...readings: Reading[]): string[] {
    let held = empty;
    return readings.map((reading) => {
      const decision = decide(held, good(reading), at);
      if (decision.outcome === 'accepted') held = decision.held;
      if (decision.outcome === 'rejected') return decision.findings.map(({ code, pointer }) => `${code} ${pointer}`).join();
      return [decision.outcome, ...(decision.outcome === 'accepted' ? decision.held.warnings.map(({ code }) => code) : [])].join(' ');
    });
  }

  it('are applied once each, whatever comes again', () => {
    expect(after(read(), read(), read({ revision: 2 }), read({ revision: 2 }))).toEqual(['accepted', 'duplicate', 'accepted', 'duplicate']);
  });

  it('are a conflict when another content comes under the same one, and stale when they are lower', () => {
    expect(after(read({ revision: 2 }), read({ revision: 2, class: 'SERIOUS' }), read())).toEqual([
      'accepted REVISION_GAP',
      'REVISION_CONFLICT /revision',
      'STALE_REVISION /revision',
    ]);
  });

  it('go on over a retraction, which may come first', () => {
    const back = readRetraction(retraction(), sender());
    expect(after(back, read({ revision: 3 }))).toEqual(['accepted NEVER_REPORTED', 'accepted']);
    expect(after(read(), back, readRetraction(retraction({ revision: 3 }), sender()))).toEqual([
      'accepted',
      'accepted',
      'accepted ALREADY_WITHDRAWN',
    ]);
  });

  it.each<[string, Partial<CreditRecordReported>, string]>([
    ['a penalty of its second class, 3 months', { documentDate: '2026-08-26' }, ''],
    ['the same a day before', { documentDate: '2026-08-27' }, ' REPAIRED_EARLY'],
    ['a penalty of its third class, a year', { class: 'SERIOUS', documentDate: '2025-11-26' }, ''],
    ['the list of serious dishonesty a day before a year', { type: 'SERIOUS_DISHONESTY', documentDate: '2025-11-27' }, ' REPAIRED_EARLY'],
    ['what has no least period', { type: 'ABNORMAL_OPERATION' }, ''],
  ])('end with a warning where it was repaired before the law lets it be: %s', (_what, named, warning) => {
    const reported = read({ ...named, ...(named.type && { class: undefined }) });
    const repaired = (more: Partial<CreditRecordRetracted>) => readRetraction(retraction({ ground: 'REPAIRED', ...more }), sender());
    const last = (...readings: Reading[]) => after(...readings).at(-1);
    expect(last(reported, repaired({}))).toBe(`accepted${warning}`);
    expect(last(reported, repaired({ decidedOn: '2026-11-25' }))).toBe(
      named.type === 'ABNORMAL_OPERATION' ? 'accepted' : 'accepted REPAIRED_EARLY',
    );
    expect(last(reported, readRetraction(retraction(), sender()))).toBe('accepted');
  });

  it.each<[string, Partial<CreditRecordRetracted>, string[]]>([
    ['with proof, of a repair', { ground: 'REPAIRED', dutiesPerformed: { documentNo: '缴款书1', on: '2026-11-20' } }, []],
    [
      'with proof of tomorrow',
      { ground: 'REPAIRED', notExcluded: { documentNo: '审查意见1', on: '2026-11-27' } },
      ['DATED_IN_FUTURE /notExcluded/on'],
    ],
    [
      'with proof, of what is void',
      { ground: 'REVOKED', dutiesPerformed: { documentNo: '1', on: '2026-11-20' } },
      ['FIELD_UNEXPECTED /dutiesPerformed'],
    ],
  ])('are read %s', (_what, named, expected) => {
    expect(errors(readRetraction(retraction(named), sender()))).toEqual(expected);
  });

  it('that were taken over after a restore are duplicates', () => {
    expect(decide({ ...empty, revision: 2, restoredRevision: 2 }, good(read()), at)).toEqual({ outcome: 'duplicate' });
  });
});

describe('the life of a reported record', () => {
  it('is public from the day it came until the last day the law allows', () => {
    const [change] = follow([], read());
    expect(change && publicStateOf(change)).toMatchObject({
      type: 'PENALTY',
      class: 'GENERAL',
      source: { departmentId: 'tj-amr', subject: 'tj-amr:津市监罚〔2026〕1号', sourceRevision: 1 },
      publicFrom: TODAY,
      publicUntil: '2027-11-20',
      digest: { matter: '销售不合格产品' },
      legalBasis: [{ ruleVersion: 'DISHONESTY_PUBLIC_GENERAL_MOST@2026-04-01' }],
    });
  });

  it('waits for the day its department names, and ends by its clock', () => {
    const waiting = follow([], read({ publishFrom: '2026-12-01', publicUntil: '2027-06-30' }));
    expect(told(waiting)).toEqual(['PENALTY r0 NOT_YET -']);
    const begun = records(waiting).map((record) => followClock(record, '2026-12-01'));
    expect(told(begun)).toEqual(['PENALTY r1 PUBLIC PUBLISHED']);
    expect(told(records(begun).map((record) => followClock(record, '2027-06-30')))).toEqual(['PENALTY r1 PUBLIC -']);
    expect(told(records(begun).map((record) => followClock(record, '2027-07-01')))).toEqual(['PENALTY r2 EXPIRED ENDED']);
  });

  it('of former law runs from its publication, and a correction does not begin it again', () => {
    const first = follow([], read({ documentDate: '2026-03-31' }), TODAY);
    expect(first).toMatchObject([{ record: { publicFrom: TODAY, publicUntil: '2029-11-26' } }]);
    const corrected = read(
      { documentDate: '2026-03-31', revision: 2, digest: { ...report().digest, decision: '罚款5万元' } },
      '2027-01-10',
    );
    const [change] = follow(records(first), corrected, '2027-01-10');
    expect(change).toMatchObject({ announced: 'PUBLISHED', record: { revision: 2, publicFrom: TODAY, publicUntil: '2029-11-26' } });
  });

  it('of a list has no last day, and ends by decision for good', () => {
    const listed = follow([], read({ type: 'ABNORMAL_OPERATION', class: undefined } as object));
    expect(listed).toMatchObject([{ record: { standing: 'PUBLIC', publicUntil: null } }]);
    expect(told(records(listed).map((record) => followClock(record, '2046-11-26')))).toEqual(['ABNORMAL_OPERATION r1 PUBLIC -']);
    const left = follow(records(listed), readRetraction(retraction({ ground: 'REPAIRED', reason: '移出' }), sender()));
    expect(left.map(publicStateOf)).toMatchObject([{ revision: 2, endedReason: 'REPAIRED', endedBecause: '移出' }]);
    const again = read({ type: 'ABNORMAL_OPERATION', class: undefined, revision: 3 } as object);
    expect(told(follow(records(left), again))).toEqual(['ABNORMAL_OPERATION r2 REPAIRED -']);
  });

  it('is over for good when it has expired, whatever its department sends', () => {
    const expired = records(follow([], read())).map((record) => followClock(record, '2027-11-21').record);
    expect(told(follow(expired, read({ revision: 2, class: 'SERIOUS' }), '2027-11-22'))).toEqual(['PENALTY r2 EXPIRED -']);
  });

  it('ends REVOKED with its reason, and a higher revision brings it back', () => {
    const back = follow(records(follow([], read())), readRetraction(retraction(), sender()));
    expect(back.map(publicStateOf)).toMatchObject([{ revision: 2, endedReason: 'REVOKED', endedBecause: '复议撤销' }]);
    expect(told(follow(records(back), read({ revision: 3 })))).toEqual(['PENALTY r3 PUBLIC PUBLISHED']);
  });

  it('ends CORRECTED where the entity or the type was wrong, and another record begins', () => {
    const changes = follow(records(follow([], read())), read({ revision: 2, uscc: '92120199MA9XXX02XM' }));
    expect(told(changes)).toEqual(['PENALTY r2 CORRECTED ENDED', 'PENALTY r1 PUBLIC PUBLISHED']);
  });

  it('says nothing of what is not public: a warning of former law, a minor penalty without a last day', () => {
    expect(told(follow([], read({ class: 'WARNING', documentDate: '2026-03-31' })))).toEqual(['PENALTY r0 NOT_PUBLIC -']);
    const minor = follow([], read({ class: 'MINOR' }));
    expect(told(minor)).toEqual(['PENALTY r0 NOT_PUBLIC -']);
    expect(told(follow(records(minor), read({ class: 'MINOR', revision: 2, publicUntil: '2027-02-20' })))).toEqual([
      'PENALTY r1 PUBLIC PUBLISHED',
    ]);
  });

  it('comes too late to be published when its period is over', () => {
    expect(told(follow([], read({ documentDate: '2026-04-02' }, '2027-04-03'), '2027-04-03'))).toEqual(['PENALTY r0 PERIOD_OVER -']);
  });
});
