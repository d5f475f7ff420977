import { type CreditRecordState, followSource, repair, type RecordChange, UNSAID } from '../credit-record/credit-record.js';
import { readReport } from '../reported-record/reported-record.js';
import { readDecision, repairConditions } from './repair.js';

const ENTITY = '91120199MA9XXX0111';
const TODAY = '2026-11-26';
const REPAIRED = { because: '信用中国', on: '2026-11-25' };

const decision = (named: object = {}): object => ({
  decisionNo: '信修〔2026〕1号',
  uscc: ENTITY,
  documentNo: '津市监罚〔2026〕1号',
  decidedOn: '2026-11-25',
  decidedBy: '信用中国',
  ...named,
});
const record = (named: Partial<CreditRecordState> = {}): CreditRecordState => ({
  ...UNSAID,
  recordNo: '00000000-0000-5000-8000-000000000001',
  revision: 1,
  uscc: ENTITY,
  type: 'PENALTY',
  class: 'GENERAL',
  departmentId: 'tj-amr',
  subject: 'tj-amr:P-1',
  sourceRevision: 1,
  legalBasis: [],
  documentDate: '2026-08-26',
  publicFrom: '2026-09-01',
  publicUntil: '2027-08-26',
  standing: 'PUBLIC',
  endedBecause: null,
  repairedOn: null,
  ...named,
});
const other = (named: Partial<CreditRecordState>): CreditRecordState =>
  record({ recordNo: '00000000-0000-5000-8000-000000000002', ...named });
const outcomes = (of: CreditRecordState, others: readonly CreditRecordState[] = [], today = TODAY): Record<string, string> =>
  Object.fromEntries(repairConditions(of, [of, ...others], today).map(({ condition, outcome }) => [condition, outcome]));

