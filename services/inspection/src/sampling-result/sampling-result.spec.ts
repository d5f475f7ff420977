import {
  SamplingNoticeWithdrawn,
  SamplingResultNotified,
  SamplingResultPublished,
  SamplingResultWithdrawn,
  type SamplingResultReported,
} from '@jinqiao/contracts';
import type { Announcement, HeldResult } from './held-result.js';
import { EMBARGOED_AGAIN } from './sampling-result.decision.js';
import { decide, type Decision, heldBy, type Reading, readReport, readRetraction } from './sampling-result.js';

const NOW = new Date('2026-11-23T04:00:00.000Z');
const NOTICE = { no: 'TJ-2026-17', publishedOn: '2026-11' };
const VALID = '91120199MA900002XU';
const LEGACY = '91350203M0001QAY9B';

const aReport = (fields: Partial<Record<keyof SamplingResultReported, unknown>> = {}): Record<string, unknown> => ({
  sampleNo: 'S-1',
  regime: 'FOOD',
  finality: 'FINAL',
  verdict: 'UNQUALIFIED',
  product: { name: '巴旦木' },
  failingItems: [{ item: '二氧化硫', measured: '0.12g/kg', limit: '不得使用' }],
  sampledParty: { name: '示例经营部', uscc: VALID },
  ...fields,
});

const codesOf = (reading: Reading): string[] => (reading.ok ? [] : reading.findings.map(({ code, pointer }) => `${code} ${pointer}`));
const codesOn = (fields: Partial<Record<keyof SamplingResultReported, unknown>>): string[] => codesOf(readReport(aReport(fields), NOW));

