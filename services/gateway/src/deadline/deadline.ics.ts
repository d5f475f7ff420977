import type { DeadlineEntry } from '@jinqiao/platform';
import ical, { ICalEventStatus, ICalEventTransparency } from 'ical-generator';
import { v5 as uuidv5 } from 'uuid';
import { cutNotice, matterOf, stateOf, titleOf } from './deadline.words.js';

const REFRESHED_EVERY_S = 3_600;
const IDS = uuidv5('https://jinqiao.tj.gov.cn/deadlines', uuidv5.URL);

/**
 * A calendar (RFC 5545) with one whole-day event on the last day of each period, the day as it is in China whatever the reader's time zone.
 * A subject may be spelled with anything: its event is known by a hash of the period's id, and what no calendar may hold becomes a space.
 */
export function calendarOf(entries: readonly DeadlineEntry[], cut: number | null, now: Date): string {
  const calendar = ical({
    prodId: { company: 'tj.gov.cn', product: 'Jinqiao', language: 'ZH' },
    name: cut === null ? '津桥期限' : `津桥期限（${cutNotice(cut)}）`,
    ttl: REFRESHED_EVERY_S,
    x: [{ key: 'X-WR-TIMEZONE', value: 'Asia/Shanghai' }],
  });
  for (const entry of entries) {
    calendar.createEvent({
      id: `${uuidv5(entry.deadlineId, IDS)}@jinqiao.tj.gov.cn`,
      stamp: now,
      // Written as it stands: of an event without a time zone the library takes the day in UTC.
      start: new Date(`${entry.dueOn}T00:00:00Z`),
      allDay: true,
      sequence: sequenceOf(entry),
      summary: printable(titleOf(entry)),
      description: printable(descriptionOf(entry)),
      categories: [{ name: matterOf(entry) }, { name: stateOf(entry) }],
      status: entry.provisional || entry.left !== null ? ICalEventStatus.TENTATIVE : ICalEventStatus.CONFIRMED,
      transparency: ICalEventTransparency.TRANSPARENT,
    });
  }
  return calendar.toString();
}

/** Counts what has moved it: a program that knows an earlier one takes the later. */
const sequenceOf = ({ firstDueOn, pauses, extensions }: DeadlineEntry): number =>
  (firstDueOn === null ? 0 : 1) + extensions.length + pauses.reduce((count, { to }) => count + (to === null ? 1 : 2), 0);

function descriptionOf(entry: DeadlineEntry): string {
  const { startedOn, dueAt, pauses, extensions, legalBasis, department, handler, firstDueOn, deadlineId } = entry;
  const { instrument, article = '', ruleVersion } = legalBasis;
  const lines: readonly (readonly [string, string | null])[] = [
    ['事项', matterOf(entry)],
    ['起算', startedOn],
    ['届满', minuteInChina(dueAt)],
    ['原定', firstDueOn],
    ['不计入', joined(pauses.map(({ from, to }) => `${from} 至 ${to ?? '今'}`))],
    ['延长', joined(extensions.map(({ on, value }) => `${on} ${value}日`))],
    ['依据', `${instrument}${article}`],
    ['规则', ruleVersion],
    ['主管', department],
    ['承办', handler],
    ['编号', deadlineId],
  ];
  return lines.flatMap(([name, value]) => (value === null ? [] : [`${name}：${value}`])).join('\n');
}

const joined = (parts: readonly string[]): string | null => (parts.length === 0 ? null : parts.join('；'));

const SHANGHAI_OFFSET_MS = 8 * 3_600_000;
const minuteInChina = (instant: string): string =>
  new Date(Date.parse(instant) + SHANGHAI_OFFSET_MS).toISOString().slice(0, 16).replace('T', ' ');

// eslint-disable-next-line no-control-regex -- RFC 5545 leaves them out of texts; a line break is written as one.
const printable = (text: string): string => text.replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, ' ');
