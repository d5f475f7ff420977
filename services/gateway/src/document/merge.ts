/** As much of an OpenAPI document as has to be understood to join several into one. */
export interface OpenApi {
  openapi: string;
  info: Record<string, unknown>;
  paths: Record<string, unknown>;
  components?: { schemas?: Record<string, unknown>; securitySchemes?: Record<string, unknown> };
  tags?: { name: string }[];
  [more: string]: unknown;
}

const REFERENCE = '#/components/schemas/';

/** One document of several. Two schemas that share a name and differ are told apart by the name of their service. */
export function merge(whole: OpenApi, parts: readonly { name: string; document: OpenApi }[]): OpenApi {
  const merged: OpenApi = {
    ...whole,
    paths: { ...whole.paths },
    components: { schemas: { ...whole.components?.schemas }, securitySchemes: { ...whole.components?.securitySchemes } },
  };
  for (const { name, document } of parts) {
    const { paths, components } = withOwnNames(document, name, merged.components?.schemas ?? {});
    Object.assign(merged.paths, tagged(paths, name));
    Object.assign(merged.components?.schemas ?? {}, components?.schemas);
    Object.assign(merged.components?.securitySchemes ?? {}, components?.securitySchemes);
  }
  merged.tags = parts.map(({ name }) => ({ name }));
  return merged;
}

function withOwnNames(document: OpenApi, service: string, taken: Record<string, unknown>): OpenApi {
  const clashes = Object.entries(document.components?.schemas ?? {}).filter(
    ([name, schema]) => name in taken && !same(taken[name], schema),
  );
  if (clashes.length === 0) return document;
  const renamed = new Map(clashes.map(([name]) => [name, `${service}.${name}`]));
  const text = JSON.stringify(document).replace(/"#\/components\/schemas\/([^"/]+)"/g, (reference, name: string) => {
    const own = renamed.get(name);
    return own ? `"${REFERENCE}${own}"` : reference;
  });
  const own = JSON.parse(text) as OpenApi;
  const schemas = Object.entries(own.components?.schemas ?? {}).map(([name, schema]) => [renamed.get(name) ?? name, schema] as const);
  return { ...own, components: { ...own.components, schemas: Object.fromEntries<unknown>(schemas) } };
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Every operation stands under its service. */
function tagged(paths: Record<string, unknown>, service: string): Record<string, unknown> {
  const operations = Object.entries(paths).map(([path, item]): [string, unknown] => [
    path,
    Object.fromEntries(
      Object.entries(item ?? {}).map(([method, operation]) => [
        method,
        Array.isArray(operation) ? operation : { ...operation, tags: [service] },
      ]),
    ),
  ]);
  return Object.fromEntries<unknown>(operations);
}
