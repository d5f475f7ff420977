import { type Principal, scopesOf } from '@jinqiao/platform';
import { DomainError } from '@jinqiao/schema';
import type { EntityManager } from 'typeorm';

/** In the directory the credit office is the department that provides the city's credit records. */
const CREDIT_OFFICE = 'provides:credit.credit-record';

export class NotTheCreditOffice extends DomainError {
  constructor() {
    super('NOT_THE_CREDIT_OFFICE', 403, {
      zh: '仅社会信用主管部门可以报送、查阅全国信用网站的修复决定等内容',
      en: 'Only the credit office passes on and reads back what the national credit site says',
    });
  }
}

export const isCreditOffice = async (tx: EntityManager, id: string): Promise<boolean> => (await scopesOf(tx, id)).includes(CREDIT_OFFICE);

export async function assertCreditOffice(tx: EntityManager, { id }: Principal): Promise<void> {
  if (!(await isCreditOffice(tx, id))) throw new NotTheCreditOffice();
}
