import { DomainError } from '@jinqiao/schema';

/** How far a service has followed a subject, and since when: what `GET /api/<service>/applied/{subject}` answers. */
export interface Applied {
  revision: number;
  appliedAt: Date;
}

export class SubjectNeverApplied extends DomainError {
  constructor() {
    super('SUBJECT_NEVER_APPLIED', 404, { zh: '尚未处理该对象', en: 'Nothing about this subject has been applied' });
  }
}
