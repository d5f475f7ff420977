import type { OrganisationStatus } from '@jinqiao/contracts';
import type { Admission, Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { OrganisationShutOut } from './organisation.js';

/** How old what is known may be: a suspension is in effect within this time in every process. */
const KNOWN_MS_MAX = 1_000;

/** Refuses whoever is suspended or has left. They are few, so all of them are read, and no request waits for a query of its own. */
@Injectable()
export class OrganisationAdmission implements Admission {
  private known: { readonly at: number; readonly shutOut: Promise<ReadonlyMap<string, OrganisationStatus>> } | null = null;

  constructor(private readonly db: DataSource) {}

  async admit({ id }: Principal): Promise<void> {
    const status = (await this.shutOut()).get(id);
    if (status !== undefined) throw new OrganisationShutOut(status);
  }

  private shutOut(): Promise<ReadonlyMap<string, OrganisationStatus>> {
    const now = performance.now();
    if (this.known && now - this.known.at < KNOWN_MS_MAX) return this.known.shutOut;
    this.known = { at: now, shutOut: this.read() };
    return this.known.shutOut;
  }

  private async read(): Promise<ReadonlyMap<string, OrganisationStatus>> {
    const rows: { id: string; status: OrganisationStatus }[] = await this.db.query(
      `SELECT id, status FROM organisations WHERE status IN ('SUSPENDED', 'EXITED')`,
    );
    return new Map(rows.map(({ id, status }) => [id, status]));
  }
}
