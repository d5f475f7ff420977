import { DepartmentConformed } from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';

/** Listens to inspection.conformance.v1: whoever takes in what departments report sees whether they have shown what they have to. */
@Controller()
export class ConformanceConsumer {
  @OnBatch(DepartmentConformed)
  async note(received: Received<DepartmentConformed>[], tx: EntityManager): Promise<void> {
    await tx.query(
      `INSERT INTO conformed_departments (run_id, department_id, finished_at)
       SELECT "runId", "departmentId", "finishedAt"
       FROM jsonb_to_recordset($1::jsonb) AS x ("runId" uuid, "departmentId" text, "finishedAt" timestamptz)
       ORDER BY "runId" ON CONFLICT DO NOTHING`,
      [JSON.stringify(received.map(({ data }) => data))],
    );
  }
}
