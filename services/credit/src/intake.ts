import type { Received } from '@jinqiao/messaging';
import { type AccessLog, withoutSandbox } from '@jinqiao/platform';
import type { Finding } from '@jinqiao/schema';
import type { EntityManager } from 'typeorm';

/** What came in together may come from several departments: each one's for itself, in the one order in which their locks are taken. */
export async function byDepartment<R extends Received>(tx: EntityManager, sent: readonly R[]): Promise<[string, R[]][]> {
  const received = await withoutSandbox(tx, sent);
  return [...Map.groupBy(received, ({ owner }) => owner ?? '')].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Sets aside what was refused, and notes what the department sent. `answers` are in the order of what was received. */
export async function noteAnswered(
  tx: EntityManager,
  accessLog: AccessLog,
  departmentId: string,
  { received, answers }: { readonly received: readonly Received[]; readonly answers: readonly { readonly errors: readonly Finding[] }[] },
): Promise<void> {
  answers.forEach(({ errors }, place) => {
    const [worst] = errors;
    const reason = errors.map(({ pointer, message }) => `${pointer} ${message}`).join('; ');
    if (worst) received[place]?.reject(worst.code, reason, worst.pointer);
  });
  const places = [...Map.groupBy(received, ({ topic, partition }) => `${topic}[${partition}]`)].map(
    ([partition, own]) => `${partition} ${own[0]?.offset ?? ''}-${own.at(-1)?.offset ?? ''}`,
  );
  await accessLog.recordIn(tx, { id: departmentId, kind: 'DEPARTMENT', scopes: [] }, 'KAFKA intake', places.join(', '));
}
