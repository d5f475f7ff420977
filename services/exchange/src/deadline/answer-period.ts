/** The statutory period in which a department answers another one (政务数据共享条例 art. 21, 26), as the published holidays have it. */
import { deadline, rule } from '@jinqiao/law';

export interface AnswerPeriod {
  readonly startedOn: string;
  readonly dueOn: string;
  /** It touches days that no arrangement of holidays has decided about. */
  readonly provisional: boolean;
  readonly ruleVersion: string;
}

/** From a day on, by the row that is law on it, or on another day where that decides; null where there is none. */
export function answerPeriod(ruleName: string, startedOn: string, lawOn = startedOn): AnswerPeriod | null {
  const row = rule(ruleName, { on: lawOn });
  if (row === 'NO_RULE') return null;
  const { due, provisional } = deadline(startedOn, row);
  return { startedOn, dueOn: String(due), provisional, ruleVersion: row.version };
}

/** What was computed before its holidays were published waits to be computed again, like what still lacks them. */
export const isProvisional = ({ dueOn, provisional }: AnswerPeriod, told: string): boolean => provisional || dueOn !== told;
