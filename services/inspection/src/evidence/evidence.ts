/**
 * What proves the steps of a sampling sheet (产品质量监督抽查管理暂行办法 §19 to §28: documents, photographs, films, screenshots): bytes of any
 * kind, named by what they contain, kept as they came, for as long as the law and what is public of the result want them (§54; of what is
 * personal no longer than that, 个人信息保护法 §19, §47). That a piece was there, and when and under which rule it went, stays.
 */
import type { Regime } from '@jinqiao/contracts';
import { dayInChina, pastBefore, rule } from '@jinqiao/law';
import { DomainError } from '@jinqiao/schema';
import type { Competence } from '../sampling-sheet/sampling-sheet.acts.js';

export const EVIDENCE_TYPES = [
  'SHEET_SCAN',
  'PHOTO',
  'VIDEO',
  'SCREENSHOT',
  'ORDER',
  'PAYMENT',
  'UNPACKING_FILM',
  'DOCUMENT',
  'LAB_REJECTION',
  'REPORT',
] as const;
export type EvidenceType = (typeof EVIDENCE_TYPES)[number];

export interface Evidence {
  readonly type: EvidenceType;
  readonly sha256: string;
  readonly bytes: number;
  readonly addedBy: string;
  readonly addedAt: Date;
  /** Since when its bytes are gone because their time has passed. */
  readonly erasedAt: Date | null;
}

/** A bound, so that nobody fills the disk with one sheet. */
export const PIECES_A_SHEET_MAX = 200;

/** Whichever is longer: until the result is public in nobody's credit record there may be a dispute about it. */
const KEPT_FOR = ['SAMPLING_FILES_KEPT', 'CREDIT_PUBLICATION_SAMPLING_RESULT'] as const;

/** What of a regime goes, and the rule row by which it does. */
export interface Past {
  readonly regime: Regime;
  /** To what nothing has happened since. */
  readonly before: Date;
  readonly ruleVersion: string;
}

/** Null: kept, as some rule does not say how long. */
export function pastOf(regime: Regime, now: Date): Past | null {
  const all = KEPT_FOR.map((name) => {
    const row = rule(name, { regime, on: dayInChina(now) });
    return { regime, before: pastBefore(name, now, regime), ruleVersion: row === 'NO_RULE' ? '' : row.version };
  });
  const known = all.flatMap(({ before, ...past }) => (before === null ? [] : { ...past, before }));
  return known.length < all.length ? null : known.reduce((longer, other) => (other.before < longer.before ? other : longer));
}

const OF_LABORATORIES: readonly EvidenceType[] = ['LAB_REJECTION', 'REPORT'];
const OF_BOTH: readonly EvidenceType[] = ['PHOTO', 'VIDEO', 'DOCUMENT'];

/** Who may add what: a laboratory nothing of the sampling, and whoever samples nothing of the laboratory's. */
export const mayAdd = (type: EvidenceType, as: Competence): boolean =>
  OF_BOTH.includes(type) || OF_LABORATORIES.includes(type) === (as === 'LABORATORY');

export function declaredType(given: string | undefined): EvidenceType {
  const type = EVIDENCE_TYPES.find((one) => one === given);
  if (!type) throw new EvidenceTypeUndeclared(given);
  return type;
}

class EvidenceTypeUndeclared extends DomainError {
  constructor(given: string | undefined) {
    const code = given === undefined ? 'FIELD_MISSING' : 'NOT_IN_CODE_LIST';
    super('VALIDATION_FAILED', 400, { zh: '未说明证据材料类型', en: 'The request does not say what the file is' }, [
      { code, pointer: '/type', message: `is one of ${EVIDENCE_TYPES.join(', ')}` },
    ]);
  }
}

export class EvidenceUnknown extends DomainError {
  constructor() {
    super('EVIDENCE_UNKNOWN', 404, { zh: '没有该证据材料', en: 'There is no such evidence, or it is none of yours' });
  }
}

/** The database was set back to a backup from before it came: what it was is known, its bytes are not. */
export class EvidenceLost extends DomainError {
  constructor() {
    super('EVIDENCE_LOST', 410, {
      zh: '证据材料内容已丢失，请重新上传',
      en: 'The bytes were lost with a database that was set back: send the file again',
    });
  }
}

/** Its time has passed. */
export class EvidenceErased extends DomainError {
  constructor({ sha256, erasedAt }: Pick<Evidence, 'sha256' | 'erasedAt'>) {
    super('EVIDENCE_ERASED', 410, { zh: '证据材料保存期满，已销毁', en: 'Its time has passed, and its bytes are gone' }, [], {
      sha256,
      erasedAt,
    });
  }
}

export class EvidenceEmpty extends DomainError {
  constructor() {
    super('EVIDENCE_EMPTY', 422, { zh: '证据材料为空', en: 'The file is empty' }, [
      { code: 'EVIDENCE_EMPTY', pointer: '/file', message: 'has not one byte' },
    ]);
  }
}

export class EvidenceTooMuch extends DomainError {
  constructor() {
    super('EVIDENCE_TOO_MUCH', 409, { zh: '证据材料过多', en: `A sheet has at most ${PIECES_A_SHEET_MAX} pieces of evidence` });
  }
}

/** It took longer than an upload may, and its bytes are gone. */
export class EvidenceUploadLost extends DomainError {
  constructor() {
    super('EVIDENCE_UPLOAD_LOST', 409, { zh: '上传超时，请重新上传', en: 'The upload took too long: send it again' });
  }
}

/** What is kept is not what came: somebody changed it underneath, or a disk did. */
export class EvidenceChanged extends DomainError {
  constructor(sha256: string) {
    super('EVIDENCE_CHANGED', 500, { zh: '证据材料与接收时不一致', en: 'The bytes are not those that came in' }, [], { sha256 });
  }
}
