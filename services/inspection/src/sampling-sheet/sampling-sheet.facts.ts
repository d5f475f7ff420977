import { CalendarDate, OneOf, SHEET_ACTS, type SheetAct, SheetFacts } from '@jinqiao/contracts';

/** A step of a sampling sheet, as it is sent. */
export class TakeSheetActBody extends SheetFacts {
  @OneOf(SHEET_ACTS) act: SheetAct;
  @CalendarDate({ about: 'The day it was done.' }) on: string;
}
