import { FeedbackIssued, FeedbackWithdrawn, REGIMES, VERDICTS } from '@jinqiao/contracts';
import { check, contentHash } from '@jinqiao/schema';
import {
  actionsFor,
  type Change,
  type Feedback,
  feedbackIdOf,
  follow,
  platformKey,
  type SamplingState,
  type Standing,
} from './feedback.js';

const SUBJECT = 'tj-amr:S-1';
const at = (time: string): Date => new Date(`2026-11-23T${time}Z`);
const NOTHING: Standing = { feedbacks: [], waiting: null };

const result = (changes: Partial<SamplingState> = {}): SamplingState => ({
  sampleNo: 'S-1',
  reporterId: 'tj-amr',
  revision: 1,
  reportedRevision: 1,
  acceptedAt: '2026-11-23T01:00:00Z',
  publishedAt: '2026-11-23T01:00:00Z',
  regime: 'FOOD',
  finality: 'FINAL',
  verdict: 'UNQUALIFIED',
  product: { name: '巴旦木' },
  failingItems: [{ item: '二氧化硫', measured: '0.12g/kg', limit: '不得使用' }],
  sampledParty: { name: '示例商行', uscc: '92120199MA9XXX02XM' },
  online: { platformName: '京东', shopName: '示例网店0001' },
  notice: { no: 'N-1', publishedOn: '2026-11' },
  ...changes,
});

const state = (revision: number, changes: Partial<SamplingState> = {}): Change => {
  return { subject: SUBJECT, revision, state: { ...result(changes), revision }, reason: null };
};
const retracted = (revision: number): Change => ({ subject: SUBJECT, revision, state: null, reason: '结果有误' });

/** What stands after a history, each change with the platform its name leads to at that time. */
function given(...history: [Change, string | null, Date?][]): Standing {
  return history.reduce((standing: Standing, [change, found, now]) => {
    const { told, waiting } = follow(standing, change, found, now ?? at('01:00:00'));
    const untouched = standing.feedbacks.filter(({ said }) => !told.some((feedback) => feedback.said.feedbackId === said.feedbackId));
    return { feedbacks: [...untouched, ...told], waiting };
  }, NOTHING);
}
const actions = ({ said }: Feedback): string[] => said.actionsRequired.filter(({ mandatory }) => mandatory).map(({ action }) => action);
const summary = (told: readonly Feedback[]): unknown[] =>
  told.map(({ status, said }) => [said.recipientId, status, said.revision, said.subjectRevision]);

describe('a result sold on a known platform', () => {
  it('is told to it as revision 1, with a clock and a hash of everything it reads', () => {
    const { told, waiting } = follow(NOTHING, state(1), 'jd', at('01:00:00'));
    const [feedback] = told;
    expect(waiting).toBeNull();
    expect(feedback).toMatchObject({ status: 'ISSUED', publisherId: 'tj-amr', matchedBy: '京东', closedAt: null });
    expect(feedback?.said).toMatchObject({
      feedbackId: feedbackIdOf('jd', 'SAMPLING_RESULT', SUBJECT),
      recipientId: 'jd',
      revision: 1,
      subjectRevision: 1,
      finality: 'FINAL',
      clock: { startsOn: 'ISSUED', duration: 'PT24H', days: 'CALENDAR', basis: 'LOCAL_POLICY' },
      dueAt: '2026-11-24T01:00:00.000Z',
      merchant: { name: '示例商行', uscc: '92120199MA9XXX02XM', shopName: '示例网店0001' },
    });
    expect(feedback && actions(feedback)).toEqual(['STOP_SALE', 'DELIST', 'BLOCK_RELISTING', 'INFORM_MERCHANT']);
    const said = feedback?.said as FeedbackIssued;
    expect(check(FeedbackIssued, said)).toMatchObject({ ok: true, unknownFields: [] });
    expect(said.contentHash).toBe(contentHash(FeedbackIssued, said));
    expect(said.contentHash).not.toBe(contentHash(FeedbackIssued, { ...said, dueAt: '2026-11-25T01:00:00.000Z' }));
  });

  it('has no clock where no rule is known, and not the clock of another regime', () => {
    for (const regime of ['DRUG', 'COSMETIC', 'MEDICAL_DEVICE'] as const) {
      const [feedback] = follow(NOTHING, state(1, { regime }), 'jd', at('01:00:00')).told;
      expect(feedback?.said).not.toHaveProperty('clock');
      expect(feedback?.said).not.toHaveProperty('dueAt');
      expect(feedback?.said.legalBasis.map(({ instrument }) => instrument)).toEqual(['中华人民共和国电子商务法']);
    }
  });

  it('asks for nothing when it was qualified from the start', () => {
    const [feedback] = follow(NOTHING, state(1, { verdict: 'QUALIFIED', failingItems: undefined }), 'jd', at('01:00:00')).told;
    expect(feedback?.said.actionsRequired).toEqual([expect.objectContaining({ action: 'NONE', mandatory: false })]);
    expect(feedback?.said).not.toHaveProperty('dueAt');
  });
});

