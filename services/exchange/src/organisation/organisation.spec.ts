import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nameKey } from '@jinqiao/law';
import { ReasonMissing } from '../entitlement/entitlement.js';
import {
  assertNamesFree,
  change,
  changeStatus,
  ConformanceMissing,
  NameEmpty,
  namesOf,
  NameTaken,
  NotForSandbox,
  OperatorStays,
  type Organisation,
  type OrganisationDraft,
  OrganisationExists,
  register,
  SANDBOX,
  STATUS_ACTS,
  StatusNotAllowed,
  type UsccRefused,
} from './organisation.js';

const jd: Organisation = {
  id: 'jd',
  kind: 'PLATFORM',
  name: '京东',
  aliases: ['京东商城', '京东自营'],
  sectors: [],
  scopes: [],
  uscc: null,
  status: 'PRODUCTION',
  statusReason: null,
  revision: 1,
};
const { revision: _revision, status: _status, statusReason: _reason, ...draft } = jd;
const because = (reason: string | null) => ({ reason, conforms: false });
const changeable = { name: jd.name, aliases: jd.aliases, sectors: jd.sectors, scopes: jd.scopes, uscc: null };

describe('a name in the directory', () => {
  it('is claimed once, where it is first written', () => {
    expect(namesOf({ ...jd, aliases: ['JD', '京东商城', '京东 商城'] })).toEqual([
      { key: 'jd', pointer: '/id' },
      { key: '京东', pointer: '/name' },
      { key: '京东商城', pointer: '/aliases/1' },
    ]);
  });

  it('needs a character that is not a space', () => {
    expect(() => namesOf({ ...jd, aliases: ['京东商城', ' \u3000'] })).toThrow(NameEmpty);
  });
});

describe('the code of a merchant', () => {
  const shop: OrganisationDraft = { ...draft, id: 'shop', kind: 'MERCHANT', name: '示例商店', aliases: [], uscc: '91120199MA9XXX0111' };
  const codeOf = (act: () => Organisation): string | null => {
    try {
      return act().uscc;
    } catch (refused) {
      return (refused as UsccRefused).code;
    }
  };
  const registered = (uscc: string | null) => codeOf(() => register({ ...shop, uscc }, 'PRODUCTION', null));

  it('is kept in one form, whatever way it is written, and a repetition in another is the same', () => {
    expect(registered(' 91120199ma9xxx0111 ')).toBe('91120199MA9XXX0111');
    const present = register(shop, 'PRODUCTION', null);
    expect(register({ ...shop, uscc: '91120199ma9xxx0111' }, 'PRODUCTION', present)).toBe(present);
  });

  it('is checked, but one of the pilot of 2015 may be real', () => {
    expect(registered('91110108551385082F')).toBe('USCC_CHECK_FAILED');
    expect(registered('123456789012345678')).toBe('USCC_CHECK_FAILED');
    expect(registered('12')).toBe('USCC_CHECK_FAILED');
    expect(registered('91350203M0001QAY9B')).toBe('91350203M0001QAY9B');
  });

  it('is a merchant’s alone, and need not be known', () => {
    expect(codeOf(() => register({ ...draft, uscc: shop.uscc }, 'PRODUCTION', null))).toBe('USCC_FOR_MERCHANTS');
    expect(codeOf(() => change(jd, { ...changeable, uscc: shop.uscc }))).toBe('USCC_FOR_MERCHANTS');
    expect(registered(null)).toBeNull();
  });

  it('belongs to one organisation, as a name does, and changes with a revision', () => {
    expect(namesOf(shop).at(-1)).toEqual({ key: nameKey('91120199MA9XXX0111'), pointer: '/uscc' });
    expect(() => assertNamesFree('shop', namesOf(shop), new Map([[nameKey(shop.uscc ?? ''), 'other']]))).toThrow(NameTaken);
    const present = register(shop, 'PRODUCTION', null);
    expect(change(present, { ...shop, uscc: null })).toMatchObject({ uscc: null, revision: 2 });
  });
});

describe('the status of an organisation', () => {
  const suspended = changeStatus(jd, 'SUSPEND', because('凭证泄露'));

  it('is changed by suspension, resumption and exit, each with the next revision', () => {
    expect(suspended).toMatchObject({ status: 'SUSPENDED', statusReason: '凭证泄露', revision: 2 });
    expect(changeStatus(suspended, 'RESUME', because(null))).toMatchObject({ status: 'PRODUCTION', statusReason: null, revision: 3 });
    expect(changeStatus(suspended, 'EXIT', because('终止合作'))).toMatchObject({ status: 'EXITED', revision: 3 });
  });

  it('does not change back after the exit, nor does anything else', () => {
    const exited = changeStatus(jd, 'EXIT', because('终止合作'));
    for (const act of STATUS_ACTS) expect(() => changeStatus(exited, act, because('理由'))).toThrow(StatusNotAllowed);
    expect(() => change(exited, changeable)).toThrow(StatusNotAllowed);
    expect(() => changeStatus(jd, 'RESUME', because(null))).toThrow(StatusNotAllowed);
  });

  it('is changed for a reason, and never that of an operator', () => {
    expect(() => changeStatus(jd, 'SUSPEND', because(null))).toThrow(ReasonMissing);
    expect(() => changeStatus(jd, 'EXIT', because(null))).toThrow(ReasonMissing);
    expect(() => changeStatus({ ...jd, kind: 'OPERATOR' }, 'SUSPEND', because('理由'))).toThrow(OperatorStays);
  });
});

