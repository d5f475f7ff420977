import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Memory } from './memory.js';
import type { Arrived } from './platform.js';

const folder = mkdtempSync(join(tmpdir(), 'jinqiao-memory-'));
afterAll(() => rmSync(folder, { recursive: true }));

const AT = new Date('2026-11-23T02:00:00.000Z');
const arrived = (revision: number): Arrived => {
  const told = { feedbackId: 'f', revision } as Arrived['told'];
  return { id: `f_${revision}`, type: 'FeedbackIssued', position: revision, told };
};

it('holds the highest revision, how far it is answered, and where pulling goes on, in another life too', () => {
  const file = join(folder, 'jd.ndjson');
  const first = new Memory(file);
  expect([first.receive(arrived(2), AT), first.receive(arrived(1), AT), first.receive(arrived(2), AT)]).toEqual([
    'APPLIED',
    'OVERTAKEN',
    'REPEATED',
  ]);
  const [held] = first.feedbacks;
  if (!held) throw new Error('nothing is held');
  first.answered(held, 1);
  first.pulledTo('behind-two');
  appendFileSync(file, '{"what":"cur'); // it died in the middle of a line
  const second = new Memory(file);
  expect(second.feedbacks).toEqual([{ ...held, answered: 1 }]);
  expect(second.cursor).toBe('behind-two');
  expect(second.receive(arrived(2), AT)).toBe('REPEATED');
});

it('counts answers to a revision that is no longer held for nothing', () => {
  const memory = new Memory();
  memory.receive(arrived(1), AT);
  const [held] = memory.feedbacks;
  memory.receive(arrived(2), AT);
  if (held) memory.answered(held, 2);
  expect(memory.find('f')?.answered).toBe(0);
});

it('heals a revision that it holds in other words, and answers it no further than it is answered', () => {
  const memory = new Memory();
  const changed = arrived(1);
  memory.receive({ ...changed, told: { ...changed.told, contentHash: 'b'.repeat(64) } }, AT);
  const [held] = memory.feedbacks;
  if (held) memory.answered(held, 2);
  expect(memory.receive(changed, new Date('2026-11-24T02:00:00.000Z'))).toBe('APPLIED');
  expect(memory.find('f')).toEqual({ ...changed, at: AT.toISOString(), answered: 2 });
});
