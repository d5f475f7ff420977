import { IsKeyring, ServiceConfig } from '@jinqiao/platform';

export class InspectionConfig extends ServiceConfig {
  /** Seal the draws that are kept for a restore: the first one all, the others what was sealed with them before. */
  @IsKeyring()
  DRAW_SECRET_KEYS: string;
}