describe('a decision on a repair', () => {
  it('is read with its code as the register writes it', () => {
    const read = readDecision(decision({ uscc: ` ${ENTITY.toLowerCase()} `, colour: 'red' }), TODAY);
    expect(read).toMatchObject({ ok: true, decision: { uscc: ENTITY, reason: null }, unknownFields: ['/colour'] });
  });

  it.each<[string, object, string]>([
    ['without a number', { decisionNo: undefined }, 'FIELD_MISSING /decisionNo'],
    ['of no document', { documentNo: '' }, 'FIELD_MISSING /documentNo'],
    ['about a code that is none', { uscc: '123' }, 'USCC_MALFORMED /uscc'],
    ['about a wrong check digit', { uscc: '91110108551385082F' }, 'USCC_CHECK_FAILED /uscc'],
    ['of tomorrow', { decidedOn: '2026-11-27' }, 'DATED_IN_FUTURE /decidedOn'],
  ])('is refused %s', (_what, named, expected) => {
    const read = readDecision(decision(named), TODAY);
    expect(read.ok ? [] : read.findings.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([expected]);
  });
});

describe('a record that is repaired', () => {
  it.each(['PUBLIC', 'NOT_YET', 'HELD', 'NOT_PUBLIC'] as const)('ends for good when it was %s', (standing) => {
    const { record: repaired, announced } = repair(record({ standing }), REPAIRED);
    expect(repaired).toMatchObject({ standing: 'REPAIRED', endedBecause: '信用中国', repairedOn: '2026-11-25' });
    expect(announced).toBe(standing === 'PUBLIC' ? 'ENDED' : null);
  });

  it.each(['EXPIRED', 'REVOKED', 'CORRECTED', 'REPAIRED'] as const)('stays %s when it had ended so', (standing) => {
    const before = record({ standing });
    expect(repair(before, REPAIRED)).toEqual({ record: before, announced: null });
  });

  it('is never public again, whatever its department sends', () => {
    const report = (revision: number, itsClass: 'GENERAL' | 'SERIOUS') => {
      const digest = { documentNo: 'P-1', matter: '销售不合格产品', authority: '天津市市场监督管理委员会' };
      const read = readReport(
        { recordNo: 'P-1', revision, uscc: ENTITY, type: 'PENALTY', class: itsClass, documentDate: '2026-11-20', digest },
        { departmentId: 'tj-amr', receivedOn: TODAY },
      );
      if (!read.ok) throw new Error(JSON.stringify(read.findings));
      return read.source;
    };
    const repaired = followSource([], report(1, 'GENERAL'), TODAY).map(({ record: one }) => repair(one, REPAIRED).record);
    const later: RecordChange[] = followSource(repaired, report(2, 'SERIOUS'), TODAY);
    expect(later).toMatchObject([{ announced: null, record: { standing: 'REPAIRED', revision: 2, sourceRevision: 2 } }]);
  });
});

describe('what has to hold before a department repairs its record', () => {
  it.each([
    ['GENERAL', '2026-08-26', '2026-11-25', 'NOT_MET'],
    ['GENERAL', '2026-08-26', '2026-11-26', 'MET'],
    ['SERIOUS', '2025-11-27', '2026-11-26', 'NOT_MET'],
    ['SERIOUS', '2025-11-26', '2026-11-26', 'MET'],
    ['MINOR', '2026-11-26', '2026-11-26', 'MET'],
  ] as const)('is its least period: %s of %s, asked on %s, is %s', (itsClass, documentDate, today, expected) => {
    expect(outcomes(record({ class: itsClass, documentDate }), [], today)['LEAST_PERIOD']).toBe(expected);
  });

  it('is a year on the list of serious dishonesty, and says by which row', () => {
    const listed = record({ type: 'SERIOUS_DISHONESTY', class: null, documentDate: '2026-01-05' });
    const [period] = repairConditions(listed, [], TODAY);
    expect(period).toMatchObject({ outcome: 'NOT_MET', because: 'may be repaired from 2027-01-05, counted from 2026-01-05' });
    expect(period?.legalBasis?.ruleVersion).toMatch(/^SERIOUS_LIST_APPLICATION/);
  });

  it('is that nothing of the kind happened again', () => {
    expect(outcomes(record(), [other({ documentDate: '2026-10-01' })])['NO_REPEAT']).toBe('NOT_MET');
    expect(outcomes(record(), [other({ documentDate: '2026-08-01' })])['NO_REPEAT']).toBe('MET');
    expect(outcomes(record(), [other({ documentDate: '2026-10-01', type: 'RECALL', class: null })])['NO_REPEAT']).toBe('MET');
    expect(outcomes(record(), [other({ documentDate: '2026-10-01', standing: 'REVOKED' })])['NO_REPEAT']).toBe('MET');
  });

  it.each(['NOT_PUBLIC', 'NOT_YET', 'EXPIRED', 'REPAIRED', 'PERIOD_OVER'] as const)(
    'is so also where what happened again is not public: %s',
    (standing) => {
      expect(outcomes(record(), [other({ documentDate: '2026-10-01', standing })])['NO_REPEAT']).toBe('NOT_MET');
      expect(outcomes(record(), [other({ documentDate: '2026-08-01', standing })])['NO_REPEAT']).toBe('MET');
    },
  );

  it('does not name to a department what another one decided and nobody may read', () => {
    const because = (...others: CreditRecordState[]): string | undefined =>
      repairConditions(record(), others, TODAY).find(({ condition }) => condition === 'NO_REPEAT')?.because;
    const [own, others] = [
      other({ documentDate: '2026-10-01', standing: 'NOT_PUBLIC' }),
      other({
        recordNo: '00000000-0000-5000-8000-000000000003',
        departmentId: 'tj-dc',
        documentDate: '2026-10-02',
        standing: 'NOT_PUBLIC',
      }),
    ];
    expect(because(own, others)).toBe(`later: ${own.recordNo}, 1 not public`);
    expect(because({ ...others, standing: 'PUBLIC' })).toBe(`later: ${others.recordNo}`);
  });

  it('is a public commitment made since', () => {
    const made = (documentDate: string, kind: 'CREDIT_REPAIR' | 'VOLUNTARY') =>
      other({ type: 'COMMITMENT', class: null, documentDate, commitment: { kind, madeTo: '信用中国' } });
    expect(outcomes(record())['PUBLIC_COMMITMENT']).toBe('NOT_MET');
    expect(outcomes(record(), [made('2026-08-25', 'CREDIT_REPAIR')])['PUBLIC_COMMITMENT']).toBe('NOT_MET');
    expect(outcomes(record(), [made('2026-10-01', 'VOLUNTARY')])['PUBLIC_COMMITMENT']).toBe('NOT_MET');
    expect(outcomes(record(), [made('2026-10-01', 'CREDIT_REPAIR')])['PUBLIC_COMMITMENT']).toBe('MET');
  });

  it('is, for the rest, for a person to say', () => {
    expect(outcomes(record())).toMatchObject({ DUTIES_PERFORMED: 'FOR_A_PERSON', NOT_EXCLUDED: 'FOR_A_PERSON' });
  });
});
