/** What `npm run demo -- --report FILE` writes. Every figure was read from the topics or the services' answers afterwards. */
export interface DemoReport {
  readonly input: { readonly file: string; readonly rows: number; readonly results: number };
  readonly intake: Intake;
  readonly secondIntake: Intake;
  readonly published: number;
  readonly feedback: { readonly issued: number; readonly unmatched: number; readonly byPlatform: Readonly<Record<string, number>> };
  readonly credit: { readonly records: number; readonly entities: number };
  readonly monitoring: Totals;
  readonly receipt: { readonly feedbackId: string; readonly status: string; readonly acceptedAt: string } | null;
  readonly refusedTopic: string | null;
  readonly retraction: Retraction | null;
  readonly reinspection: Reinspection | null;
  readonly latencyMs: { readonly p50: number; readonly p99: number };
  readonly secondAct: SecondAct;
  readonly thirdAct: ThirdAct;
  readonly fourthAct: FourthAct;
  readonly seconds: number;
}

/** Three platforms by three channels: what each of them and anybody with the evidence has seen. */
export interface SecondAct {
  readonly told: readonly { readonly platformId: string; readonly channel: string; readonly held: number }[];
  readonly caughtUp: { readonly platformId: string; readonly missed: number; readonly afterMs: number };
  readonly contested: { readonly platformId: string; readonly subject: string };
  readonly withdrawn: readonly string[];
  readonly evidence: EvidenceChecked;
}

/** Two rounds of sampling under the law, from their draw to the end of three cases, and a recall. */
export interface ThirdAct {
  readonly rounds: readonly DrawnRound[];
  /** Objected to: the re-inspection confirmed it. */
  readonly lost: TimedCase;
  /** Objected to: the re-inspection found it qualified. */
  readonly won: TimedCase;
  /** Corrected, and its re-check passed. */
  readonly passed: TimedCase;
  /** From the clue to the end. */
  readonly recall: TimedCase;
}

/** Three records of one merchant, each ended in its own way, and what its platform held meanwhile. */
export interface FourthAct {
  readonly platformId: string;
  readonly uscc: string;
  /** Its records, each with what ended it. */
  readonly ended: readonly { readonly recordNo: string; readonly standing: string; readonly by: string }[];
  /** How many of what was taken back the report of stale penalties showed while the platform was dead, and how long after its return none. */
  readonly stale: { readonly notUndone: number; readonly clearedAfterMs: number };
}

export interface DrawnRound {
  readonly regime: 'FOOD' | 'PRODUCT';
  readonly roundNo: string;
  readonly pool: number;
  readonly drawn: readonly string[];
}

/** A case or a recall, by the periods that ran in it. */
export interface TimedCase {
  readonly subject: string;
  readonly deadlines: readonly Deadline[];
}

interface Deadline {
  readonly clock: string;
  readonly startedOn: string;
  readonly dueOn: string;
  readonly state: string;
  /** It touches days that no published arrangement of holidays decides about. */
  readonly provisional: boolean;
  readonly ruleVersion: string;
  /** Instrument and article of the row. */
  readonly basis: string;
}

export interface EvidenceChecked {
  readonly feedbackId: string;
  readonly bytes: number;
  readonly changedByte: number;
  /** What the tool said of it. */
  readonly caught: string;
}

export interface Intake {
  readonly accepted: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly rejections: Readonly<Record<string, number>>;
}

export interface Totals {
  readonly results: number;
  readonly unqualified: number;
}

export interface Retraction {
  readonly sampleNo: string;
  readonly feedbackWithdrawn: number;
  readonly creditEnded: number;
  readonly monitoring: Totals;
}

export interface Reinspection {
  readonly sampleNo: string;
  readonly feedbackRevision: number;
  readonly creditEnded: number;
  readonly monitoring: Totals;
}

