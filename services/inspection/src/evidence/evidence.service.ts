import { Clock, type Principal, type Upload } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { viewerOf } from '../actor.js';
import { disclosed, type Seen } from '../disclosure/disclosure.js';
import { competencesOf, concernOf, type Sheet, SheetActNotCompetent, SheetUnknown } from '../sampling-sheet/sampling-sheet.js';
import { COMPETENCES } from '../sampling-sheet/sampling-sheet.acts.js';
import { type SheetName, SheetStore } from '../sampling-sheet/sampling-sheet.store.js';
import {
  declaredType,
  type Evidence,
  EvidenceErased,
  EvidenceTooMuch,
  EvidenceUnknown,
  type EvidenceType,
  mayAdd,
  PIECES_A_SHEET_MAX,
} from './evidence.js';
import { EvidenceStore, type ReceivedFile } from './evidence.store.js';

/** What proves the steps of sampling sheets: for those who have a part in the sheet, and for the auditor. */
@Injectable()
export class EvidenceOfSheets {
  constructor(
    private readonly db: DataSource,
    private readonly sheets: SheetStore,
    private readonly store: EvidenceStore,
    private readonly clock: Clock,
  ) {}

  /** The same bytes as the same kind of evidence are one piece, however often they are sent. */
  async add(
    caller: Principal,
    name: SheetName,
    { type, content }: Pick<Upload, 'content'> & { type: string | undefined },
  ): Promise<Evidence> {
    try {
      const declared = declaredType(type);
      const sheet = await this.sheets.get(this.db.manager, name);
      await this.seen(sheet, caller);
      mayBeAdded(sheet, caller, declared);
      const received = await this.store.receive(content);
      return await this.keep(caller, name, { ...received, type: declared });
    } finally {
      // Of what was refused nobody reads the rest; the sender still has to get rid of it.
      content.resume();
    }
  }

  async read(caller: Principal, name: SheetName, sha256: string): Promise<Awaited<ReturnType<EvidenceStore['read']>>> {
    const { evidence = [] } = await this.seen(await this.sheets.get(this.db.manager, name), caller);
    const pieces = evidence.filter((one) => one.sha256 === sha256);
    const [piece] = pieces;
    if (!piece) throw new EvidenceUnknown();
    if (pieces.every(({ erasedAt }) => erasedAt !== null)) throw new EvidenceErased(piece);
    return this.store.read(sha256);
  }

  private async keep(caller: Principal, name: SheetName, file: ReceivedFile & { type: EvidenceType }): Promise<Evidence> {
    try {
      return await this.db.transaction(async (tx) => {
        const { evidence } = await this.sheets.get(tx, name, 'FOR UPDATE OF s');
        const there = evidence.find(({ type, sha256 }) => type === file.type && sha256 === file.sha256);
        if (there?.erasedAt) throw new EvidenceErased(there);
        if (!there && evidence.length >= PIECES_A_SHEET_MAX) throw new EvidenceTooMuch();
        await this.store.keep(tx, file);
        if (there) return there;
        const { type, sha256, bytes } = file;
        const piece = { type, sha256, bytes, addedBy: caller.id, addedAt: this.clock.now(), erasedAt: null };
        await tx.query(
          'INSERT INTO evidence (organiser_id, sample_no, type, sha256, bytes, added_by, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7)',
          [name.organiserId, name.sampleNo, type, sha256, bytes, caller.id, piece.addedAt],
        );
        await this.sheets.keep(tx, name);
        return piece;
      });
    } catch (problem) {
      await this.store.drop(file.uploadId);
      throw problem;
    }
  }

  /** Bytes are read by whoever sees on the sheet that they are there. */
  private async seen(sheet: Sheet, caller: Principal): Promise<Seen<Pick<Sheet, 'evidence'>>> {
    const seen = disclosed('SHEET', await viewerOf(this.db.manager, caller), concernOf(sheet), { evidence: sheet.evidence });
    if (!seen) throw new SheetUnknown();
    return seen;
  }
}

function mayBeAdded(sheet: Sheet, caller: Principal, type: EvidenceType): void {
  if (competencesOf(sheet, caller).some((competence) => mayAdd(type, competence))) return;
  throw new SheetActNotCompetent(COMPETENCES.filter((competence) => mayAdd(type, competence)));
}
