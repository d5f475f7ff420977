import { ShutOut } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';

/** Asks the directory itself, where the other services ask what they have heard of it. */
@Injectable()
export class OrganisationAdmission extends ShutOut {
  protected override get table(): string {
    return 'organisations';
  }
}