/** The report as a person reads it. */
export function asTable(report: DemoReport): string {
  const {
    intake,
    secondIntake,
    feedback,
    credit,
    monitoring,
    receipt,
    retraction,
    reinspection,
    latencyMs,
    secondAct,
    thirdAct,
    fourthAct,
  } = report;
  const platforms = Object.entries(feedback.byPlatform).sort(([, a], [, b]) => b - a);
  const lines: (readonly [string, string])[] = [
    ['file 文件', `${report.input.file}: ${report.input.rows} rows, ${report.input.results} results`],
    ['intake 接收', sentence(intake)],
    ['same file again 重复', sentence(secondIntake)],
    ['published 公布', `${report.published} results`],
    ['feedback 反馈', `${feedback.issued} to ${platforms.length} platforms (${platforms.map(([id, n]) => `${id} ${n}`).join(', ')})`],
    ['', `${feedback.unmatched} wait for a platform nobody has registered`],
    ['credit 信用', `${credit.records} records of ${credit.entities} entities`],
    ['statistics 统计', counted(monitoring)],
    ['receipt 回执', receipt ? `${receipt.status}, accepted ${receipt.acceptedAt}` : 'no platform to answer'],
    ["another's topic 越权", report.refusedTopic ? `refused by the broker: platform.${report.refusedTopic}.feedback.v1` : 'none to try'],
    [
      'retraction 撤回',
      retraction
        ? `${retraction.sampleNo}: ${retraction.feedbackWithdrawn} feedback withdrawn, ${retraction.creditEnded} records ended; ${counted(retraction.monitoring)}`
        : NONE,
    ],
    [
      'reinspection 复检',
      reinspection
        ? `${reinspection.sampleNo}: feedback revision ${reinspection.feedbackRevision} (RESTORE), ${reinspection.creditEnded} records ended; ${counted(reinspection.monitoring)}`
        : NONE,
    ],
    ['three channels 三渠道', secondAct.told.map(({ platformId, channel, held }) => `${platformId} ${channel} ${held}`).join(', ')],
    [
      'dead and back 恢复',
      `${secondAct.caughtUp.platformId} missed ${secondAct.caughtUp.missed}, had them ${secondAct.caughtUp.afterMs} ms after its return`,
    ],
    ['contested 异议', `${secondAct.contested.platformId} disputes ${secondAct.contested.subject}`],
    ['taken back 撤回', `the merchant's status, by ${secondAct.withdrawn.join(', ')}`],
    [
      'evidence 证据',
      `${secondAct.evidence.bytes} bytes hold; byte ${secondAct.evidence.changedByte} changed: ${secondAct.evidence.caught}`,
    ],
    ...thirdAct.rounds.map(({ regime, roundNo, pool, drawn }): readonly [string, string] => [
      regime === 'FOOD' ? 'food round 食品抽查' : 'product round 产品抽查',
      `${roundNo}: ${drawn.length} of ${pool} firms, drawn again from the public record`,
    ]),
    ...timed('objection lost 异议不成立', thirdAct.lost),
    ...timed('objection won 异议成立', thirdAct.won),
    ...timed('re-check passed 复查合格', thirdAct.passed),
    ...timed('recalled 召回', thirdAct.recall),
    ['credit records 信用记录', `of ${fourthAct.uscc}, told to ${fourthAct.platformId}`],
    ...fourthAct.ended.map(({ recordNo, standing, by }): readonly [string, string] => ['', `${recordNo}: ${standing}, ${by}`]),
    [
      'no stale penalty 未撤清单',
      `${fourthAct.stale.notUndone} while ${fourthAct.platformId} was dead, none ${fourthAct.stale.clearedAfterMs} ms after its return`,
    ],
    ['latency 时延', `p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms from acceptance to the last effect`],
  ];
  const width = Math.max(...lines.map(([name]) => columns(name)));
  return lines.map(([name, text]) => `  ${name}${' '.repeat(width - columns(name))}  ${text}`).join('\n');
}

/** A case with each of its periods: when it ended, what became of it, and by which article it ran. */
function timed(name: string, { subject, deadlines }: TimedCase): (readonly [string, string])[] {
  const periods = deadlines.map(
    ({ clock, startedOn, dueOn, state, provisional, basis }) =>
      `${clock} ${startedOn} to ${dueOn}, ${state}${provisional ? ' (provisional)' : ''}: ${basis}`,
  );
  return [[name, subject], ...periods.map((period): readonly [string, string] => ['', period])];
}

const NONE = 'no accepted result has both a known platform and a valid USCC';

const counted = ({ results, unqualified }: Totals): string => `${unqualified} of ${results} unqualified`;

function sentence({ accepted, duplicate, rejected, rejections }: Intake): string {
  const why = Object.entries(rejections).map(([code, n]) => `${n} ${code}`);
  return `${accepted} accepted, ${duplicate} duplicate, ${rejected} rejected${why.length > 0 ? ` (${why.join(', ')})` : ''}`;
}

/** Chinese characters take two columns of a terminal. */
const columns = (text: string): number => [...text].reduce((sum, character) => sum + (character > '\u2e7f' ? 2 : 1), 0);