describe('the next state of a result', () => {
  it('is no news when only what the platform does not read has changed', () => {
    const standing = given([state(1), 'jd']);
    const later = { acceptedAt: '2026-11-23T05:00:00Z', reportedRevision: 2, laboratory: undefined, sampledParty: result().sampledParty };
    expect(follow(standing, state(2, later), 'jd', at('05:00:00')).told).toEqual([]);
  });

  it('is the next revision when something else has changed; the same actions keep their deadline', () => {
    const standing = given([state(1, { finality: 'PROVISIONAL', notice: undefined }), 'jd']);
    const { told } = follow(standing, state(2), 'jd', at('09:00:00'));
    expect(summary(told)).toEqual([['jd', 'ISSUED', 2, 2]]);
    expect(told[0]?.said).toMatchObject({ finality: 'FINAL', dueAt: '2026-11-24T01:00:00.000Z', issuedAt: '2026-11-23T09:00:00.000Z' });
  });

  it('keeps the deadline closed when the platform had already acted and nothing else is asked', () => {
    const standing = given([state(1), 'jd']);
    const acted = { ...standing, feedbacks: standing.feedbacks.map((feedback) => ({ ...feedback, closedAt: '2026-11-23T02:00:00Z' })) };
    const spelled = follow(acted, state(2, { product: { name: '巴旦木（烘炒类）' } }), 'jd', at('03:00:00')).told;
    expect(spelled[0]?.closedAt).toBe('2026-11-23T02:00:00Z');
    const turned = follow(acted, state(2, { verdict: 'QUALIFIED' }), 'jd', at('03:00:00')).told;
    expect(turned[0]?.closedAt).toBeNull();
  });

  it('asks to restore when the verdict turned, with a new clock, and goes on asking', () => {
    const standing = given([state(1), 'jd']);
    const [turned] = follow(standing, state(2, { verdict: 'QUALIFIED' }), 'jd', at('06:00:00')).told;
    expect(turned && actions(turned)).toEqual(['RESTORE']);
    expect(turned?.said.dueAt).toBe('2026-11-24T06:00:00.000Z');
    const again = given([state(1), 'jd'], [state(2, { verdict: 'QUALIFIED' }), 'jd', at('06:00:00')]);
    const [more] = follow(
      again,
      state(3, { verdict: 'QUALIFIED', round: undefined, product: { name: '杏仁' } }),
      'jd',
      at('07:00:00'),
    ).told;
    expect(more && actions(more)).toEqual(['RESTORE']);
    expect(more?.said.dueAt).toBe('2026-11-24T06:00:00.000Z');
  });

  it('lets new batches be sold when the last re-check was passed, and asks for nothing else than before', () => {
    const standing = given([state(1), 'jd']);
    const acted = { ...standing, feedbacks: standing.feedbacks.map((feedback) => ({ ...feedback, closedAt: '2026-11-23T02:00:00Z' })) };
    const passed = (resumes: boolean) => [{ kind: 'RECHECK', party: 'SAMPLED_PARTY', by: 'RECEIVER', on: '2026-11-23', resumes }] as const;
    const [notYet] = follow(acted, state(2, { decisions: [...passed(false)] }), 'jd', at('03:00:00')).told;
    expect(notYet?.said.actionsRequired.map(({ action }) => action)).not.toContain('RESUME');
    const [resumed] = follow(acted, state(2, { decisions: [...passed(true)] }), 'jd', at('03:00:00')).told;
    expect(resumed?.said.actionsRequired.at(-1)).toMatchObject({ action: 'RESUME', mandatory: false });
    expect(resumed).toMatchObject({ closedAt: '2026-11-23T02:00:00Z', askedSince: 1, said: { dueAt: '2026-11-24T01:00:00.000Z' } });
    expect(resumed && actions(resumed)).toEqual(['STOP_SALE', 'DELIST', 'BLOCK_RELISTING', 'INFORM_MERCHANT']);
  });

  it('asks to act again when it turned back', () => {
    const standing = given([state(1), 'jd'], [state(2, { verdict: 'QUALIFIED' }), 'jd']);
    const [back] = follow(standing, state(3), 'jd', at('08:00:00')).told;
    expect(back && actions(back)).toContain('DELIST');
    expect(back?.said).toMatchObject({ revision: 3, dueAt: '2026-11-24T08:00:00.000Z' });
  });

  it('takes the law of its own regime when the regime was corrected', () => {
    const [drug] = follow(given([state(1), 'jd']), state(2, { regime: 'DRUG' }), 'jd', at('02:00:00')).told;
    expect(drug?.said).not.toHaveProperty('clock');
  });
});

