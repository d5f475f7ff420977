/**
 * What proves the steps of a sampling sheet (产品质量监督抽查管理暂行办法 §19 to §28: documents, photographs, films, screenshots): bytes of any
 * kind, named by what they contain, kept as they came.
 */
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
}

/** A bound, so that nobody fills the disk with one sheet. */
export const PIECES_A_SHEET_MAX = 200;

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
