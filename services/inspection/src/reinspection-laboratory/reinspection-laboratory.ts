/**
 * The published list of laboratories that test food again (复检机构名录), and the draw from it (食品安全法 §88: at random, from the published
 * list).
 *
 * Drawing: of those that are on the list on the day, without the laboratory that tested first, each gets SHA-256(key, its code) as its lot,
 * and the lowest lot is drawn. The key names the case and the step that completed the formalities, as the history shows it. So whoever sees
 * the case and has the list of the step's `laboratoryList` repeats the draw. Nobody can choose it to suit: the step is taken once, and its
 * `takenAt` is the millisecond at which it was taken here, which no sender knows before. What else a list says moves no lot.
 *
 * What this does not protect from: whoever runs the service has its clock and its database. A province that states another list after the
 * formalities may take off whoever would be drawn; a department that names another day for the choice may find another list. Who stated which
 * list, and when, and both days are on record.
 */
import { createHash } from 'node:crypto';
import { CalendarDate, type Laboratory, NestedList, Optional, type StepParty, Text, Whole } from '@jinqiao/contracts';
import { readUscc } from '@jinqiao/law';
import { canonicalHash, DomainError, type Finding } from '@jinqiao/schema';
import { by } from '../sampling-round/draw.js';

export class ListedLaboratory {
  @Text({ max: 200 }) name: string;
  @Text({ max: 32, about: 'Unified social credit code.' }) uscc: string;
  @CalendarDate({ about: 'The first day on the list.' }) from: string;
  @Optional() @CalendarDate({ about: 'The last day on the list; absent: not known yet.' }) until?: string;
}

export class StateListBody {
  @Text({ max: 200, about: 'Number of the document that published it.' }) documentNo: string;
  @CalendarDate({ about: 'The day of that document: from then on this list holds, until that of the next one.' }) publishedOn: string;
  @NestedList(() => ListedLaboratory, { items: 1_000, least: 1 }) laboratories: ListedLaboratory[];
}

export class ReadListsQuery {
  @Optional() @CalendarDate({ about: 'The list that holds on this day alone.' }) on?: string;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 100 }) limit?: number;
}

export interface LaboratoryList extends StateListBody {
  /** SHA-256 over the RFC 8785 form of what was stated, the laboratories in the order of their codes. */
  readonly hash: string;
}

export interface StatedList extends LaboratoryList {
  readonly listNo: number;
  readonly statedBy: string;
  readonly statedAt: Date;
}

export class ListNotYours extends DomainError {
  constructor() {
    super('NOT_COMPETENT', 403, { zh: '复检机构名录由省级部门维护', en: 'The province states who tests again' });
  }
}

export class ListUnacceptable extends DomainError {
  constructor(findings: readonly Finding[]) {
    super(findings[0]?.code ?? 'LIST_UNACCEPTABLE', 422, { zh: '复检机构名录内容有误', en: 'The list can not be accepted' }, findings);
  }
}

export function listFindings({ publishedOn, laboratories }: StateListBody, today: string): Finding[] {
  const seen = new Set<string>();
  return [
    ...(publishedOn > today ? [{ code: 'IN_FUTURE', pointer: '/publishedOn', message: 'lies in the future' }] : []),
    ...laboratories.flatMap(({ uscc, from, until }, index): Finding[] => {
      const pointer = `/laboratories/${index}`;
      const { code, outcome } = readUscc(uscc);
      const isTwice = seen.has(code);
      seen.add(code);
      const isWrong = outcome === 'MALFORMED' || outcome === 'CHECK_FAILED';
      return [
        ...(isWrong ? [{ code: 'USCC_CHECK_FAILED', pointer: `${pointer}/uscc`, message: 'is no code, or has a wrong check digit' }] : []),
        ...(isTwice ? [{ code: 'LABORATORY_TWICE', pointer: `${pointer}/uscc`, message: 'stands on the list twice' }] : []),
        ...(until !== undefined && until < from
          ? [{ code: 'DAYS_REVERSED', pointer: `${pointer}/until`, message: `is before its first day, ${from}` }]
          : []),
      ];
    }),
  ];
}

/** The same list, in whatever order and width it was stated. */
export function listOf({ documentNo, publishedOn, laboratories }: StateListBody): LaboratoryList {
  const stated = {
    documentNo,
    publishedOn,
    laboratories: laboratories
      .map(({ name, uscc, from, until }) => ({ name, uscc: readUscc(uscc).code, from, ...(until !== undefined && { until }) }))
      .sort(by(({ uscc }) => uscc)),
  };
  return { ...stated, hash: canonicalHash(stated) };
}

/** By their codes, or by their names where one has none. */
export const isSame = (one: Laboratory, other: Laboratory): boolean =>
  one.uscc !== undefined && other.uscc !== undefined ? readUscc(one.uscc).code === readUscc(other.uscc).code : one.name === other.name;

/** Who may test again what `first` has tested. */
export const eligible = ({ laboratories }: LaboratoryList, on: string, first: Laboratory | null): ListedLaboratory[] =>
  laboratories.filter((one) => one.from <= on && (one.until === undefined || on <= one.until) && !(first && isSame(one, first)));

/** The step that completed the formalities of a party, as the history has it. */
export interface Formalities {
  readonly reporterId: string;
  readonly sampleNo: string;
  readonly party: StepParty;
  readonly on: string;
  /** In the form of the answer: UTC, with milliseconds. */
  readonly takenAt: string;
}

export const drawKeyOf = ({ reporterId, sampleNo, party, on, takenAt }: Formalities): string =>
  canonicalHash({ reporterId, sampleNo, party, on, takenAt });

/** The lot of each is SHA-256 over the key and its code, with a line's end between them, in hexadecimal digits. */
export const drawn = (from: readonly ListedLaboratory[], key: string): ListedLaboratory | undefined =>
  [...from].sort(by(({ uscc }) => createHash('sha256').update(`${key}\n${uscc}`).digest('hex')))[0];
