import { type EventClass, typeOf } from '@jinqiao/contracts';
import { type RpcExceptionFilter, UseFilters } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { throwError } from 'rxjs';
import type { EntityManager } from 'typeorm';
import type { Received } from './received.js';

/** What the transport needs to know of a handler method; Nest carries it along with the pattern. */
export interface HandlerExtras {
  readonly batch: boolean;
  /** One value per decorated method, so that events of several types can be given to it together, in order. */
  readonly method: symbol;
  readonly events: readonly EventClass[];
}

type Handles<A> = (received: A, tx: EntityManager) => Promise<void>;
type HandlerDecorator<A> = <M extends Handles<A>>(
  target: object,
  property: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/** Calls the method once for each event, in the transaction of its batch. */
export function On<E extends object>(type: EventClass<E>): HandlerDecorator<Received<E>> {
  return pattern([type], false);
}

/**
 * Calls the method with all consecutive events of these types that one transaction handles: in their order of each partition, and of
 * several partitions, topics and owners together.
 */
export function OnBatch<const T extends readonly EventClass[]>(...types: T): HandlerDecorator<Received<InstanceType<T[number]>>[]> {
  return pattern(types, true);
}

function pattern(events: readonly EventClass[], batch: boolean): MethodDecorator {
  const extras: HandlerExtras = { batch, method: Symbol(events.map((type) => type.name).join('+')), events };
  const listen = EventPattern(
    events.map((type) => typeOf(type)),
    undefined,
    { ...extras },
  );
  return (target, property, descriptor) => {
    Payload()(target, property, 0);
    Ctx()(target, property, 1);
    UseFilters(new Rethrow())(target, property, descriptor);
    return listen(target, property, descriptor);
  };
}

/** Nest turns what a handler throws into a reply; here the batch has to see the error itself. */
class Rethrow implements RpcExceptionFilter {
  catch(error: unknown): ReturnType<RpcExceptionFilter['catch']> {
    return throwError(() => error);
  }
}
