import { componentSchemas } from '@jinqiao/schema';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { bodyNamed } from './checked.js';
import { ServiceConfig } from './config.js';

const REFERENCE = '#/components/schemas/';

/** The OpenAPI 3.1 document of a service; the gateway joins them into one. */
export function openApiOf(app: NestFastifyApplication, name: string): OpenAPIObject {
  const { OIDC_ISSUER } = app.get(ServiceConfig);
  const about = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle(`Jinqiao ${name}`)
    .setVersion('1')
    .addOAuth2({ type: 'oauth2', flows: { clientCredentials: { tokenUrl: `${OIDC_ISSUER}/token`, scopes: {} } } }, 'oauth2')
    .build();
  const operationIdFactory = (controller: string, method: string): string => `${name}.${controller.replace(/Controller$/, '')}.${method}`;
  const document = SwaggerModule.createDocument(app, about, { operationIdFactory });
  return withProblems(withBodies(document));
}

/** Puts the schema of every body class under components, its nested classes beside it. */
function withBodies(document: OpenAPIObject): OpenAPIObject {
  const schemas: NonNullable<OpenAPIObject['components']>['schemas'] = { ...document.components?.schemas };
  const named = JSON.stringify(document).matchAll(/"#\/components\/schemas\/([\w.-]+)"/g);
  for (const [, name = ''] of named) {
    const type = schemas[name] ? undefined : bodyNamed(name);
    if (type) Object.assign(schemas, componentSchemas([type]));
  }
  return { ...document, components: { ...document.components, schemas } };
}

/** Every operation may answer with a problem. */
function withProblems(document: OpenAPIObject): OpenAPIObject {
  const answer = { description: 'A problem', content: { 'application/problem+json': { schema: { $ref: `${REFERENCE}Problem` } } } };
  for (const path of Object.values(document.paths)) {
    for (const operation of [path.get, path.put, path.post, path.delete, path.patch]) {
      if (operation) operation.responses = { ...operation.responses, default: answer };
    }
  }
  document.components ??= {};
  document.components.schemas = { ...document.components.schemas, Problem: PROBLEM, Finding: FINDING };
  return document;
}

const text = { type: 'string' };
const FINDING = { type: 'object', required: ['code', 'pointer', 'message'], properties: { code: text, pointer: text, message: text } };
const PROBLEM = {
  type: 'object',
  description: 'RFC 9457, with a stable code and the title in both languages.',
  required: ['type', 'title', 'titleZh', 'status', 'code', 'detail', 'instance', 'pointer'],
  properties: {
    type: text,
    title: text,
    titleZh: text,
    status: { type: 'integer' },
    code: text,
    detail: text,
    instance: text,
    pointer: text,
    errors: { type: 'array', items: { $ref: `${REFERENCE}Finding` } },
  },
};
