export const FORMATS = ['json', 'ics', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

const BY_TYPE: Readonly<Record<string, Format>> = {
  'application/json': 'json',
  'text/calendar': 'ics',
  'text/csv': 'csv',
  'application/*': 'json',
  '*/*': 'json',
};

/** What an Accept header likes best of what there is (RFC 9110 §12.5.1); JSON where it likes none of it. */
export function formatAsked(accept: string | undefined): Format {
  const liked = (accept ?? '*/*').split(',').flatMap((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const format = BY_TYPE[type];
    const quality = weight === undefined ? 1 : Number(weight.slice(2));
    return format && quality > 0 ? [{ format, quality }] : [];
  });
  // Of what it likes the same the first: the sort is stable.
  return liked.sort((one, other) => other.quality - one.quality)[0]?.format ?? 'json';
}
