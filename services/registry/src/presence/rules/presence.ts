import { CarillonError, checkName, type Presence, type Registration } from '@carillon/contracts'

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