describe('a platform in the sandbox', () => {
  const trying = register(draft, 'SANDBOX', null);

  it('is promoted when it has conformed, or for a reason', () => {
    expect(trying.status).toBe('SANDBOX');
    expect(() => changeStatus(trying, 'PROMOTE', because(null))).toThrow(ConformanceMissing);
    const promoted = { status: 'PRODUCTION', revision: 2 };
    expect(changeStatus(trying, 'PROMOTE', { reason: null, conforms: true })).toMatchObject({ ...promoted, statusReason: null });
    expect(changeStatus(trying, 'PROMOTE', because('拒不配合'))).toMatchObject({ ...promoted, statusReason: '拒不配合' });
  });

  it('is not suspended, nothing real being told to it, and is promoted once', () => {
    expect(() => changeStatus(trying, 'SUSPEND', because('理由'))).toThrow(StatusNotAllowed);
    expect(() => changeStatus(jd, 'PROMOTE', because('理由'))).toThrow(StatusNotAllowed);
  });

  it('has its like among departments and no other kind, and its publisher’s name is nobody’s', () => {
    expect(register({ ...draft, kind: 'DEPARTMENT' }, 'SANDBOX', null).status).toBe('SANDBOX');
    expect(() => register({ ...draft, kind: 'STATISTICS' }, 'SANDBOX', null)).toThrow(NotForSandbox);
    expect(() => assertNamesFree('jd', namesOf({ ...jd, aliases: [SANDBOX] }), new Map())).toThrow(NameTaken);
  });
});

describe('registration', () => {
  it('begins at revision 1', () => expect(register(draft, 'PRODUCTION', null)).toEqual(jd));

  it('answers a repetition with what is registered, also after a change that was undone', () =>
    expect(register(draft, 'PRODUCTION', { ...jd, revision: 3 })).toEqual({ ...jd, revision: 3 }));

  it('refuses other content under a registered id', () =>
    expect(() => register({ ...draft, name: '京东集团' }, 'PRODUCTION', jd)).toThrow(OrganisationExists));

  it('refuses names of another organisation and says which', () => {
    const holders = new Map([
      ['jd', 'jd'],
      ['京东自营', 'tmall'],
    ]);
    expect(() => assertNamesFree('jd', namesOf(jd), holders)).toThrow(NameTaken);
    const refused = new NameTaken(namesOf(jd).filter(({ key }) => key === '京东自营'));
    expect(refused.findings).toEqual([expect.objectContaining({ code: 'NAME_TAKEN', pointer: '/aliases/1' })]);
    expect(() => assertNamesFree('jd', namesOf(jd), new Map([['jd', 'jd']]))).not.toThrow();
  });
});

describe('a change', () => {
  it('raises the revision', () =>
    expect(change(jd, { ...changeable, aliases: ['京东商城'] })).toEqual({ ...jd, aliases: ['京东商城'], revision: 2 }));
  it('of nothing leaves the revision', () => expect(change(jd, { ...changeable, aliases: [...jd.aliases] })).toBe(jd));
});

describe('the platforms of data/platforms.csv', () => {
  const rows = (file: string): string[][] =>
    readFileSync(join(import.meta.dirname, '../../../../data', file), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((row) => row.split(','));
  const platforms = rows('platforms.csv').map(([id = '', name = '', aliases = '']) => ({
    id,
    name,
    aliases: aliases.trim().split(';').filter(Boolean),
    uscc: null,
  }));
  const holders = new Map(platforms.flatMap((platform) => namesOf(platform).map(({ key }): [string, string] => [key, platform.id])));

  it('share no name', () => expect(holders.size).toBe(platforms.reduce((names, platform) => names + namesOf(platform).length, 0)));

  it('are all that published notices print, but for the one that was not printed', () => {
    const printed = new Set(rows('sampling-notices.csv').map((row) => row[3] ?? ''));
    printed.delete('');
    const unknown = [...printed].filter((name) => !holders.has(nameKey(name)));
    expect(unknown).toEqual(['线上（平台未印出）']);
    expect(new Set([...printed].map((name) => holders.get(nameKey(name)))).size).toBe(15);
  });
});
