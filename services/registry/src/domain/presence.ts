import { CarillonError, checkName, type InstanceView, type Presence, type Registration } from '@carillon/contracts'
import type { Seen } from './roster.ts'

/** Which instance. */
export interface InstanceName {
  readonly namespace: string
  readonly instance: string
}

/** @throws CarillonError INVALID_NAME */
export function instanceName(namespace: string, instance: string): InstanceName {
  return { namespace: checkName('namespace', namespace), instance: checkName('instance', instance) }
}

/** Whether two sessions are known to be those of two processes. */
export const isOtherSession = (session: string | undefined, other: string | undefined) =>
  session !== undefined && other !== undefined && session !== other

/** Key of the presence bucket. */
export const presenceKey = ({ namespace, instance }: InstanceName) => `${namespace}.${instance}`

/** @throws CarillonError HANDLER_EXISTS when two handlers have one name */
export function presenceOf(namespace: string, registration: Registration, since: string): Presence {
  const names = new Set<string>()
  for (const { name } of registration.handlers) {
    if (names.has(name)) {
      throw new CarillonError('HANDLER_EXISTS', `instance ${registration.instance} registers handler ${name} twice`, {
        field: 'handlers',
        value: name,
      })
    }
    names.add(name)
  }
  return { ...registration, namespace, since }
}

/**
 * Which change of presence the newest beat asks for (semantics B4): *hung* when stuck handlers have held every slot for `hungAfterMs`, *recovered*
 * as soon as one slot is not held so.
 */
export function hungChange(
  { presence, blockedSince }: Seen,
  time: { elapsedMs: number; hungAfterMs: number },
): 'hung' | 'recovered' | undefined {
  if (presence.hung) return blockedSince === undefined ? 'recovered' : undefined
  return blockedSince !== undefined && time.elapsedMs - blockedSince >= time.hungAfterMs ? 'hung' : undefined
}

/** An instance as `instances.list` shows it. */
export function instanceView(seen: Seen, elapsedMs: number): InstanceView {
  const { handlers, ...rest } = seen.presence
  return { ...rest, handlers: handlers.map((handler) => handler.name), load: seen.load, silentMs: Math.round(elapsedMs - seen.heardAt) }
}
