/**
 * Commitments as a department reports them: a record of what was promised, and by its next revisions what became of it (M6: commitments
 * and whether they were kept go into the credit record). A broken one is a second record beside it, public for the period of its own row
 * (天津市社会信用条例); one that was kept, or kept in part, says so on the commitment itself.
 */
import type { CreditRecordReported } from '@jinqiao/contracts';
import { recordTypesOn } from '@jinqiao/law';
import type { Finding } from '@jinqiao/schema';
import type { Claim } from '../credit-record/credit-record.js';

export function commitmentFindings({ type, documentDate, commitment }: CreditRecordReported, receivedOn: string): Finding[] {
  if (commitment === undefined) return [];
  const { until, outcome, checkedOn } = commitment;
  const findings: Finding[] = [];
  const note = (code: string, field: string, message: string) => findings.push({ code, pointer: `/commitment${field}`, message });
  if (type !== 'COMMITMENT') note('COMMITMENT_UNEXPECTED', '', `is not for ${type}`);
  if (until !== undefined && until < documentDate) note('OUT_OF_RANGE', '/until', `is before ${documentDate}, when it was made`);
  if (outcome !== undefined && checkedOn === undefined) note('FIELD_MISSING', '/checkedOn', 'is required with an outcome');
  if (outcome === undefined && checkedOn !== undefined) note('FIELD_MISSING', '/outcome', 'is required once it was checked');
  if (checkedOn !== undefined && checkedOn < documentDate)
    note('OUT_OF_RANGE', '/checkedOn', `is before ${documentDate}, when it was made`);
  if (checkedOn !== undefined && checkedOn > receivedOn) note('DATED_IN_FUTURE', '/checkedOn', 'lies in the future');
  return findings;
}

/** The commitment itself, and that it was broken. */
export function claimsOf(claim: Claim): Claim[] {
  if (claim.commitment?.outcome !== 'BROKEN' || claim.commitment.checkedOn === undefined) return [claim];
  const { checkedOn } = claim.commitment;
  const [row = null] = recordTypesOn('COMMITMENT_BROKEN', checkedOn);
  const dates = { documentDate: checkedOn, publishFrom: null, publicUntil: null };
  return [claim, { ...claim, ...dates, type: 'COMMITMENT_BROKEN', row, isPublic: row?.publicity === 'PUBLIC', commitment: null }];
}
