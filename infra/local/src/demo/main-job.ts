import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { organisations, STACK_PRINCIPAL } from '../principals.js';
import type { RunningStack } from '../stack.js';
import { Http, Refused, TopicReader, until } from './outsider.js';
import type { DemoReport, Intake, Reinspection, Retraction, Totals } from './report.js';

/** The department whose upload it is, and the bodies that look at it. */
const REPORTER = 'tj-amr';
const PLATFORMS = organisations().flatMap(({ kind, id }) => (kind === 'PLATFORM' ? [id] : []));
const FOLLOWERS = ['credit', 'monitoring', 'exchange'] as const;
const PUBLIC_TOPIC = 'inspection.sampling-result.v1';
const feedbackTopic = (platformId: string): string => `platform.${platformId}.feedback.v1`;

interface ImportAnswer extends Intake {
  readonly rows: number;
  readonly results: number;
}

interface ListedResult {
  readonly sampleNo: string;
  readonly revision: number;
  readonly reportedRevision: number;
  readonly acceptedAt: string;
  readonly state: Record<string, unknown> & {
    readonly sampledParty?: { readonly uscc?: string };
    readonly nominalProducer?: { readonly uscc?: string };
    readonly online?: { readonly shopName?: string };
  };
}

interface Feedback {
  readonly feedbackId: string;
  readonly recipientId: string;
  readonly subject: string;
}

interface Entry {
  readonly result: ListedResult;
  readonly subject: string;
  readonly platformId: string;
}

type FirstAct = Omit<DemoReport, 'secondAct' | 'thirdAct' | 'fourthAct' | 'seconds'>;

const subjectOf = (sampleNo: string): string => `${REPORTER}:${sampleNo}`;

interface Parts {
  readonly stack: RunningStack;
  readonly department: Http;
  readonly operator: Http;
  readonly topics: TopicReader;
  readonly say: (line: string) => void;
}

/** The main job, from an empty system to both corrections undone everywhere. `say` tells a person where it is. */
export class MainJob {
  private readonly stack: RunningStack;
  private readonly department: Http;
  private readonly operator: Http;
  private readonly topics: TopicReader;
  private readonly say: (line: string) => void;

  private constructor(parts: Parts) {
    ({ stack: this.stack, department: this.department, operator: this.operator, topics: this.topics, say: this.say } = parts);
  }

  static async run(stack: RunningStack, file: string, say: (line: string) => void): Promise<FirstAct> {
    const [department, operator] = await Promise.all(
      [REPORTER, 'operator'].map((principal) => Http.as(stack.origin, stack.servers, principal)),
    );
    // The stack's own principal may read everything: it measures, the platforms below read with their own tokens.
    const topics = await TopicReader.open(stack.servers, STACK_PRINCIPAL, [PUBLIC_TOPIC, /^platform\..+\.feedback\.v1$/]);
    if (!department || !operator) throw new Error('no tokens');
    try {
      return await new MainJob({ stack, department, operator, topics, say }).tell(file);
    } finally {
      await topics.close();
    }
  }

  private async tell(file: string): Promise<FirstAct> {
    const first = await this.import(file);
    this.say(`${basename(file)} is in: ${first.accepted} results accepted, ${first.rejected} rejected`);
    const second = await this.import(file);
    const results = await this.department.all<ListedResult>('/api/inspection/sampling-results');
    const followed = await this.everyoneFollows(results);
    this.say('credit, monitoring and exchange have followed every result');
    const feedback = await this.feedbackCounts();
    const issued = await this.operator.all<Feedback>('/api/exchange/feedback?kind=SAMPLING_RESULT&status=ISSUED');
    await this.topicsHold(issued);
    const latencyMs = this.latency(results, followed);
    const before = {
      input: { file: basename(file), rows: first.rows, results: first.results },
      intake: intakeOf(first),
      secondIntake: intakeOf(second),
      published: (await this.department.get<{ published: number }>('/api/inspection/published/counts')).published,
      feedback,
      credit: await this.creditCounts(),
      monitoring: await this.totals(),
    };
    const { undoable, others } = await this.correctable(results, issued);
    await this.registerMerchants(undoable);
    const [platformId] = Object.keys(feedback.byPlatform).sort((a, b) => (feedback.byPlatform[b] ?? 0) - (feedback.byPlatform[a] ?? 0));
    const receipt = platformId ? await this.actAsPlatform(platformId) : null;
    const refusedTopic = await this.refused(platformId ?? PLATFORMS[0] ?? '');
    const [retracted = others[0], reinspected = undoable[0]] = undoable;
    return {
      ...before,
      receipt,
      refusedTopic,
      retraction: retracted ? await this.retract(retracted) : null,
      reinspection: reinspected ? await this.reinspect(reinspected) : null,
      latencyMs,
    };
  }

