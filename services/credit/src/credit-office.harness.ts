import { OrganisationRegistered } from '@jinqiao/contracts';
import { eventually, type Http, type Place } from '@jinqiao/testing';

/** The credit office, as the directory introduces it to this service. */
export async function introducedCreditOffice(place: Place): Promise<Http> {
  await place.publish(OrganisationRegistered, {
    organisationId: 'tj-credit',
    kind: 'DEPARTMENT',
    name: '天津市社会信用体系建设主管部门',
    scopes: ['provides:credit.credit-record'],
    revision: 1,
  });
  await eventually(async () => expect(await place.sql(`SELECT FROM followed_organisations WHERE id = 'tj-credit'`)).toHaveLength(1));
  return place.http(await place.token('DEPARTMENT', 'tj-credit'));
}