describe('a withdrawal', () => {
  it('asks to restore whoever had to act', () => {
    const { told } = follow(given([state(1), 'jd']), retracted(2), null, at('03:00:00'));
    expect(summary(told)).toEqual([['jd', 'WITHDRAWN', 2, 2]]);
    const [withdrawn] = told;
    expect(withdrawn && actions(withdrawn)).toEqual(['RESTORE']);
    expect(withdrawn?.said).toMatchObject({ reason: '结果有误', dueAt: '2026-11-24T03:00:00.000Z' });
    const said = withdrawn?.said as FeedbackWithdrawn;
    expect(check(FeedbackWithdrawn, said)).toMatchObject({ ok: true, unknownFields: [] });
    expect(said.contentHash).toBe(contentHash(FeedbackWithdrawn, said));
  });

  it('undoes nothing where another result reports the same and stands', () => {
    const change = { ...retracted(2), reason: 'MERGED', mergedInto: 'tj-heping:H-1' };
    const [withdrawn] = follow(given([state(1), 'jd']), change, null, at('03:00:00')).told;
    expect(withdrawn?.said).toMatchObject({ reason: 'MERGED', actionsRequired: [{ action: 'NONE', mandatory: false }] });
    expect(withdrawn?.said).not.toHaveProperty('dueAt');
  });

  it('asks nothing of whoever had nothing to do', () => {
    const { told } = follow(given([state(1, { verdict: 'QUALIFIED' }), 'jd']), retracted(2), null, at('03:00:00'));
    expect(told[0]?.said.actionsRequired).toEqual([expect.objectContaining({ action: 'NONE' })]);
  });

  it('happens once, and a later state revives the same feedback', () => {
    const standing = given([state(1), 'jd'], [retracted(2), null]);
    expect(follow(standing, retracted(3), null, at('04:00:00')).told).toEqual([]);
    const revived = follow(standing, state(4), 'jd', at('05:00:00')).told;
    expect(summary(revived)).toEqual([['jd', 'ISSUED', 3, 4]]);
    expect(revived[0]?.said.feedbackId).toBe(feedbackIdOf('jd', 'SAMPLING_RESULT', SUBJECT));
  });

  it('tells nobody about a result that nobody was told of', () => {
    expect(follow(NOTHING, retracted(1), null, at('03:00:00'))).toEqual({ told: [], waiting: null });
  });
});

describe('re-attribution', () => {
  const onTmall = { online: { platformName: '天猫', shopName: '示例网店0002' } };

  it('withdraws from the old platform, without naming the new one, and issues to the new', () => {
    const { told } = follow(given([state(1), 'jd']), state(2, onTmall), 'tmall', at('02:00:00'));
    expect(summary(told)).toEqual([
      ['jd', 'WITHDRAWN', 2, 2],
      ['tmall', 'ISSUED', 1, 2],
    ]);
    expect(JSON.stringify(told[0]?.said)).not.toMatch(/天猫|tmall|示例网店0002/);
  });

  it('to a sale offline withdraws', () => {
    expect(summary(follow(given([state(1), 'jd']), state(2, { online: undefined }), null, at('02:00:00')).told)).toEqual([
      ['jd', 'WITHDRAWN', 2, 2],
    ]);
  });

  it('back to the first platform goes on with its feedback', () => {
    const standing = given([state(1), 'jd'], [state(2, onTmall), 'tmall']);
    expect(summary(follow(standing, state(3), 'jd', at('03:00:00')).told)).toEqual([
      ['tmall', 'WITHDRAWN', 2, 3],
      ['jd', 'ISSUED', 3, 3],
    ]);
  });

  it('does not follow from an alias that moved: what was issued under a name stays', () => {
    const { told } = follow(given([state(1), 'jd']), state(2, { product: { name: '杏仁' } }), 'tmall', at('02:00:00'));
    expect(summary(told)).toEqual([['jd', 'ISSUED', 2, 2]]);
  });
});

