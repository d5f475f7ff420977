import type { CopyEntry } from '../history.js';
import { type Copies, judgeCopies, type PublicRow } from './copies.js';
import { Findings } from './findings.js';
import type { Event } from './topics.js';

const records: readonly PublicRow[] = [
  { record_no: 'a', uscc: '91', standing: 'PUBLIC' },
  { record_no: 'b', uscc: '91', standing: 'REPAIRED' },
];
const copy = (entities: CopyEntry['entities']): CopyEntry => ({ entry: 'copy', at: 0, begun: 'AT_FIRST', entities });
const holding = (...recordNos: string[]): CopyEntry => copy({ '91': { revision: 1, recordNos } });
const status = (...recordNos: string[]): Event => ({
  ...{ topic: 'credit.credit-status.v1', partition: 0, offset: 1, at: 0, key: '91', headers: {}, value: '', id: '1' },
  ...{ type: 'CreditStatusChanged', revision: 1, body: { recordNos } },
});
const told = { platform: 'jd', uscc: '91', record_nos: '["a"]' };

function codes(spoilt: Partial<Copies>): string[] {
  const findings = new Findings();
  judgeCopies({ copies: [holding('a')], records, statuses: [status('b'), status('a')], told: [told], ...spoilt }, findings);
  return findings.violations.map(({ code }) => code);
}

describe('what is public of credit', () => {
  it('is right when copies hold it, and nothing that was made good', () => {
    expect(codes({})).toEqual([]);
  });

  it('is in every copy, and nothing else is', () => {
    expect(codes({ copies: [copy({})] })).toEqual(['COPY_WRONG']);
    expect(codes({ copies: [copy({ '91': { revision: 1, recordNos: ['a'] }, '92': { revision: 1, recordNos: ['c'] } })] })).toEqual([
      'COPY_WRONG',
    ]);
    expect(codes({ copies: [holding('a', 'b')] })).toEqual(['COPY_WRONG', 'REPAIRED_PUBLIC']);
  });

  it('names nothing that was made good, in no status and to no platform', () => {
    expect(codes({ statuses: [status('a', 'b')] })).toEqual(['REPAIRED_PUBLIC']);
    expect(codes({ told: [{ ...told, record_nos: '["a", "b"]' }] })).toEqual(['FEEDBACK_WRONG', 'REPAIRED_PUBLIC']);
  });

  it('is all that a platform believes in, whatever became of its merchant', () => {
    expect(codes({ told: [{ ...told, record_nos: '["a", "c"]' }] })).toEqual(['FEEDBACK_WRONG']);
    expect(codes({ told: [told, { ...told, platform: 'tmall', uscc: '92' }] })).toEqual(['FEEDBACK_WRONG']);
  });
});
