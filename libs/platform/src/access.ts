import { DomainError } from '@jinqiao/schema';
import {
  applyDecorators,
  createParamDecorator,
  Injectable,
  RequestMethod,
  SetMetadata,
  type CanActivate,
  type ExecutionContext,
  type INestApplicationContext,
} from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { ApiExtension, ApiSecurity } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Principal, PrincipalKind } from './principal.js';
import { RateLimit } from './rate-limit.js';
import { Tokens } from './tokens.js';

const WHO_MAY_CALL = 'jinqiao:who-may-call';
const IN_SANDBOX = 'jinqiao:in-sandbox';
const KEEPS_OWN_LOG = 'jinqiao:keeps-own-log';
const ANYONE = 'ANYONE';
type WhoMayCall = readonly PrincipalKind[] | typeof ANYONE;
/** What a route says about organisations in the sandbox. */
export type InSandbox = 'OPEN' | 'CLOSED' | undefined;

declare module 'fastify' {
  interface FastifyRequest {
    principal?: Principal;
  }
}

/** Names the kinds of principal that may call a route, or every route of a controller. A route that names nobody refuses everybody. */
export const Allow = (...kinds: PrincipalKind[]): ClassDecorator & MethodDecorator =>
  applyDecorators(SetMetadata(WHO_MAY_CALL, kinds), ApiSecurity('oauth2'), ApiExtension('x-allow', kinds));

/** A public route: no token is asked for. */
export const AllowAnyone = (): ClassDecorator & MethodDecorator =>
  applyDecorators(SetMetadata(WHO_MAY_CALL, ANYONE), ApiExtension('x-allow', ANYONE));

/** A department that has still to show that it conforms may call this route; it may call no other. */
export const OpenInSandbox = (): MethodDecorator & ClassDecorator => SetMetadata(IN_SANDBOX, 'OPEN' satisfies InSandbox);

/** No organisation in the sandbox may call this route, a platform neither: what it would be told is true. */
export const ClosedInSandbox = (): MethodDecorator & ClassDecorator => SetMetadata(IN_SANDBOX, 'CLOSED' satisfies InSandbox);

/** What a route answers is noted by its use case, with more than the access log would hold; that one leaves it out. */
export const KeepsOwnLog = (): MethodDecorator & ClassDecorator => SetMetadata(KEEPS_OWN_LOG, true);

/** What a decorator has said of a route or, where it says nothing, of its controller. */
const saidOf = <T>(reflector: Reflector, of: string, context: ExecutionContext): T | undefined =>
  reflector.getAllAndOverride<T | undefined>(of, [context.getHandler(), context.getClass()]);

export const keepsOwnLog = (reflector: Reflector, context: ExecutionContext): boolean =>
  saidOf<true>(reflector, KEEPS_OWN_LOG, context) ?? false;

/** The authenticated principal. Only on routes with @Allow. */
export const Caller = createParamDecorator((_unused: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!principal) throw new Error('@Caller() needs @Allow(...) on the same route');
  return principal;
});

export class Forbidden extends DomainError {
  constructor() {
    super('FORBIDDEN', 403, { zh: '无权执行此操作', en: 'This principal may not do this' });
  }
}

/** What a service knows of a principal besides its token. */
export abstract class Admission {
  /** Throws where the principal may not call this at the moment. */
  abstract admit(principal: Principal, route: { readonly inSandbox: InSandbox }): Promise<void>;
}

/**
 * Deny by default: authenticates, compares with @Allow, asks whether the principal is admitted, then counts the request against the
 * principal's rate limit.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: Tokens,
    private readonly rateLimit: RateLimit,
    private readonly admission: Admission,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    // Kafka records are let in by the broker's access rules, not by a token in a request.
    if (context.getType() !== 'http') return true;
    const allowed = saidOf<WhoMayCall>(this.reflector, WHO_MAY_CALL, context);
    if (allowed === ANYONE) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const principal = await this.tokens.principalOf(request.headers.authorization);
    if (!allowed?.includes(principal.kind)) throw new Forbidden();
    await this.admission.admit(principal, { inSandbox: saidOf<InSandbox>(this.reflector, IN_SANDBOX, context) });
    await this.rateLimit.take(principal.id);
    request.principal = principal;
    return true;
  }
}

/** The routes that name nobody, as `GET /api/credit/records`. Each service has a test that this list is empty. */
export function routesThatNameNobody(app: INestApplicationContext): string[] {
  const discovery = app.get(DiscoveryService, { strict: false });
  const scanner = new MetadataScanner();
  return discovery.getControllers().flatMap(({ metatype, instance }) => {
    if (!metatype || !instance || Reflect.hasMetadata(WHO_MAY_CALL, metatype)) return [];
    const prototype = metatype.prototype as object;
    return scanner
      .getAllMethodNames(prototype)
      .map((name) => Reflect.get(prototype, name) as object)
      .filter((route) => Reflect.hasMetadata(PATH_METADATA, route) && !Reflect.hasMetadata(WHO_MAY_CALL, route))
      .map(
        (route) =>
          `${RequestMethod[Reflect.getMetadata(METHOD_METADATA, route) as RequestMethod]} /${joined(Reflect.getMetadata(PATH_METADATA, metatype), Reflect.getMetadata(PATH_METADATA, route))}`,
      );
  });
}

const joined = (...paths: unknown[]): string =>
  paths
    .map((path) => String(path).replace(/^\/+|\/+$/g, ''))
    .filter(Boolean)
    .join('/');