describe('a result that is read again after a restore', () => {
  it('says nothing to whoever was told of a later state already', () => {
    const standing = given([state(1), 'jd'], [state(2, { verdict: 'QUALIFIED' }), 'jd'], [state(3), 'jd']);
    for (const change of [state(1), state(2, { verdict: 'QUALIFIED' }), state(3)]) {
      expect(follow(standing, change, 'jd', at('02:00:00')).told).toEqual([]);
    }
    expect(summary(follow(standing, state(4, { verdict: 'QUALIFIED' }), 'jd', at('02:00:00')).told)).toEqual([['jd', 'ISSUED', 4, 4]]);
  });

  it('says what only one of two platforms had been told', () => {
    const told = given([state(1), 'jd'], [state(2, { online: { platformName: '天猫' } }), 'tmall']);
    const half = { ...told, feedbacks: told.feedbacks.filter(({ said }) => said.recipientId === 'jd') };
    expect(follow(half, state(1), 'jd', at('02:00:00')).told).toEqual([]);
    const again = follow(half, state(2, { online: { platformName: '天猫' } }), 'tmall', at('02:00:00'));
    expect(summary(again.told)).toEqual([['tmall', 'ISSUED', 1, 2]]);
  });
});

describe('a platform nobody knows', () => {
  const unknown = { online: { platformName: ' 某新 平台', shopName: '示例网店0003' } };

  it('lets the newest state wait under the normalised name', () => {
    const { waiting } = given([state(1, unknown), null], [state(2, { ...unknown, verdict: 'QUALIFIED' }), null]);
    expect(waiting).toMatchObject({
      subject: SUBJECT,
      nameKey: '某新平台',
      printed: ' 某新 平台',
      subjectRevision: 2,
      state: { verdict: 'QUALIFIED' },
    });
  });

  it('is told from revision 1 once it is registered, its clock from then', () => {
    const standing = given([state(1, unknown), null]);
    const { told, waiting } = follow(standing, state(1, unknown), 'new', at('12:00:00'));
    expect(waiting).toBeNull();
    expect(summary(told)).toEqual([['new', 'ISSUED', 1, 1]]);
    expect(told[0]?.said.dueAt).toBe('2026-11-24T12:00:00.000Z');
  });

  it('is never told what was withdrawn meanwhile', () => {
    expect(given([state(1, unknown), null], [retracted(2), null])).toEqual(NOTHING);
  });

  it('beats a known name by its id', () => {
    expect(platformKey({ online: { platformId: 'xyz', platformName: '京东' } })).toBe('xyz');
  });

  it('may be one that was not printed at all; a sale offline is another thing', () => {
    expect(platformKey({ online: { shopName: '示例网店0003' } })).toBe('');
    expect(platformKey({})).toBeNull();
    expect(given([state(1, { online: { shopName: '示例网店0003' } }), null]).waiting).toMatchObject({ nameKey: '', printed: '' });
    expect(given([state(1, { online: undefined }), null])).toEqual(NOTHING);
  });
});

describe('actions', () => {
  it('are at least one for every verdict, regime and history, and RESTORE only after something had to be done', () => {
    for (const regime of REGIMES) {
      for (const verdict of VERDICTS) {
        const first = actionsFor(verdict, null, regime);
        expect(first.length).toBeGreaterThan(0);
        expect(first.map(({ action }) => action)).not.toContain('RESTORE');
        const after = actionsFor(verdict, actionsFor('UNQUALIFIED', null, regime), regime);
        expect(after.some(({ action }) => action === 'RESTORE')).toBe(verdict !== 'UNQUALIFIED');
      }
    }
  });
});