  private async import(file: string): Promise<ImportAnswer> {
    const form = new FormData();
    form.append('file', new Blob([readFileSync(file)]), basename(file));
    return this.department.post<ImportAnswer>('/api/inspection/imports', form);
  }

  /** When each service had applied each result, ms. */
  private async everyoneFollows(results: readonly ListedResult[]): Promise<Map<string, number>> {
    const last = new Map<string, number>();
    for (const service of FOLLOWERS) {
      await inParallel(results, async ({ sampleNo, revision }) => {
        const subject = subjectOf(sampleNo);
        const appliedAt = await this.applied(service, subject, revision);
        last.set(subject, Math.max(last.get(subject) ?? 0, appliedAt));
      });
    }
    return last;
  }

  private applied(service: string, subject: string, revision: number): Promise<number> {
    return until(`${service} to apply ${subject}`, async () => {
      try {
        const answer = await this.operator.get<{ revision: number; appliedAt: string }>(
          `/api/${service}/applied/${encodeURIComponent(subject)}`,
        );
        return answer.revision >= revision ? Date.parse(answer.appliedAt) : null;
      } catch (error) {
        if (error instanceof Refused && error.status === 404) return null;
        throw error;
      }
    });
  }

  private async topicsHold(issued: readonly Feedback[]): Promise<void> {
    const seen = (): Set<string> => new Set(this.topics.records.map((record) => `${record.topic} ${record.key}`));
    await until('every feedback on its topic', () => {
      const there = seen();
      return Promise.resolve(issued.every((one) => there.has(`${feedbackTopic(one.recipientId)} ${one.subject}`)) || null);
    });
  }

  /** Per result, from its acceptance to the last of the broker's append times and the services' appliedAt. */
  private latency(results: readonly ListedResult[], followed: ReadonlyMap<string, number>): { p50: number; p99: number } {
    const appended = new Map<string, number>();
    for (const { key, appendedAt } of this.topics.records) appended.set(key, Math.max(appended.get(key) ?? 0, appendedAt));
    const took = results.map(({ sampleNo, acceptedAt }) => {
      const subject = subjectOf(sampleNo);
      return Math.max(followed.get(subject) ?? 0, appended.get(subject) ?? 0) - Date.parse(acceptedAt);
    });
    return { p50: percentile(took, 50), p99: percentile(took, 99) };
  }

  private async feedbackCounts(): Promise<DemoReport['feedback']> {
    const { issued, unmatched, byPlatform } = await this.operator.get<DemoReport['feedback']>(
      '/api/exchange/feedback/counts?kind=SAMPLING_RESULT',
    );
    return { issued, unmatched, byPlatform };
  }

  private async creditCounts(): Promise<DemoReport['credit']> {
    const { records, entities } = await this.operator.get<DemoReport['credit']>('/api/credit/counts');
    return { records, entities };
  }

  private async totals(): Promise<Totals> {
    const { total } = await this.operator.get<{ total: Totals }>('/api/monitoring/sampling-rates');
    return { results: total.results, unqualified: total.unqualified };
  }

  private records(subject: string): Promise<{ recordNo: string; uscc: string; endedReason?: string | null }[]> {
    return this.operator.all(`/api/credit/records?subject=${encodeURIComponent(subject)}`);
  }

  /** Results with a known platform and a valid USCC: those with credit records, which a correction has to undo too, and the others. */
  private async correctable(
    results: readonly ListedResult[],
    issued: readonly Feedback[],
  ): Promise<{ readonly undoable: Entry[]; readonly others: Entry[] }> {
    const platformOf = new Map(issued.map((one) => [one.subject, one.recipientId]));
    const undoable: Entry[] = [];
    const others: Entry[] = [];
    for (const result of results) {
      const subject = subjectOf(result.sampleNo);
      const platformId = platformOf.get(subject);
      if (!platformId || !(result.state.sampledParty?.uscc ?? result.state.nominalProducer?.uscc)) continue;
      const kind = (await this.records(subject)).length > 0 ? undoable : others;
      kind.push({ result, subject, platformId });
    }
    return { undoable, others };
  }

  // Each platform enters the shops it was told about; from then on it learns what becomes known about whoever runs them.
  private async registerMerchants(entries: readonly Entry[]): Promise<void> {
    let shops = 0;
    for (const platformId of new Set(entries.map((entry) => entry.platformId))) {
      const own = entries.filter((entry) => entry.platformId === platformId);
      const merchants = own.flatMap(({ result }) => {
        const uscc = result.state.sampledParty?.uscc ?? result.state.nominalProducer?.uscc;
        const shopName = result.state.online?.shopName;
        return uscc && shopName ? [{ shopId: shopName, shopName, uscc }] : [];
      });
      const distinct = [...new Map(merchants.map((merchant) => [merchant.shopId, merchant])).values()];
      if (distinct.length === 0) continue;
      const platform = await Http.as(this.stack.origin, this.stack.servers, platformId);
      await platform.post('/api/registration/merchants', distinct);
      shops += distinct.length;
    }
    this.say(`${shops} merchants are registered`);
  }

