import { AnyObject, Revision, Text } from './fields.js';

/**
 * The rows of one object as the tables of its writer have them, with its history and its clocks. Nobody else may read them: a database
 * that was set back takes them over again (ADR-0020).
 */
export class KeptRows {
  @Text({
    max: 300,
    about:
      'Which object: reporterId:sampleNo, recallNo, the id of a pair, round or plan, planId:stepNo, or the number of a list or decision.',
  })
  subject: string;
  @Revision() revision: number;
  @AnyObject({ about: 'The rows of the object, by table.' }) rows: Readonly<Record<string, readonly object[]>>;
}