function given(...steps: [input: Record<string, unknown>, kind?: 'RETRACTION'][]): HeldResult | null {
  return steps.reduce<HeldResult | null>((held, [input, kind]) => {
    const decision = when(held, input, kind);
    if (decision.outcome !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(decision)}`);
    return decision.held;
  }, null);
}

function when(held: HeldResult | null, input: Record<string, unknown>, kind?: 'RETRACTION', now = NOW): Decision {
  const reading = kind ? readRetraction(input) : readReport(input, now);
  if (!reading.ok) throw new Error(`not readable: ${JSON.stringify(reading)}`);
  return decide(held, 'tj-amr', reading, now);
}

const announced = (decision: Decision): string[] =>
  decision.outcome === 'accepted' ? decision.announcements.map(({ type, data }) => `${type.name} ${data.revision}`) : [];
const warned = (decision: Decision): string[] => (decision.outcome === 'accepted' ? decision.held.warnings.map(({ code }) => code) : []);
const refused = (decision: Decision): string[] => (decision.outcome === 'rejected' ? decision.findings.map(({ code }) => code) : []);
const retraction = (revision: number): Record<string, unknown> => ({ sampleNo: 'S-1', revision, reason: '录入错误' });
const next = (revision: number, fields = {}): Record<string, unknown> => aReport({ revision, revisionReason: 'CORRECTED', ...fields });

describe('a report', () => {
  it('is read when it holds what the design asks for, as revision 1 when it names none', () => {
    const reading = readReport(aReport(), NOW);
    expect(reading).toMatchObject({ ok: true, warnings: [], unknownFields: [], submission: { kind: 'REPORT', revision: 1 } });
  });

  it('lists every finding at once: structure, failing item, party, then the others', () => {
    const report = aReport({
      regime: undefined,
      product: { name: '巴旦木', producedOn: '2026-02-30' },
      failingItems: [],
      sampledParty: null,
      notice: NOTICE,
      finality: 'PROVISIONAL',
      revision: 2,
      sampledOn: '2026-11-24',
      laboratory: { name: '检验所', uscc: '91120199MA900002XX' },
    });
    expect(codesOf(readReport(report, NOW))).toEqual([
      'FIELD_MISSING /regime',
      'WRONG_FORMAT /product/producedOn',
      'FAILING_ITEM_MISSING /failingItems',
      'PARTY_MISSING /sampledParty',
      'NOTICE_NOT_FINAL /finality',
      'REVISION_REASON_MISSING /revisionReason',
      'USCC_CHECK_FAILED /laboratory/uscc',
      'SAMPLED_IN_FUTURE /sampledOn',
    ]);
  });

  it('does not blame a field twice: a malformed list of failing items is not also a missing one', () => {
    expect(codesOn({ failingItems: 'none', finality: undefined, notice: NOTICE })).toEqual([
      'FIELD_MISSING /finality',
      'WRONG_TYPE /failingItems',
    ]);
  });

  it('needs a failing item only when it is UNQUALIFIED', () => {
    expect(codesOn({ failingItems: undefined })).toEqual(['FAILING_ITEM_MISSING /failingItems']);
    expect(codesOn({ failingItems: undefined, verdict: 'QUALIFIED' })).toEqual([]);
  });

  it.each([{ sampledParty: { name: '示例经营部' } }, { nominalProducer: { name: '示例生产企业' } }, { online: { shopName: '示例网店' } }])(
    'is content with one party: %j',
    (party) => expect(codesOn({ sampledParty: undefined, ...party })).toEqual([]),
  );

  it('has no party when all that is known is the platform', () => {
    expect(codesOn({ sampledParty: undefined, online: { platformName: '京东' } })).toEqual(['PARTY_MISSING /sampledParty']);
  });

  it('says why nothing was tested', () => {
    expect(codesOn({ verdict: 'NOT_TESTED' })).toEqual(['NOT_TESTED_REASON_MISSING /notTestedReason']);
    expect(codesOn({ verdict: 'NOT_TESTED', notTestedReason: 'TRANSFERRED' })).toEqual([]);
  });

  it('is refused for a USCC with a wrong check digit, each one by its pointer', () => {
    const wrong = { name: '甲', uscc: '91120199MA900002XX' };
    expect(codesOn({ sampledParty: wrong, nominalProducer: { name: '乙', uscc: '123' } })).toEqual([
      'USCC_CHECK_FAILED /sampledParty/uscc',
      'USCC_CHECK_FAILED /nominalProducer/uscc',
    ]);
  });

  it('is accepted and marked for a USCC that may be a pilot code of 2015', () => {
    const reading = readReport(aReport({ sampledParty: { name: '厦门', uscc: LEGACY } }), NOW);
    expect(reading).toMatchObject({ ok: true, warnings: [{ code: 'CHECK_FAILED_LEGACY_CANDIDATE', pointer: '/sampledParty/uscc' }] });
  });

  it('may name a division that is retired, not one that never was', () => {
    expect(codesOn({ sampledParty: { name: '甲', divisionCode: '120107' } })).toEqual([]);
    expect(codesOn({ sampledParty: { name: '甲', divisionCode: '999999' } })).toEqual(['DIVISION_UNKNOWN /sampledParty/divisionCode']);
  });

  it('may have been sampled today in Tianjin, not tomorrow', () => {
    const lateEvening = new Date('2026-11-23T16:30:00.000Z');
    expect(readReport(aReport({ sampledOn: '2026-11-24' }), lateEvening).ok).toBe(true);
    expect(codesOn({ sampledOn: '2026-11-24' })).toEqual(['SAMPLED_IN_FUTURE /sampledOn']);
  });

  it('is refused when it is too large for one event', () => {
    const failingItems = Array.from({ length: 400 }, (_item, n) => ({ item: `${n}`.padEnd(500, '项'), measured: '值'.repeat(500) }));
    expect(codesOn({ failingItems })).toEqual(['RESULT_TOO_LARGE ']);
    expect(codesOn({ failingItems: failingItems.slice(0, 200) })).toEqual([]);
  });

  it('ignores unknown fields and names them', () => {
    expect(readReport({ ...aReport(), colour: 'red' }, NOW)).toMatchObject({ ok: true, unknownFields: ['/colour'] });
  });

  it.each([['a list'], [['a list']], [null], [7]])('is no report: %j', (input) => {
    expect(codesOf(readReport(input, NOW))).toEqual(['WRONG_TYPE ']);
  });
});

describe('the same content', () => {
  const hashOf = (report: Record<string, unknown>): string => {
    const reading = readReport(report, NOW);
    return reading.ok ? reading.submission.hash : '';
  };

  it.each([
    ['the default revision', { revision: 1 }],
    ['the default authorship', { nominalProducer: { name: '乙', authorship: 'UNDISPUTED' } }],
    ['an empty field', { laboratory: null, notTestedReason: '' }],
    ['a USCC in small letters', { sampledParty: { name: '示例经营部', uscc: ` ${VALID.toLowerCase()} ` } }],
    ['the time of reporting', { reportedAt: '2026-11-23T12:00:00+08:00' }],
  ])('is not changed by writing out %s', (_what, fields) => {
    expect(hashOf(aReport({ nominalProducer: { name: '乙' }, ...fields }))).toBe(hashOf(aReport({ nominalProducer: { name: '乙' } })));
  });

  it("is changed by the sampler's order number, which is never announced", () => {
    const bought = aReport({ online: { shopName: '示例网店', orderNo: '77' } });
    expect(hashOf(bought)).not.toBe(hashOf(aReport({ online: { shopName: '示例网店' } })));
    expect(JSON.stringify(when(null, bought))).not.toContain('orderNo');
  });
});

describe('the first report', () => {
  it('under embargo is notified, with no date of publication', () => {
    const decision = when(null, aReport());
    expect(decision).toMatchObject({
      outcome: 'accepted',
      held: { status: 'NOTIFIED', revision: 1 },
      announcements: [{ type: SamplingResultNotified }],
    });
    expect(JSON.stringify(decision)).not.toContain('publishedAt');
  });

  it('with a notice is published', () => {
    expect(when(null, aReport({ notice: NOTICE }))).toMatchObject({
      held: { status: 'PUBLISHED', revision: 1 },
      announcements: [
        {
          type: SamplingResultPublished,
          data: { reporterId: 'tj-amr', revision: 1, reportedRevision: 1, acceptedAt: NOW.toISOString(), publishedAt: NOW.toISOString() },
        },
      ],
    });
  });

  it('may come as revision 3, with the warning that two are missing', () => {
    const decision = when(null, next(3));
    expect(announced(decision)).toEqual(['SamplingResultNotified 1']);
    expect(warned(decision)).toEqual(['REVISION_GAP']);
  });
});

describe('a further revision', () => {
  it('of the same number and content is a duplicate and changes nothing', () => {
    const held = given([aReport()]);
    expect(when(held, aReport())).toEqual({ outcome: 'duplicate', held });
  });

  it('of the same number with other content is a conflict', () => {
    expect(refused(when(given([aReport()]), aReport({ verdict: 'UNDETERMINED' })))).toEqual(['REVISION_CONFLICT']);
  });

  it('of a lower number is stale, even with content that was right then', () => {
    expect(refused(when(given([aReport()], [next(2)]), aReport()))).toEqual(['STALE_REVISION']);
  });

  it('publishes what was under embargo; nothing is withdrawn', () => {
    const decision = when(given([aReport()]), next(2, { notice: NOTICE }));
    expect(announced(decision)).toEqual(['SamplingResultPublished 2']);
    expect(warned(decision)).toEqual([]);
  });

  it('of a published result is published, public since the first', () => {
    const later = new Date('2026-11-24T04:00:00.000Z');
    const decision = when(given([aReport({ notice: NOTICE })]), next(2, { notice: NOTICE, verdict: 'QUALIFIED' }), undefined, later);
    expect(decision).toMatchObject({
      announcements: [{ data: { revision: 2, acceptedAt: later.toISOString(), publishedAt: NOW.toISOString() } }],
    });
  });

  it('without a notice takes the result out of the public and back under embargo, in two revisions', () => {
    const decision = when(given([aReport({ notice: NOTICE })]), next(2));
    expect(decision).toMatchObject({
      held: { status: 'NOTIFIED', revision: 3 },
      announcements: [
        { type: SamplingResultWithdrawn, data: { revision: 2, reportedRevision: 2, reason: EMBARGOED_AGAIN, notice: NOTICE } },
        { type: SamplingResultNotified, data: { revision: 3, reportedRevision: 2 } },
      ],
    });
  });

  it('may skip numbers, with a warning', () => {
    expect(warned(when(given([aReport()]), next(4)))).toEqual(['REVISION_GAP']);
  });
});

describe('a retraction', () => {
  it('withdraws a notice before publication', () => {
    const decision = when(given([aReport()]), retraction(2), 'RETRACTION');
    expect(decision).toMatchObject({
      held: { status: 'WITHDRAWN', revision: 2, reportedRevision: 2 },
      announcements: [
        {
          type: SamplingNoticeWithdrawn,
          data: { revision: 2, reason: '录入错误', withdrawnAt: NOW.toISOString(), verdict: 'UNQUALIFIED' },
        },
      ],
    });
  });

  it('withdraws a published result', () => {
    expect(announced(when(given([aReport({ notice: NOTICE })]), retraction(2), 'RETRACTION'))).toEqual(['SamplingResultWithdrawn 2']);
  });

  it('of a result that is back under embargo stays off the public topic', () => {
    const held = given([aReport({ notice: NOTICE })], [next(2)]);
    expect(announced(when(held, retraction(3), 'RETRACTION'))).toEqual(['SamplingNoticeWithdrawn 4']);
  });

  it('of what never came is kept with a warning, announces nothing and makes lower revisions stale', () => {
    const decision = when(null, retraction(2), 'RETRACTION');
    expect(decision).toMatchObject({ outcome: 'accepted', held: { status: 'WITHDRAWN', revision: 0 }, announcements: [] });
    expect(warned(decision)).toEqual(['NEVER_REPORTED']);
    expect(refused(when(given([retraction(2), 'RETRACTION']), aReport()))).toEqual(['STALE_REVISION']);
  });

  it('can be repeated, and conflicts with a report of the same number', () => {
    const held = given([aReport()], [retraction(2), 'RETRACTION']);
    expect(when(held, retraction(2), 'RETRACTION').outcome).toBe('duplicate');
    expect(refused(when(held, next(2)))).toEqual(['REVISION_CONFLICT']);
  });

  it('of what is already withdrawn announces nothing', () => {
    const held = given([aReport()], [retraction(2), 'RETRACTION']);
    const decision = when(held, retraction(3), 'RETRACTION');
    expect(announced(decision)).toEqual([]);
    expect(warned(decision)).toEqual(['ALREADY_WITHDRAWN']);
  });

  it('is not the end: a higher revision revives the result, public from then on', () => {
    const later = new Date('2026-12-01T04:00:00.000Z');
    const held = given([aReport({ notice: NOTICE })], [retraction(2), 'RETRACTION']);
    const decision = when(held, next(3, { notice: NOTICE }), undefined, later);
    expect(decision).toMatchObject({
      held: { status: 'PUBLISHED', withdrawal: null },
      announcements: [{ type: SamplingResultPublished, data: { revision: 3, publishedAt: later.toISOString() } }],
    });
  });

  it('of what never came can be revived as the first revision of our own series', () => {
    expect(announced(when(given([retraction(2), 'RETRACTION']), next(3)))).toEqual(['SamplingResultNotified 1']);
  });

  it.each([
    ['reason', { sampleNo: 'S-1', revision: 2 }],
    ['revision', { sampleNo: 'S-1', reason: '录入错误' }],
  ])('needs its %s', (field, input) => {
    expect(codesOf(readRetraction(input))).toEqual([`FIELD_MISSING /${field}`]);
  });
});

describe('a result taken over from what was announced of it', () => {
  const restored = (...announcements: readonly Announcement[]): HeldResult => {
    const last = announcements.at(-1);
    if (!last) throw new Error('nothing was announced');
    return heldBy(last);
  };
  const announcementsOf = (decision: Decision): readonly Announcement[] => (decision.outcome === 'accepted' ? decision.announcements : []);

  it('stands where it stood', () => {
    const published = when(given([aReport()]), next(2, { notice: NOTICE }));
    expect(restored(...announcementsOf(published))).toMatchObject({
      status: 'PUBLISHED',
      revision: 2,
      reportedRevision: 2,
      withdrawal: null,
      state: { verdict: 'UNQUALIFIED', notice: NOTICE, publishedAt: NOW.toISOString() },
    });
    const withdrawn = when(given([aReport({ notice: NOTICE })]), retraction(2), 'RETRACTION');
    const held = restored(...announcementsOf(withdrawn));
    expect(held).toMatchObject({ status: 'WITHDRAWN', revision: 2, withdrawal: { reason: '录入错误', withdrawnAt: NOW.toISOString() } });
    expect(held.state).not.toHaveProperty('reason');
  });

  it('takes what its reporter sends again for a duplicate, and goes on with the next revision', () => {
    const held = restored(...announcementsOf(when(given([aReport()]), next(2))));
    expect(when(held, aReport()).outcome).toBe('duplicate');
    expect(when(held, next(2)).outcome).toBe('duplicate');
    const third = when(held, next(3));
    expect(announced(third)).toEqual(['SamplingResultNotified 3']);
    if (third.outcome !== 'accepted') throw new Error('not accepted');
    expect(when(third.held, next(2)).outcome).toBe('duplicate');
    expect(refused(when(third.held, next(3, { verdict: 'QUALIFIED' })))).toEqual(['REVISION_CONFLICT']);
  });

  it('still waits for the notice where only the withdrawal of a report under embargo had been announced', () => {
    const both = announcementsOf(when(given([aReport({ notice: NOTICE })]), next(2)));
    const half = restored(...both.slice(0, 1));
    expect(half).toMatchObject({ status: 'WITHDRAWN', revision: 2, reportedRevision: 1 });
    expect(announced(when(half, next(2)))).toEqual(['SamplingResultNotified 3']);
    expect(when(restored(...both), next(2)).outcome).toBe('duplicate');
  });
});