  private async actAsPlatform(platformId: string): Promise<DemoReport['receipt']> {
    const { servers, origin } = this.stack;
    const platform = await Http.as(origin, servers, platformId);
    const reader = await TopicReader.open(servers, platformId, [feedbackTopic(platformId)]);
    const { value } = await reader.find(
      `feedback for ${platformId}`,
      (record) => record.type === 'FeedbackIssued' && record.value?.includes('"SAMPLING_RESULT"') === true,
    );
    const told = JSON.parse(value ?? '{}') as {
      feedbackId: string;
      revision: number;
      contentHash: string;
      actionsRequired: { action: string }[];
    };
    await reader.close();
    this.say(`${platformId} has read its own topic`);
    const now = new Date().toISOString();
    const answer = await platform.post<{ feedbackId: string; status: string; acceptedAt: string }>('/api/exchange/receipts', {
      feedbackId: told.feedbackId,
      feedbackRevision: told.revision,
      feedbackHash: told.contentHash,
      revision: 1,
      status: 'ACTED',
      actions: told.actionsRequired.filter(({ action }) => action !== 'NONE').map(({ action }) => ({ action, at: now, result: 'DONE' })),
      answeredAt: now,
    });
    return { feedbackId: answer.feedbackId, status: answer.status, acceptedAt: answer.acceptedAt };
  }

  private async refused(platformId: string): Promise<string | null> {
    const other = PLATFORMS.find((id) => id !== platformId);
    if (!other) return null;
    const reader = await TopicReader.open(this.stack.servers, platformId, [feedbackTopic(other)]).catch((error: unknown) => {
      if (error instanceof Error && 'type' in error && error.type === 'TOPIC_AUTHORIZATION_FAILED') return null;
      throw error;
    });
    if (!reader) return other;
    await reader.close();
    throw new Error(`${platformId} may read the topic of ${other}`);
  }

  private async retract({ result, subject, platformId }: Entry): Promise<Retraction> {
    const stood = await this.standing(subject);
    await this.department.post(`/api/inspection/sampling-results/${encodeURIComponent(result.sampleNo)}/retraction`, {
      revision: result.reportedRevision + 1,
      reason: '演示：报告有误，予以撤回',
    });
    await this.everyoneFollows([{ ...result, revision: result.revision + 1 }]);
    await this.topics.find(
      'the withdrawal',
      (record) => record.topic === feedbackTopic(platformId) && record.key === subject && record.type === 'FeedbackWithdrawn',
    );
    const withdrawn = this.topics.records.filter((record) => record.key === subject && record.type === 'FeedbackWithdrawn').length;
    this.say(`${result.sampleNo} is retracted, and taken back everywhere`);
    return {
      sampleNo: result.sampleNo,
      feedbackWithdrawn: withdrawn,
      creditEnded: stood - (await this.standing(subject)),
      monitoring: await this.totals(),
    };
  }

  private async reinspect({ result, subject, platformId }: Entry): Promise<Reinspection> {
    const stood = await this.standing(subject);
    const { result: current } = await this.department.get<{ result: ListedResult }>(
      `/api/inspection/sampling-results/${encodeURIComponent(result.sampleNo)}`,
    );
    await this.department.post('/api/inspection/sampling-results', {
      ...reportedFields(result.state),
      revision: current.reportedRevision + 1,
      revisionReason: 'REINSPECTED',
      verdict: 'QUALIFIED',
    });
    await this.everyoneFollows([{ ...result, revision: current.revision + 1 }]);
    const { revision } = await this.topics.find(
      'the restoring feedback',
      (record) =>
        record.topic === feedbackTopic(platformId) &&
        record.key === subject &&
        record.value?.includes('"RESTORE"') === true &&
        record.type === 'FeedbackIssued',
    );
    this.say(`${result.sampleNo} passed its re-inspection; what followed from it is undone`);
    return {
      sampleNo: result.sampleNo,
      feedbackRevision: revision,
      creditEnded: stood - (await this.standing(subject)),
      monitoring: await this.totals(),
    };
  }

  private async standing(subject: string): Promise<number> {
    return (await this.records(subject)).filter((record) => !record.endedReason).length;
  }
}

/** The state inspection shows, as its reporter would send it again; what failed is gone with the verdict. */
function reportedFields(state: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const ofInspection = new Set([
    'reporterId',
    'revision',
    'reportedRevision',
    'acceptedAt',
    'publishedAt',
    'failingItems',
    'reason',
    'withdrawnAt',
  ]);
  return Object.fromEntries(Object.entries(state).filter(([field]) => !ofInspection.has(field)));
}

const intakeOf = ({ accepted, duplicate, rejected, rejections }: ImportAnswer): Intake => ({ accepted, duplicate, rejected, rejections });

function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0);
}

const AT_ONCE = 16;
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
